//! Processes of the host.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::{Driver, Start, Started};
use crate::apply::namespace;
use crate::apply::process::Process;

/// A process of the host has nothing to specify.
pub(super) struct HostProcess;

impl Driver for HostProcess {
    fn start(&self, start: &Start<'_>) -> anyhow::Result<Started> {
        let mut command = myself();
        command.arg("agent");
        if let Some(namespace) = start.namespace {
            command.arg("--namespace").arg(namespace::path(namespace));
        }
        spawn(command, start)
    }
}

/// This very program, even if its file has been replaced since.
pub(super) fn myself() -> Command {
    Command::new("/proc/self/exe")
}

/// Starts a child whose standard input and output are the agent's. It gets `--parent` with our process id, to end when we do.
pub(super) fn spawn(mut command: Command, start: &Start<'_>) -> anyhow::Result<Started> {
    command.arg("--parent").arg(std::process::id().to_string());
    // a group of its own: an interrupt typed at the terminal is for us, who take things back in order
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(start.errors()?).process_group(0);
    let mut child = command.spawn().context("cannot start this program again")?;
    let input = child.stdin.take().context("the agent has no input")?;
    let output = child.stdout.take().context("the agent has no output")?;
    let init = Some(Process::of(child.id()));
    Ok(Started { input: Box::new(input), output: Box::new(output), child: Some(child), init })
}
