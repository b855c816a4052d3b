//! The clock that time stamps come from.

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding, short};
use crate::check::host::Host;

const TOPIC: &str = "clock";
const FOLDER: &str = "/sys/devices/system/clocksource/clocksource0";

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    [source(host)].into_iter().chain(counter(host)).collect()
}

fn source(host: &Host<'_>) -> Finding {
    let record = host.record;
    let (file, others) = (format!("{FOLDER}/current_clocksource"), format!("{FOLDER}/available_clocksource"));
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let Some(name) = record.text(&file).filter(is_name) else {
        return Finding::unknown(record, TOPIC, &file, "What the kernel tells the time from");
    };
    // read by an instruction, without leaving the program
    let fast = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];
    if fast.contains(&name) {
        return Finding::fine(TOPIC, format!("the kernel tells the time from {name}, by an instruction")).read(record, &file);
    }
    let is = format!("The kernel tells the time from {}.", short(name));
    let why = "Each look at the clock is a system call that reads a slow device: a microsecond or more for every time stamp, in the kernel's \
               as in a program's.";
    let finding = Finding::costly(TOPIC, Effect::Microseconds, is, why, "Documentation/timers/timekeeping.rst; vdso(7)")
        .read(record, &file)
        .read(record, &others);
    let tsc = record.text(&others).is_some_and(|names| names.split(' ').any(|name| name == "tsc"));
    if tsc {
        finding.run(format!("echo tsc > {file}"))
    } else {
        finding.note("find out why the kernel gave the TSC up: journalctl -k | grep -i tsc; tsc=reliable keeps it from doing so")
    }
}

fn counter(host: &Host<'_>) -> Option<Finding> {
    const TOPIC: &str = "time-stamp counter";
    let record = host.record;
    let machine = record.calls.machine.as_str();
    if !["", "x86_64"].contains(&machine) {
        let is = format!("This machine is {}; tailbed's packet loops run on x86-64 only.", short(machine));
        let why = "Their clock is the time-stamp counter: nothing can be measured on this host, though what is said here of the kernel holds.";
        let finding = Finding::costly(TOPIC, Effect::Milliseconds, is, why, "README.md, \"What it does not do yet\"");
        return Some(finding.seen("uname -m", machine).note("take an x86-64 host"));
    }
    let flags = ["constant_tsc", "nonstop_tsc"];
    record.field("/proc/cpuinfo", "flags")?;
    let missing: Vec<&str> = flags.into_iter().filter(|flag| !host.has_flag(flag)).collect();
    if missing.is_empty() {
        return Some(
            Finding::fine(TOPIC, "runs at one rate in all states").seen("/proc/cpuinfo", "flags: … constant_tsc nonstop_tsc …"),
        );
    }
    let is = format!("The processor does not promise that its time-stamp counter is steady: no {}.", missing.join(", no "));
    let why = "Time stamps drift with frequency and sleep, and latencies with them; a run notices a clock that jumps and does not count.";
    let source = "Intel SDM volume 3, 18.17.1 \"Invariant TSC\"";
    Some(
        Finding::costly(TOPIC, Effect::Microseconds, is, why, source)
            .seen("/proc/cpuinfo", format!("flags: no {}", missing.join(" ")))
            .note("in a virtual machine: have it run with the host's processor model and +invtsc"),
    )
}
