//! Where the kernel does what RCU has put off.

use crate::check::cpus::parse_list;
use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner, Place};
use crate::step::{Form, Step, ThreadMove};

pub(super) const KNOB: Knob = Knob {
    name: "rcu",
    unit: "CPUs",
    what: "Moves the threads of RCU, among them those for callbacks (rcuo*), to the CPUs for all else.",
    why: "They wake at every grace period and take the core for some microseconds each. Callbacks themselves leave a core only with \
          rcu_nocbs or nohz_full on the kernel's command line; then these threads run them.",
    source: "Documentation/admin-guide/kernel-per-CPU-kthreads.rst; kernel-parameters.txt, rcu_nocbs",
    about: About::Cores,
    accepts: Accepts::Switch,
    standard: "true",
    files: &[],
    form: Form::List,
    manner: Manner {
        read: "sched_getaffinity(2) of each thread of the kernel's whose name begins with rcu",
        set: "sched_setaffinity(2); threads that are bound to their CPU by the kernel are left",
        verified: "asked again at once, and again when the work of the run is done",
        undone: "the CPUs found before are given back, unless somebody else has changed them since",
    },
    plan,
};

fn plan(knob: &Knob, _: &str, place: &Place<'_>) -> Result<Means, String> {
    let house = place.house()?;
    let threads = place.settings().threads.iter().filter(|thread| thread.name.starts_with("rcu"));
    let (bound, free): (Vec<_>, Vec<_>) = threads.partition(|thread| thread.bound);
    if free.is_empty() {
        return Err("no thread of RCU can be moved".to_owned());
    }
    let astray = free.iter().filter(|thread| parse_list(&thread.cpus).is_none_or(|cpus| !cpus.is_disjoint(&place.reserved)));
    let step = |thread: &str| {
        Step::MoveThread(ThreadMove { thread: thread.to_owned(), cpus: house.clone(), knob: knob.name.to_owned() })
    };
    let mut names: Vec<&str> = astray.map(|thread| thread.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut means = Means { steps: names.into_iter().map(step).collect(), remarks: Vec::new() };
    let held = bound.iter().filter(|thread| parse_list(&thread.cpus).is_some_and(|cpus| !cpus.is_disjoint(&place.reserved)));
    let held: Vec<_> = held.map(|thread| thread.name.as_str()).collect();
    if !held.is_empty() {
        means.remarks.push(format!("bound to cores for packets by the kernel: {}", held.join(", ")));
    }
    Ok(means)
}
