//! How soon every processor must be awake.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner};
use crate::step::{Form, Step};

/// The file that takes requests.
const FILE: &str = "/dev/cpu_dma_latency";

pub(super) const KNOB: Knob = Knob {
    name: "idle_latency",
    unit: "µs",
    what: "Asks that no processor takes longer than this to wake; with 0 none sleeps at all.",
    why: "An idle core sleeps, and the deeper the longer it takes to wake: up to hundreds of microseconds, whenever a packet finds it so.",
    source: "Documentation/power/pm_qos_interface.rst",
    about: About::Host,
    accepts: Accepts::Number(0, 1_000_000),
    standard: "0",
    files: &[FILE],
    form: Form::Text,
    manner: Manner {
        read: "the least of all requests, by reading four bytes",
        set: "by a request: the file is held open, with the value written to it, for as long as the run lasts",
        verified: "the least of all requests is read and is no greater, at once and again when the work of the run is done",
        undone: "the file is closed; when tailbed is killed, the kernel closes it",
    },
    plan: |knob, value, place| {
        if !place.settings().has(FILE) {
            return Err(format!("there is no {FILE}"));
        }
        // a guest of a hypervisor without idle states has the file, and a request that changes nothing
        let states = place.settings().matching("/sys/devices/system/cpu/cpu", "/cpuidle/state0/disable").next().is_some();
        let microseconds = value.parse().map_err(|_| format!("{value} is no number of microseconds"))?;
        let mut means = Means::step(Step::HoldLatency { microseconds, knob: knob.name.to_owned() });
        if !states {
            means
                .remarks
                .push("the kernel knows of no idle states here: whether a processor sleeps is up to what it runs on".to_owned());
        }
        Ok(means)
    },
};
