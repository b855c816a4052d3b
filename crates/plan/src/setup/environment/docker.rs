//! Settings of Docker's containers.

use super::container::{capabilities, devices, memory_limit, rlimits, seccomp, volumes};
use super::{Environment, Place, beside, huge_pages};
use crate::experiment;
use crate::step::{Confinement, DockerSpec, Hardware, Masks};
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
        no_raw: false,
    };
    Ok(Environment::Docker(Box::new(DockerSpec {
        id: String::new(),
        image: settings.image.as_deref().map(|image| image_or_archive(image, place.folder)),
        cpus: Vec::new(),
        memory,
        hardware: Hardware {
            cgroup: None,
            devices: devices(&settings.devices, place)?,
            hugepages: huge_pages::limits(&settings.hugepages, place)?,
            masks: (settings.masks && !settings.privileged).then(|| Masks { cpus: Vec::new() }),
        },
        volumes: volumes(&settings.volumes, place)?,
        confinement,
        boot_timeout: settings.boot_timeout.0,
    })))
}

/// What ends like an archive or a built image, or starts like a path, lies beside the experiment; anything else is a name that the engine knows.
fn image_or_archive(image: &str, folder: &str) -> String {
    let is_path = [".", "/"].iter().any(|start| image.starts_with(start))
        || [".image", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst"].iter().any(|end| image.ends_with(end));
    if is_path { beside(folder, image) } else { image.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::image_or_archive;

    #[test]
    fn archives_lie_beside_the_experiment_and_names_are_the_engines() {
        assert_eq!(image_or_archive("image.tar.gz", "examples"), "examples/image.tar.gz");
        assert_eq!(image_or_archive("small.image", "examples"), "examples/small.image");
        assert_eq!(image_or_archive("./image", "examples"), "examples/./image");
        assert_eq!(image_or_archive("/srv/image.tar", "examples"), "/srv/image.tar");
        assert_eq!(image_or_archive("debian:12", "examples"), "debian:12");
        assert_eq!(image_or_archive("registry.example:5000/a/b", "examples"), "registry.example:5000/a/b");
    }
}
