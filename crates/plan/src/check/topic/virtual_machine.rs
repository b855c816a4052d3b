//! Whether this host is itself a guest, and what its own host has taken from it.

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding, Level};
use crate::check::host::Host;

const TOPIC: &str = "virtual machine";

/// The count of stolen time in the line `cpu` of /proc/stat (proc_stat(5)), from 0.
const STEAL: usize = 7;

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    let record = host.record;
    if record.text("/proc/cpuinfo").is_none() {
        return vec![Finding::unknown(record, TOPIC, "/proc/cpuinfo", "Whether this is a virtual machine")];
    }
    if !host.is_guest() && record.field("/proc/cpuinfo", "flags").is_none() {
        let is = "Whether this is a virtual machine is not known: /proc/cpuinfo has no line of flags that would tell.";
        return vec![Finding { level: Level::Unknown, ..Finding::fine(TOPIC, is).read(record, "/proc/cpuinfo") }];
    }
    if !host.is_guest() {
        return vec![Finding::fine(TOPIC, "no processor flag says that this is a virtual machine").read(record, "/proc/cpuinfo")];
    }
    let vendor = ["/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name", "/sys/hypervisor/type"];
    let names: Vec<String> = vendor.iter().filter_map(|file| record.text(file)).map(crate::check::finding::short).collect();
    let name = if names.is_empty() { String::new() } else { format!(" ({})", names.join(" ")) };
    let (stolen, unknown) = match stolen(host) {
        Some((stolen, all)) => {
            // both are counts of ticks since the boot: a share in hundredths of a percent cannot overflow 128 bits
            let share = u128::from(stolen) * 10_000 / u128::from(all.max(1));
            (format!("; its host has taken {}.{:02} % of its time since it booted", share / 100, share % 100), None)
        }
        None => (
            String::new(),
            Some(Finding::unknown(record, TOPIC, "/proc/stat", "How much time this machine's host takes from it")),
        ),
    };
    let is = format!("This is a virtual machine{name}{stolen}.");
    let why = "Its host may stop a virtual CPU at any time, for as long as it likes, and no setting in here changes that; published: \
               timer latency under load of 23.6 ms in a virtual machine, of 30 µs on its host.";
    let source = "proc_stat(5), steal; Lightweight low-latency virtual networking (TU Munich 2022), 3.2";
    let finding = Finding::costly(TOPIC, Effect::Milliseconds, is, why, source)
        .seen("/proc/cpuinfo", "flags: … hypervisor …")
        .seen("/proc/stat", record.text("/proc/stat").and_then(|text| text.lines().next()).unwrap_or_default())
        .note("measure on the machine itself, or ask who runs it for virtual CPUs pinned to cores of their own");
    unknown.into_iter().chain([finding]).collect()
}

/// Stolen ticks and all ticks since the boot.
fn stolen(host: &Host<'_>) -> Option<(u64, u64)> {
    let line = host.record.text("/proc/stat")?.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|number| number.parse().ok()).collect();
    // guest time, which follows, is counted in user time already
    let all = ticks.iter().take(STEAL + 1).fold(0_u64, |sum, ticks| sum.saturating_add(*ticks));
    Some((*ticks.get(STEAL)?, all))
}
