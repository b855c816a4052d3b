//! What becomes of the other threads of cores for packets.

use crate::check::cpus::list;
use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner, Place};
use crate::step::{Form, Step, Unplug};

pub(super) const KNOB: Knob = Knob {
    name: "smt",
    unit: "a word",
    what: "Keeps everything off the other hardware threads of the cores for packets (`idle`), or takes those threads off (`offline`).",
    why: "Two threads of a core share its execution units and caches: work on one slows the other by as much as half.",
    source: "Documentation/admin-guide/hw-vuln/l1tf.rst, \"SMT control\"; Documentation/core-api/cpu_hotplug.rst",
    about: About::Cores,
    accepts: Accepts::Words(&["idle", "offline"]),
    standard: "idle",
    files: &[
        "/sys/devices/system/cpu/cpu*/topology/thread_siblings_list",
        "/sys/devices/system/cpu/cpu*/online",
        "/sys/devices/system/cpu/online",
    ],
    form: Form::List,
    manner: Manner {
        read: "from the list of each core's threads",
        set: "`idle`: the threads are left out of the CPUs for all else, which other knobs confine others to; `offline`: each is taken off",
        verified: "`offline`: the file says 0, at once and again when the work of the run is done",
        undone: "the threads are brought back, and the CPUs of version 1 cpusets that lost them are written back",
    },
    plan,
};

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    place.cores()?;
    if place.siblings.is_empty() {
        let remark = "no core for packets has another thread that runs and has no role".to_owned();
        return Ok(Means { steps: Vec::new(), remarks: vec![remark] });
    }
    if value == "idle" {
        let remark =
            format!("CPUs {} are left to nobody, as far as other knobs confine who may run there", list(&place.siblings));
        return Ok(Means { steps: Vec::new(), remarks: vec![remark] });
    }
    let unplug = |cpu: &usize| Unplug { cpu: *cpu, replug: false, knob: knob.name.to_owned() };
    let offline: Vec<Unplug> = place.siblings.iter().map(unplug).collect();
    match offline.iter().find(|unplug| !place.settings().has(&unplug.path())) {
        Some(unplug) => Err(format!("there is no {}: this CPU cannot be taken off", unplug.path())),
        None => Ok(Means { steps: offline.into_iter().map(Step::UnplugCpu).collect(), remarks: Vec::new() }),
    }
}
