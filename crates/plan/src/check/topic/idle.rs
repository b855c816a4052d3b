//! Idle states that a core sleeps in, and how long it takes to wake up.

use crate::check::cores::Cores;
use crate::check::cpus::{Cpus, named};
use crate::check::finding::{Effect, Finding, for_each, short};
use crate::check::host::{CPU, Host};

const TOPIC: &str = "idle states";
const SOURCE: &str = "Documentation/admin-guide/pm/cpuidle.rst";

/// A state that a core may sleep in.
struct State<'a> {
    name: &'a str,
    /// Its folder: `state3`.
    folder: &'a str,
    /// Microseconds to leave it.
    latency: u64,
}

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    let record = host.record;
    let driver = format!("{CPU}/cpuidle/current_driver");
    match record.text(&driver) {
        None if host.has_option("CONFIG_CPU_IDLE") == Some(false) => {
            return vec![Finding::fine(TOPIC, "the kernel was built without them: an idle core halts and no more")];
        }
        None => return vec![Finding::unknown(record, TOPIC, &driver, "Which idle states there are")],
        Some("none") => {
            let is = if host.is_guest() {
                "the kernel knows none but the halt, which hands the CPU back to this machine's host; how long that takes to wake it up is \
                 the host's affair"
            } else {
                "the kernel knows none but the halt"
            };
            return vec![Finding::fine(TOPIC, is).read(record, &driver)];
        }
        Some(_) => {}
    }
    let mut slowest: Option<(State<'_>, usize)> = None;
    let mut sleepers = Cpus::new();
    let mut folders = Cpus::new();
    let mut told = false;
    for cpu in &cores.chosen {
        let folder = format!("{CPU}/cpu{cpu}/cpuidle");
        for name in names(host, &folder) {
            told = true;
            let Some(state) = state(host, *cpu, name).filter(|state| state.latency > 1) else { continue };
            sleepers.insert(*cpu);
            folders.extend(state.folder.strip_prefix("state").and_then(|number| number.parse::<usize>().ok()));
            if slowest.as_ref().is_none_or(|(known, _)| known.latency < state.latency) {
                slowest = Some((state, *cpu));
            }
        }
    }
    let Some((state, cpu)) = slowest else {
        if cores.chosen.is_empty() {
            return Vec::new();
        }
        if !told {
            let file = format!("{CPU}/cpu{}/cpuidle/state0/latency", cores.chosen.first().unwrap_or(&0));
            return vec![Finding::unknown(record, TOPIC, &file, "How long a core takes to wake up")];
        }
        return vec![
            Finding::fine(TOPIC, format!("waking {} takes no more than 1 µs", named(&cores.chosen))).read(record, &driver),
        ];
    };
    let is =
        format!("{} may sleep as deep as {}, which takes {} µs to leave.", named(&sleepers), short(state.name), state.latency);
    let why = "A packet that wakes a core waits for it first; caches that the state empties are filled again after that. Loops that \
               spin never sleep, forwarders that wait and interrupts on the way do.";
    let folder = format!("{CPU}/cpu{cpu}/cpuidle/{}", state.folder);
    vec![
        Finding::costly(TOPIC, Effect::of_microseconds(state.latency), is, why, SOURCE)
            .read(record, &driver)
            .read(record, &format!("{folder}/latency"))
            .run(for_each(&sleepers, &format!("echo 1 | tee {}", disabling(&folders))))
            .boot(match record.text(&driver) {
                Some("intel_idle") => "intel_idle.max_cstate=0 processor.max_cstate=1",
                Some("acpi_idle") => "processor.max_cstate=1",
                _ => "cpuidle.off=1",
            }),
    ]
}

/// The files that switch states off; all from one on as one pattern of the shell's.
fn disabling(states: &Cpus) -> String {
    let file = |state: &str| format!("{CPU}/cpu$n/cpuidle/state{state}/disable");
    match (states.first(), states.last()) {
        (Some(first), Some(last @ 0..=9)) if first < last && last - first + 1 == states.len() => {
            file(&format!("[{first}-{last}]"))
        }
        _ => states.iter().map(|state| file(&state.to_string())).collect::<Vec<_>>().join(" "),
    }
}

/// The states of a CPU; `folder` is that of its idle states.
fn names<'a>(host: &Host<'a>, folder: &str) -> Vec<&'a str> {
    let paths = host.record.files.range::<str, _>((std::ops::Bound::Included(folder), std::ops::Bound::Unbounded));
    let paths = paths.map(|(path, _)| path.as_str()).take_while(|path| path.starts_with(folder));
    paths.filter_map(|path| path[folder.len()..].strip_prefix('/')?.strip_suffix("/latency")).collect()
}

/// A state, unless it is switched off.
fn state<'a>(host: &Host<'a>, cpu: usize, folder: &'a str) -> Option<State<'a>> {
    let path = format!("{CPU}/cpu{cpu}/cpuidle/{folder}");
    let off = host.record.text(&format!("{path}/disable")).is_some_and(|value| value != "0");
    let latency = host.record.number(&format!("{path}/latency")).and_then(|latency| u64::try_from(latency).ok())?;
    let name = host.record.text(&format!("{path}/name")).unwrap_or(folder);
    (!off).then_some(State { name, folder, latency })
}
