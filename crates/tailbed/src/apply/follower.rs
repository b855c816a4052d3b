//! Programs of others that must end when we do, however we end.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{anyhow, bail};

use super::process;

/// A command that runs a program tied to this process's life: this binary is started first, asks the kernel for that, and becomes the
/// program. What is tied is that one process, not its children.
pub(super) fn following(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg("follow").arg("--parent").arg(std::process::id().to_string()).arg("--").arg(program);
    // a group of its own: an interrupt typed at the terminal is for us, who take things back in order
    command.process_group(0);
    command
}

/// The program's life as one of these: it becomes the other program, and so comes back only when that fails.
pub(crate) fn run_as_follower(parent: i32, command: &[OsString]) -> anyhow::Result<()> {
    let [program, arguments @ ..] = command else { bail!("there is nothing to run") };
    process::follow(Some(parent))?;
    let error = Command::new(program).args(arguments).exec();
    Err(anyhow!(error).context(format!("cannot run {}", program.to_string_lossy())))
}
