//! What a container leaves when somebody dies on the way: processes, control groups, locks; and what it says of its end.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tailbed_traffic::program::end_marked;

use super::super::FOLDER;
use super::config::monitor_group;
use crate::apply::{cgroup, process};

/// What `lxc-start` is started with in its environment: hooks of the configuration inherit it, which outlive the command that runs them.
pub(super) const MARK: &str = "TAILBED_LXC";

/// Ends every process of LXC's commands that was told this very id: one that was starting the container when its parent was killed goes
/// on. Looks again until there is none, since they fork. Then ends what they have left running.
pub(super) fn end_all(id: &str) -> anyhow::Result<()> {
    for _ in 0..LOOKS {
        let found = processes(id);
        if found.is_empty() {
            end_marked(MARK, id);
            return Ok(());
        }
        found.into_iter().try_for_each(|pid| process::end(pid, None))?;
    }
    bail!("processes of the container {id} come back again and again")
}

/// How often to look: a command forks a few times until the container runs.
const LOOKS: usize = 50;

fn processes(id: &str) -> Vec<i32> {
    let own = std::process::id();
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter(|pid| *pid != own);
    pids.filter(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| is_told(&line, id)))
        .filter_map(|pid| i32::try_from(pid).ok())
        .collect()
}

/// Whether a command line is one of LXC's with this id. The process that watches over a container calls itself
/// `[lxc monitor] FOLDER ID`, in one piece.
fn is_told(line: &[u8], id: &str) -> bool {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == 0 || *byte == b' ').collect();
    let program = parts.first().map(|first| Path::new(std::ffi::OsStr::from_bytes(first)));
    let is_lxc = program.and_then(Path::file_name).is_some_and(|name| name.as_bytes().starts_with(b"lxc-"))
        || line.starts_with(b"[lxc monitor]");
    is_lxc && parts.contains(&id.as_bytes()) && parts.contains(&FOLDER.as_bytes())
}

/// Removes the container's control groups, which LXC does itself unless it was killed.
pub(super) fn remove_groups(id: &str) -> anyhow::Result<()> {
    for mount in mounts() {
        for name in [id.to_owned(), monitor_group(id)] {
            let group = mount.join(name);
            cgroup::delete_tree(&group).with_context(|| format!("cannot remove the control group {}", group.display()))?;
        }
    }
    Ok(())
}

/// Every hierarchy of control groups: those of LXC are in all, those without a controller included.
fn mounts() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.filter(|fields| matches!(fields[..], [_, _, "cgroup" | "cgroup2", ..])).map(|fields| fields[1].into()).collect()
}

/// Removes the lock of a container in a folder, which LXC leaves, and the folders it made for it as far as nothing else lies in them.
pub(super) fn remove_locks(folder: &Path, id: &str) {
    let relative = folder.strip_prefix("/").unwrap_or(folder);
    fs::remove_file(Path::new(LOCKS).join(relative).join(format!(".{id}"))).ok();
    let made = relative.ancestors().map(|part| Path::new(LOCKS).join(part));
    made.take_while(|folder| fs::remove_dir(folder).is_ok()).for_each(drop);
}

/// Where LXC keeps its locks: below it is the path of each folder of containers once more.
const LOCKS: &str = "/run/lxc/lock";

/// The errors in a log of LXC, without time and place in its source.
pub(super) fn reason(log: &str) -> Option<String> {
    let errors = log.lines().filter(|line| line.contains(" ERROR "));
    let messages: Vec<_> = errors.filter_map(|line| line.rsplit_once(" - ")).map(|(_, message)| message.trim()).collect();
    // the first is the cause, and those after it say who failed because of it
    let causes: Vec<_> = messages.iter().take(3).copied().collect();
    (!causes.is_empty()).then(|| causes.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_of_lxc_with_our_very_id_are_ours() {
        let id = "tb-ab12-dut";
        assert!(is_told(b"lxc-start\0-P\0/run/tailbed\0-n\0tb-ab12-dut\0--daemon\0", id));
        assert!(is_told(b"[lxc monitor] /run/tailbed tb-ab12-dut\0", id));
        assert!(is_told(b"/usr/bin/lxc-attach\0-P\0/run/tailbed\0-n\0tb-ab12-dut\0--\0/tailbed\0agent\0", id));
        assert!(!is_told(b"[lxc monitor] /run/tailbed tb-ab12-dut2\0", id));
        assert!(!is_told(b"[lxc monitor] /var/lib/lxc tb-ab12-dut\0", id));
        assert!(!is_told(b"vim\0tb-ab12-dut\0/run/tailbed\0", id));
    }

    #[test]
    fn the_cause_is_taken_out_of_the_log() {
        let log = "lxc-start x 20260101 WARN  start - ../src/lxc/start.c:f:1 - careful\n\
                   lxc-start x 20260101 ERROR    conf - ../src/lxc/conf.c:g:2 - No such file or directory - Failed to mount\n";
        assert_eq!(reason(log).as_deref(), Some("Failed to mount"));
        assert_eq!(reason(""), None);
    }
}
