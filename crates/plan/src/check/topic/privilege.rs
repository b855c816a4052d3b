//! What this process may do: real-time priority, locked memory, settings.

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding};
use crate::check::host::Host;
use crate::placement::PRIORITY;

const TOPIC: &str = "privilege";
const STATUS: &str = "/proc/self/status";
const LIMITS: &str = "/proc/self/limits";

/// Bits of capabilities(7) that a run uses, and what for.
const CAPABILITIES: [(u32, &str, &str); 5] = [
    (12, "CAP_NET_ADMIN", "links"),
    (13, "CAP_NET_RAW", "raw sockets"),
    (14, "CAP_IPC_LOCK", "locked memory"),
    (21, "CAP_SYS_ADMIN", "namespaces, control groups"),
    (23, "CAP_SYS_NICE", "real-time priority, affinity"),
];

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    let record = host.record;
    let effective = record.field(STATUS, "CapEff").and_then(|text| u64::from_str_radix(text, 16).ok());
    let Some(effective) = effective else {
        return vec![Finding::unknown(record, TOPIC, STATUS, "What this process may do")];
    };
    let has = |bit: u32| effective & (1 << bit) != 0;
    let mut found = Vec::new();
    if host.is_root() {
        let missing: Vec<String> =
            CAPABILITIES.iter().filter(|(bit, ..)| !has(*bit)).map(|(_, name, what)| format!("{name} ({what})")).collect();
        found.push(if missing.is_empty() {
            Finding::fine(TOPIC, "root, with the capabilities that a run uses").seen(STATUS, format!("CapEff: {effective:016x}"))
        } else {
            let is = format!("This process is root without {}.", missing.join(", "));
            let why = "What needs a capability that is missing is left out of a run, which says so.";
            Finding::costly(TOPIC, Effect::HundredsOfMicroseconds, is, why, "capabilities(7)")
                .seen(STATUS, format!("CapEff: {effective:016x}"))
                .note("start the container or service that this runs in with these capabilities")
        });
    } else {
        let is = "This process is not root in the first user namespace.";
        let why = "A run without root is untuned: no settings, no control groups.";
        let mapped = record.calls.euid == Some(0);
        let finding = Finding::costly(TOPIC, Effect::TensOfMicroseconds, is, why, "docs/host.md, \"Without root\"")
            .seen("geteuid(2)", record.calls.euid.map_or_else(String::new, |id| id.to_string()))
            .read(record, "/proc/self/uid_map");
        found.push(if mapped {
            finding.note("leave the user namespace, or start the container without one of its own")
        } else {
            finding.run("sudo tailbed check")
        });
    }
    found.extend(priority(host, host.is_root() && has(23)));
    found.extend(memory(host, host.is_root() && has(14)));
    found
}

/// A limit of /proc/self/limits (proc_pid_limits(5)), the soft one: `u64::MAX` for none.
fn limit(host: &Host<'_>, name: &str) -> Option<u64> {
    let line = host.record.text(LIMITS)?.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

fn priority(host: &Host<'_>, capable: bool) -> Option<Finding> {
    const NAME: &str = "Max realtime priority";
    let limit = limit(host, NAME);
    if capable || limit.is_some_and(|limit| limit >= u64::from(PRIORITY)) {
        return None;
    }
    let Some(limit) = limit else {
        return Some(Finding::unknown(host.record, "real-time limit", LIMITS, "Which real-time priority is granted"));
    };
    let is = format!("Packet loops get no real-time priority: the limit is {limit}, they ask for {PRIORITY}.");
    let why = "Without it any other task may take their core for a slice of the scheduler's, some milliseconds.";
    let finding = Finding::costly("real-time limit", Effect::Milliseconds, is, why, "sched(7); getrlimit(2), RLIMIT_RTPRIO")
        .seen(LIMITS, format!("{NAME} {limit}"))
        .run("echo \"$USER - rtprio 99\" > /etc/security/limits.d/tailbed.conf  # and log in again");
    Some(finding)
}

fn memory(host: &Host<'_>, capable: bool) -> Option<Finding> {
    const NAME: &str = "Max locked memory";
    let limit = limit(host, NAME);
    if capable || limit == Some(u64::MAX) {
        return None;
    }
    let Some(limit) = limit else {
        return Some(Finding::unknown(host.record, "locked memory", LIMITS, "How much memory may be locked"));
    };
    let is = format!("Packet loops cannot lock their memory: the limit is {limit} bytes.");
    let why = "A page that was taken away costs a page fault under traffic, and where there is swap a read from the disk.";
    let finding = Finding::costly("locked memory", Effect::TensOfMicroseconds, is, why, "mlock(2), \"Notes\"")
        .seen(LIMITS, format!("{NAME} {limit}"))
        .run("echo \"$USER - memlock unlimited\" >> /etc/security/limits.d/tailbed.conf  # and log in again");
    Some(finding)
}
