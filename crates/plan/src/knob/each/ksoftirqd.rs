//! Who does softirqs that were put off, and before whom.

use crate::knob::means::Means;
use crate::knob::{About, Accepts, Knob, Manner, Place};
use crate::step::{Form, Step, ThreadPriority};

pub(super) const KNOB: Knob = Knob {
    name: "ksoftirqd",
    unit: "SCHED_FIFO priority",
    what: "Gives the threads of the cores for packets that do softirqs which were put off, and what RCU does in a thread (rcuc), a real-time \
           priority.",
    why: "Once softirqs are put off to such a thread, many kernels do none of that core elsewhere. A packet loop that never sleeps, under a higher \
          priority and with all of real-time tasks' time, never lets it run: no grace period of RCU ends, and who waits for one waits for ever. \
          With a fair server (Linux 6.12) the loop stands still for 50 ms instead. One above the loop's priority, it takes some microseconds.",
    source: "kernel/softirq.c, ksoftirqd_running; Documentation/RCU/stallwarn.rst; Documentation/admin-guide/kernel-per-CPU-kthreads.rst",
    about: About::Cores,
    accepts: Accepts::Number(1, 99),
    // one above packet loops (crate::placement::PRIORITY)
    standard: "50",
    files: &[],
    form: Form::Text,
    manner: Manner {
        read: "fields 40 and 41 of /proc/*/stat of each ksoftirqd/N and rcuc/N, where N is such a core",
        set: "sched_setscheduler(2); a thread that has as high a priority, or a higher one, is left",
        verified: "asked again at once, and again when the work of the run is done",
        undone: "the policy and priority found before are given back, unless somebody else has changed them since",
    },
    plan,
};

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    let settings = place.settings();
    // where no packet loop has real-time priority, none keeps these threads from their cores
    if !place.real_time || settings.is_empty() {
        return Ok(Means::default());
    }
    let priority: u8 = value.parse().map_err(|_| format!("{value} is no priority"))?;
    let core = |name: &str| -> Option<usize> {
        name.strip_prefix("ksoftirqd/").or_else(|| name.strip_prefix("rcuc/")).and_then(|core| core.parse().ok())
    };
    let is_theirs = |name: &str| core(name).is_some_and(|core| place.reserved.contains(&core));
    let mut theirs = settings.threads.iter().filter(|thread| is_theirs(&thread.name)).peekable();
    if !place.reserved.is_empty() && theirs.peek().is_none() {
        return Err("no such thread of the kernel's is seen here".to_owned());
    }
    let step =
        |thread: &str| Step::PrioritizeThread(ThreadPriority { thread: thread.to_owned(), priority, knob: knob.name.to_owned() });
    let steps = theirs.filter(|thread| thread.priority < priority).map(|thread| step(&thread.name)).collect();
    Ok(Means { steps, ..Means::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::PRIORITY;

    #[test]
    fn the_standard_is_one_above_packet_loops() {
        assert_eq!(KNOB.standard, (PRIORITY + 1).to_string());
    }
}
