//! The program's life as a container's parent.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use super::bundle::Bundle;
use super::configuration::{Found, configuration};
use super::order::Order;
use super::{capabilities, devices, identity, limits, profile, root};
use crate::apply::process::Process;
use crate::apply::{cgroup, namespace, process};
use crate::user_namespace;

/// One container from creation to end. Its first line says which process is the container's first, or why there is none; the agent's words
/// follow.
pub(crate) fn run_as_shim(id: &str, parent: i32) -> anyhow::Result<()> {
    let (mut container, pid) = match create(id, parent) {
        Ok(created) => created,
        Err(error) => {
            say(&format!("{error:#}"))?;
            return Err(error);
        }
    };
    say(&pid.as_raw_pid().to_string())?;
    container.start().map_err(failed(id, "start"))?;
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) | Ok(None) => {}
            Err(error) => return Err(error).context("cannot wait for the container's process"),
            // its control group stays for those who ask why it ended; the step that made the group removes it
            Ok(Some((_, status))) => return Bundle::of(id).forget_last_start().and_then(|()| how_it_ended(status)),
        }
    }
}

/// An end that nobody asked for is told: it is all that is known of an agent that was killed.
fn how_it_ended(status: WaitStatus) -> anyhow::Result<()> {
    if let Some(signal) = status.terminating_signal() {
        bail!("the container's first process was ended by signal {signal}");
    }
    match status.exit_status() {
        Some(0) | None => Ok(()),
        Some(status) => bail!("the container's first process ended with status {status}"),
    }
}

/// Says a line to whoever started this process.
fn say(line: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", line.replace('\n', " ")).and_then(|()| output.flush()).context("nobody hears the container's parent")
}

/// Creates the container: its first process exists, in its namespaces and limits, and waits to be started.
fn create(id: &str, parent: i32) -> anyhow::Result<(Container, Pid)> {
    process::follow(Some(parent))?;
    let bundle = Bundle::of(id);
    let order = Order::read(&bundle)?;
    alone(&order, &bundle)?;
    configure(&order, &bundle)?;
    if let (Some(cgroup), Some(allowed)) = (&order.spec.cgroup, devices::allowed(&order.spec)?) {
        cgroup::allow_devices(cgroup, &allowed)?;
    }
    let container = ContainerBuilder::new(id.to_owned(), SyscallType::default())
        .with_root_path(bundle.state())
        .and_then(ContainerBuilder::validate_id)
        .map_err(failed(id, "set up"))?
        .as_init(bundle.folder())
        .with_systemd(false)
        .build()
        .map_err(failed(id, "create"))?;
    let pid = container.pid().and_then(|pid| Pid::from_raw(pid.as_raw())).context("the container has no process")?;
    bundle.keep_init(&Process::of(pid.as_raw_pid().unsigned_abs()))?;
    if let Some(cgroup) = &order.spec.cgroup {
        cgroup::join_beside(cgroup, pid.as_raw_pid())?;
    }
    cgroup::keep_real_time_share(pid.as_raw_pid())?;
    Ok((container, pid))
}

/// Moves into a mount namespace of its own. Without root there are no control groups to put a container in, and the runtime must see none.
fn alone(order: &Order, bundle: &Bundle) -> anyhow::Result<()> {
    if order.spec.cgroup.is_some() {
        return user_namespace::own_mounts();
    }
    let volumes = order.spec.volumes.iter().map(|volume| Path::new(&volume.source));
    let image = order.image.as_ref().map(|image| image.rootfs.as_path());
    let keep: Vec<_> = [bundle.folder(), &order.binary, namespace::folder()].into_iter().chain(image).chain(volumes).collect();
    user_namespace::leave_control_groups_behind(&bundle.private_root(), &keep)
}

/// Makes the root file system and writes what the runtime reads.
fn configure(order: &Order, bundle: &Bundle) -> anyhow::Result<()> {
    let mapping = order.spec.user_namespace.then(identity::mapping).transpose()?;
    let (devices, device_rules) = devices::of(&order.spec)?;
    let (limits, lowered) = limits::of(&order.spec);
    for sentence in lowered {
        eprintln!("{sentence}");
    }
    let found = Found {
        root: root::make(order, bundle, mapping)?,
        capabilities: capabilities::of(&order.spec)?,
        limits,
        devices,
        device_rules,
        apparmor: profile::apparmor(&order.spec.confinement)?,
        mapping,
    };
    bundle.write("config.json", &configuration(order, &found))
}

fn failed(id: &str, what: &str) -> impl Fn(libcontainer::error::LibcontainerError) -> anyhow::Error {
    let what = format!("cannot {what} the container {id}");
    move |error| anyhow!(error).context(what.clone())
}
