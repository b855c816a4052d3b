//! How much of a core's time is kept for ordinary tasks, whatever the real-time throttle says.

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, Place, WRITTEN};
use crate::step::Form;

pub(super) const KNOB: Knob = Knob {
    name: "fair_server",
    unit: "ns of each second; 0 for none",
    what: "Says how much time is kept for ordinary tasks on the cores for packets.",
    why: "Since Linux 6.12 an ordinary task that wants a core has 50 ms of each second of it, although a loop polls there under SCHED_FIFO \
          and real-time tasks may have all time: the loop stands still for as long.",
    source: "Documentation/scheduler/sched-deadline.rst; kernel/sched/debug.c, fair_server_write",
    about: About::Cores,
    accepts: Accepts::Number(0, 1_000_000_000),
    standard: "0",
    files: &["/sys/kernel/debug/sched/fair_server/cpu*/runtime"],
    form: Form::Text,
    manner: WRITTEN,
    plan,
};

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    let file = |cpu: &usize| format!("/sys/kernel/debug/sched/fair_server/cpu{cpu}/runtime");
    let cores = place.cores()?;
    if let Some(missing) = cores.iter().map(file).find(|file| !place.settings().has(file)) {
        return Err(format!(
            "there is no {missing}: it came with Linux 6.12, in debugfs (mount -t debugfs none /sys/kernel/debug)"
        ));
    }
    let each = cores.iter().map(|cpu| setting(knob.name, file(cpu), knob.form, value, "time kept for ordinary tasks"));
    Means::write_all(each, place.settings())
}
