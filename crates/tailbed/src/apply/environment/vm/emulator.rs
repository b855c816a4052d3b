//! Starting QEMU with what it is to hold.
//!
//! This binary starts itself again as a process that nothing else shares: there it ties its life to ours, moves through the namespaces of
//! the taps to open them, and becomes QEMU. The stream to the agent and the monitor come as its standard input and output, so that no
//! descriptor is ever open to another child of ours.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow, bail};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use tailbed_plan::step::{GuestInterface, VmSpec};

use super::arguments::descriptor;
use crate::apply::environment::Start;
use crate::apply::environment::host::myself;
use crate::apply::{namespace, process, tap};

/// The emulator's program.
pub(crate) const PROGRAM: &str = "qemu-system-x86_64";

/// A process that is about to be QEMU, and our ends of what it was given.
pub(super) struct Emulator {
    pub(super) child: Child,
    pub(super) agent: UnixStream,
    pub(super) monitor: UnixStream,
}

/// Starts it.
pub(super) fn spawn(spec: &VmSpec, arguments: Vec<String>, start: &Start<'_>) -> anyhow::Result<Emulator> {
    let (agent, its_agent) = UnixStream::pair().context("cannot make a socket")?;
    let (monitor, its_monitor) = UnixStream::pair().context("cannot make a socket")?;
    let mut command = myself();
    command.arg("emulator").arg("--parent").arg(std::process::id().to_string());
    for interface in &spec.interfaces {
        command.arg("--tap").arg(tap_argument(interface));
    }
    command.arg("--").args(arguments);
    command.stdin(OwnedFd::from(its_agent)).stdout(OwnedFd::from(its_monitor)).stderr(start.errors()?);
    // a group of its own: an interrupt typed at the terminal is for us, who take things back in order
    let child = command.process_group(0).spawn().context("cannot start this program again")?;
    Ok(Emulator { child, agent, monitor })
}

/// A tap as one word: neither a namespace's name nor an interface's holds a slash.
fn tap_argument(interface: &GuestInterface) -> String {
    format!("{}/{}", interface.tap_namespace.as_deref().unwrap_or_default(), interface.tap)
}

/// The program's life as an emulator: opens what QEMU is to hold, then becomes it. Comes back only when that fails.
pub(crate) fn run_as_emulator(taps: &[String], parent: i32, arguments: &[String]) -> anyhow::Result<()> {
    process::follow(Some(parent))?;
    let mut files = vec![own(&io::stdin(), descriptor::AGENT)?, own(&io::stdout(), descriptor::MONITOR)?];
    let home = File::open("/proc/self/ns/net").context("cannot open our own network namespace")?;
    for (number, argument) in (descriptor::FIRST_TAP..).zip(taps) {
        let (namespace, name) = argument.split_once('/').with_context(|| format!("{argument} is not a tap"))?;
        let opened = if namespace.is_empty() {
            tap::open(name)
        } else {
            let path = namespace::path(namespace);
            namespace::enter(&path).and_then(|()| {
                let opened = tap::open(name);
                namespace::enter_file(&home)?;
                opened
            })
        };
        let opened = opened.with_context(|| format!("cannot open the tap {name} in {}", describe(namespace)))?;
        files.push(own(&opened, number)?);
    }
    for file in &files {
        fcntl_setfd(file, FdFlags::empty()).context("cannot pass a file on to the emulator")?;
    }
    let errors = io::stderr().as_fd().try_clone_to_owned()?;
    let error = Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).stdout(errors).exec();
    Err(match error.kind() {
        io::ErrorKind::NotFound => anyhow!("{PROGRAM} is not installed (apt install qemu-system-x86)"),
        _ => anyhow!(error).context(format!("cannot start {PROGRAM}")),
    })
}

fn describe(namespace: &str) -> &str {
    if namespace.is_empty() { "the host's namespace" } else { namespace }
}

/// The same file under the number QEMU is told.
fn own(file: &impl AsFd, number: i32) -> anyhow::Result<OwnedFd> {
    let owned = fcntl_dupfd_cloexec(file, number).context("cannot pass a file on to the emulator")?;
    if owned.as_raw_fd() != number {
        bail!("file descriptor {number} was open when we were started; close it in the shell that starts tailbed");
    }
    Ok(owned)
}
