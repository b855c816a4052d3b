//! Settings of Docker's containers.

use super::container::{capabilities, devices, memory_limit, rlimits, seccomp, volumes};
use super::{Environment, Place};
use crate::experiment;
use crate::step::{Confinement, DockerSpec};
use crate::text::error::Fault;

pub(super) fn resolve(settings: &experiment::Docker, place: &Place<'_>) -> Result<Environment, Fault> {
    let memory = settings.memory.map(|memory| memory.0);
    memory_limit(memory, place)?;
    let confinement = Confinement {
        capabilities: capabilities(&settings.capabilities, place)?,
        seccomp: seccomp(settings.seccomp),
        apparmor: settings.apparmor.clone(),
        rlimits: rlimits(&settings.rlimits, place)?,
        privileged: settings.privileged,
    };
    Ok(Environment::Docker(Box::new(DockerSpec {
        id: String::new(),
        image: settings.image.clone(),
        cpus: Vec::new(),
        memory,
        devices: devices(&settings.devices, place)?,
        volumes: volumes(&settings.volumes, place)?,
        confinement,
        boot_timeout: settings.boot_timeout.0,
    })))
}
