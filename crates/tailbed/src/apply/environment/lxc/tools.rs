//! The commands of LXC, run on containers below a folder of our own, so that the user's own containers are never seen.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use crate::apply::environment::FOLDER;
use crate::apply::follower::following;
use crate::apply::process;

/// A command of LXC on a container.
pub(super) fn tool(name: &str, id: &str) -> Command {
    let mut command = following(name);
    command.args(["-P", FOLDER, "-n", id]).stdin(Stdio::null());
    command
}

/// How a command ended, and what it said.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) said: String,
}

/// Runs a command until it ends, at most so long. What it says goes through a file in `folder`, so that it never has to wait for us.
pub(super) fn run(mut command: Command, what: &str, folder: &Path, patience: Duration) -> anyhow::Result<Ended> {
    let path = folder.join("said");
    let said = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let errors = said.try_clone().context("cannot open a file twice")?;
    let mut child = command.stdout(said).stderr(errors).spawn().with_context(|| format!("cannot run {what}"))?;
    let pid = i32::try_from(child.id())?;
    let in_time = process::wait(pid, patience).with_context(|| format!("cannot wait for {what}"))?;
    if !in_time {
        child.kill().ok();
    }
    let status = child.wait().with_context(|| format!("cannot wait for {what}"))?;
    let said = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).trim().to_owned();
    fs::remove_file(&path).ok();
    if !in_time {
        let last = last_lines(&said);
        bail!("{what} did not come back within {} s{}{last}", patience.as_secs(), if last.is_empty() { "" } else { ": " });
    }
    Ok(Ended { status, said })
}

/// Runs a command that must succeed, and gives back what it said.
pub(super) fn succeed(command: Command, what: &str, folder: &Path, patience: Duration) -> anyhow::Result<String> {
    let Ended { status, said } = run(command, what, folder, patience)?;
    if status.success() { Ok(said) } else { Err(failed(what, status, &said)) }
}

/// What to say of a command that failed.
pub(super) fn failed(what: &str, status: ExitStatus, said: &str) -> anyhow::Error {
    let last = last_lines(said);
    if last.is_empty() { anyhow!("{what} failed ({status})") } else { anyhow!("{what} failed ({status}): {last}") }
}

/// The end of what a program said, where the reason most likely stands.
pub(super) fn last_lines(said: &str) -> String {
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_speeches_the_end_is_kept() {
        assert_eq!(last_lines("a\n\n b \nc\nd\ne\n"), "b; c; d; e");
        assert_eq!(last_lines(" \n"), "");
    }
}
