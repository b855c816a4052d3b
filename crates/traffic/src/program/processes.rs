//! Processes by whom they belong to, as /proc shows them (proc_pid_stat(5)).

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long killed processes may take to go.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it is looked whether they have gone.
const INTERVAL: Duration = Duration::from_millis(5);

/// A process that runs: zombies are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    session: i32,
}

/// All processes; empty where no /proc is mounted.
fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect()
}

fn parse(pid: i32, stat: &str) -> Option<Process> {
    // the command in parentheses may hold spaces and parentheses itself
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Process { pid, parent, session })
}

/// The processes below one of these.
fn below(all: &[Process], roots: &[i32]) -> Vec<i32> {
    let mut found: HashSet<i32> = roots.iter().copied().collect();
    loop {
        let more: Vec<i32> = all.iter().filter(|p| found.contains(&p.parent) && !found.contains(&p.pid)).map(|p| p.pid).collect();
        if more.is_empty() {
            return found.into_iter().filter(|pid| !roots.contains(pid)).collect();
        }
        found.extend(more);
    }
}

/// All processes of a leader's session, and those below it that have left it.
fn of_session(leader: i32) -> Vec<i32> {
    let all = all();
    let members: Vec<i32> = all.iter().filter(|process| process.session == leader).map(|process| process.pid).collect();
    let roots: Vec<i32> = members.iter().copied().chain([leader]).collect();
    members.into_iter().chain(below(&all, &roots)).collect()
}

/// Whether anything of a session still runs.
pub(super) fn session_runs(leader: i32) -> bool {
    !of_session(leader).is_empty()
}

/// Sends a signal to all processes of a session, the leader among them. The leader must not have been waited for, so that its number
/// is still its own. A kill is repeated until nothing is left.
pub fn signal_session(leader: i32, signal: Signal) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let processes = of_session(leader);
        send(&processes, signal);
        if processes.is_empty() {
            // without /proc, the group is what there is
            let _ = Pid::from_raw(leader).map(|leader| kill_process_group(leader, signal));
        }
        if signal != Signal::KILL || processes.is_empty() || Instant::now() > deadline {
            return;
        }
        std::thread::sleep(INTERVAL);
    }
}

/// Kills every process that has this variable with this value in its environment, and waits until none is left; not ourselves.
pub fn end_marked(name: &str, value: &str) {
    let wanted = format!("{name}={value}");
    let marked = |pid: i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    end(|| all().iter().map(|process| process.pid).filter(|&pid| marked(pid)).collect());
}

/// Kills every process below this one, and waits until none is left.
pub(super) fn end_below(ancestor: i32) {
    end(|| below(&all(), &[ancestor]));
}

fn end(find: impl Fn() -> Vec<i32>) {
    let ourselves = std::process::id().cast_signed();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut found = find();
        found.retain(|&pid| pid != ourselves && pid > 1);
        if found.is_empty() || Instant::now() > deadline {
            return;
        }
        send(&found, Signal::KILL);
        std::thread::sleep(INTERVAL);
    }
}

fn send(processes: &[i32], signal: Signal) {
    for pid in processes.iter().filter_map(|&pid| Pid::from_raw(pid)) {
        // one that has ended meanwhile needs no signal
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_parentheses_does_not_confuse() {
        let stat = "12 (a) S (b) S 1 2 3 0 -1 4194560 0 0";
        assert_eq!(parse(12, stat), Some(Process { pid: 12, parent: 1, session: 3 }));
        assert_eq!(parse(12, "12 (x) Z 1 2 3 0"), None);
    }

    #[test]
    fn descendants_are_found_at_any_depth() {
        let process = |pid, parent| Process { pid, parent, session: 0 };
        let all = [process(2, 1), process(3, 2), process(4, 3), process(5, 1)];
        let mut found = below(&all, &[2]);
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }
}
