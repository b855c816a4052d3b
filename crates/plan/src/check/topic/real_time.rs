//! What the kernel takes from tasks of real-time priority.

use crate::check::cores::Cores;
use crate::check::cpus::{Cpus, named};
use crate::check::finding::{Effect, Finding, Level, for_each};
use crate::check::host::Host;

const TOPIC: &str = "real-time throttling";
const RUNTIME: &str = "/proc/sys/kernel/sched_rt_runtime_us";
const PERIOD: &str = "/proc/sys/kernel/sched_rt_period_us";

/// Where the deadline servers are set, from Linux 6.12 on.
const SERVERS: &str = "/sys/kernel/debug/sched/fair_server";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    throttling(host).into_iter().chain(server(host, cores)).collect()
}

fn throttling(host: &Host<'_>) -> Vec<Finding> {
    let record = host.record;
    let (Some(runtime), Some(period)) = (record.number(RUNTIME), record.number(PERIOD)) else {
        let file = if record.number(RUNTIME).is_none() { RUNTIME } else { PERIOD };
        return vec![Finding::unknown(record, TOPIC, file, "How much time real-time tasks may have")];
    };
    let read = |finding: Finding| finding.read(record, RUNTIME).read(record, PERIOD);
    let stopped = period.saturating_sub(runtime);
    if runtime < -1 {
        return vec![Finding::unknown(record, TOPIC, RUNTIME, "How much time real-time tasks may have")];
    }
    if runtime == -1 || stopped <= 0 {
        return vec![read(Finding::fine(TOPIC, "real-time tasks may have all the time"))];
    }
    if host.is_root() {
        let is = format!(
            "real-time tasks are stopped for {stopped} µs in each {period} µs; `tailbed run` as root writes -1 for its length and puts \
             this back"
        );
        return vec![read(Finding::fine(TOPIC, is))];
    }
    let is = format!("Real-time tasks are stopped for {stopped} µs in each {period} µs.");
    let why = "A packet loop that spins under real-time priority stands still for that long.";
    let source = "sched(7), \"Limiting the CPU usage of real-time and deadline processes\"";
    let effect = Effect::of_microseconds(u64::try_from(stopped).unwrap_or_default());
    vec![read(Finding::costly(TOPIC, effect, is, why, source)).run("sysctl -w kernel.sched_rt_runtime_us=-1  # as root")]
}

/// The deadline server that keeps time for ordinary tasks on each CPU, whatever the throttling says.
fn server(host: &Host<'_>, cores: &Cores) -> Option<Finding> {
    const TOPIC: &str = "fair server";
    let record = host.record;
    if host.version().is_none_or(|version| version < (6, 12)) || cores.chosen.is_empty() {
        return None;
    }
    let file = |cpu: usize| format!("{SERVERS}/cpu{cpu}/runtime");
    let keeping: Cpus = cores.chosen.iter().copied().filter(|cpu| record.number(&file(*cpu)) != Some(0)).collect();
    let Some(first) = keeping.first().copied() else {
        return Some(Finding::fine(TOPIC, "no time of the cores for packets is kept for ordinary tasks").seen(SERVERS, "0"));
    };
    let Some(runtime) = record.number(&file(first)) else {
        let finding = Finding::unknown(record, TOPIC, &file(first), "How much time is kept for ordinary tasks");
        return Some(finding.run("mount -t debugfs none /sys/kernel/debug"));
    };
    let kept = u64::try_from(runtime).unwrap_or_default() / 1000;
    let is = format!("{kept} µs of each period are kept for ordinary tasks on {}.", named(&keeping));
    let why = "If an ordinary task wants the core, a packet loop stands still for up to that long, real-time priority or not; if none \
               does, it costs nothing.";
    let source = "docs/host.md, \"Kernel settings\"; Documentation/scheduler/sched-deadline.rst";
    let finding = Finding::costly(TOPIC, Effect::of_microseconds(kept), is, why, source).read(record, &file(first));
    // what needs another task to happen weighs less than what happens by itself
    let finding = Finding { level: finding.level.max(Level::Notable), ..finding };
    Some(finding.run(for_each(&keeping, &format!("echo 0 > {SERVERS}/cpu$n/runtime"))))
}
