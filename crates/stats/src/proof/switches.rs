//! The kernel's record of every change of task on a core, from its bytes to the turns that tasks had.
//!
//! Records are those of perf_event_open(2), section "MMAP layout", of an event with `context_switch`, `comm`, `task` and `sample_id_all`, whose samples
//! hold `PERF_SAMPLE_TID`, `PERF_SAMPLE_TIME` and `PERF_SAMPLE_CPU`. The idle task has no records.

use std::collections::BTreeMap;

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A task begins its turn.
    In {
        /// `CLOCK_MONOTONIC`, ns.
        at: u64,
        /// The task.
        tid: u32,
        /// The process that it is a thread of.
        process: u32,
    },
    /// A task ends its turn.
    Out {
        /// `CLOCK_MONOTONIC`, ns.
        at: u64,
        /// The task.
        tid: u32,
        /// The process that it is a thread of; of a task that has ended both are `u32::MAX`.
        process: u32,
        /// Whether it wanted to go on.
        preempted: bool,
    },
    /// A task has a new name.
    Named {
        /// The task.
        tid: u32,
        /// The name.
        name: String,
    },
    /// A task was made by another, whose name it has until it gets one of its own.
    Born {
        /// The task.
        tid: u32,
        /// The other.
        parent: u32,
    },
    /// There was no room for so many records.
    Lost(u64),
}

const LOST: u32 = 2;
const COMM: u32 = 3;
const FORK: u32 = 7;
const SWITCH_CPU_WIDE: u32 = 15;

/// `PERF_RECORD_MISC_SWITCH_OUT` and `PERF_RECORD_MISC_SWITCH_OUT_PREEMPT`.
const OUT: u16 = 1 << 13;
const PREEMPTED: u16 = 1 << 14;

/// In place of the numbers of a task that has ended and has its last turn (kernel/events/core.c, `perf_event_pid_type`).
const GONE: u32 = u32::MAX;

/// The idle task of every core.
const IDLE: u32 = 0;

/// What is appended to every record: process, thread, time, core and four bytes of nothing.
const SAMPLE: usize = 24;

/// Reads a record by its type, its `misc` and what follows its header; nothing of other types, and of records that are cut short.
pub fn decode(kind: u32, misc: u16, body: &[u8]) -> Option<Event> {
    let sample = body.len().checked_sub(SAMPLE)?;
    let word = |at: usize| Some(u32::from_ne_bytes(body.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(body.get(at..at + 8)?.try_into().ok()?));
    match kind {
        SWITCH_CPU_WIDE if sample >= 8 => {
            let (process, tid, at) = (word(sample)?, word(sample + 4)?, long(sample + 8)?);
            Some(if misc & OUT == 0 {
                Event::In { at, tid, process }
            } else {
                Event::Out { at, tid, process, preempted: misc & PREEMPTED != 0 }
            })
        }
        COMM => {
            let name = body.get(8..sample)?;
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            Some(Event::Named { tid: word(4)?, name: String::from_utf8_lossy(name).into_owned() })
        }
        FORK if sample >= 24 => Some(Event::Born { tid: word(8)?, parent: word(12)? }),
        LOST if sample >= 16 => Some(Event::Lost(long(8)?)),
        _ => None,
    }
}

/// A turn that a task had on a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The task.
    pub tid: u32,
    /// The process that it is a thread of.
    pub process: u32,
    /// When it began, `CLOCK_MONOTONIC`, ns; not before the window.
    pub from: u64,
    /// When it ended, not after the window.
    pub to: u64,
    /// Whether it ended within the window though the task wanted to go on.
    pub preempted: bool,
}

/// The turns within a window of `CLOCK_MONOTONIC`, ns, those that only reach into it cut. A task that is there when the records begin began
/// its turn then; one whose beginning was lost began it with the record before its end.
pub fn turns(events: &[Event], records_from: u64, from: u64, to: u64) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut current: Option<((u32, u32), u64)> = None;
    let mut last_seen = records_from;
    let mut add = |(tid, process), began: u64, ended: u64, preempted| {
        let turn = Turn { tid, process, from: began.max(from), to: ended.min(to), preempted: preempted && ended <= to };
        if turn.from < turn.to && tid != IDLE {
            turns.push(turn);
        }
    };
    for event in events {
        match *event {
            Event::In { at, tid, process } => {
                // an end that is missing was lost; what ran meanwhile is not known
                current = Some(((tid, process), at));
                last_seen = at;
            }
            Event::Out { at, tid, process, preempted } => {
                let (task, began) = match current.take() {
                    Some((running, began)) if running.0 == tid || tid == GONE => (running, began),
                    _ => ((tid, process), last_seen),
                };
                add(task, began, at, preempted);
                last_seen = at;
            }
            Event::Named { .. } | Event::Born { .. } | Event::Lost(_) => {}
        }
    }
    if let Some((task, began)) = current {
        add(task, began, u64::MAX, false);
    }
    turns
}

/// Names of tasks, from those known and what the records say of others.
pub fn names<'a>(known: &BTreeMap<u32, String>, events: impl Iterator<Item = &'a Event>) -> BTreeMap<u32, String> {
    let mut names = known.clone();
    for event in events {
        match event {
            Event::Named { tid, name } => {
                names.insert(*tid, name.clone());
            }
            Event::Born { tid, parent } => {
                if let Some(name) = names.get(parent).cloned() {
                    names.entry(*tid).or_insert(name);
                }
            }
            _ => {}
        }
    }
    names
}

/// Records that were lost.
pub fn lost(events: &[Event]) -> u64 {
    let lost = events.iter().map(|event| if let Event::Lost(records) = event { *records } else { 0 });
    lost.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(tid: u32, time: u64) -> Vec<u8> {
        [&tid.to_ne_bytes()[..], &tid.to_ne_bytes(), &time.to_ne_bytes(), &1u32.to_ne_bytes(), &[0; 4]].concat()
    }

    #[test]
    fn records_are_read_as_the_manual_lays_them_out() {
        let switch = [vec![0; 8], sample(7, 55)].concat();
        assert_eq!(decode(15, 0, &switch), Some(Event::In { at: 55, tid: 7, process: 7 }));
        assert_eq!(decode(15, OUT | PREEMPTED, &switch), Some(Event::Out { at: 55, tid: 7, process: 7, preempted: true }));
        let comm = [&9u32.to_ne_bytes()[..], &9u32.to_ne_bytes(), b"stress\0\0", &sample(9, 1)].concat();
        assert_eq!(decode(3, 0, &comm), Some(Event::Named { tid: 9, name: "stress".to_owned() }));
        let fork =
            [&9u32.to_ne_bytes()[..], &8u32.to_ne_bytes(), &9u32.to_ne_bytes(), &8u32.to_ne_bytes(), &[0; 8], &sample(8, 1)];
        assert_eq!(decode(7, 0, &fork.concat()), Some(Event::Born { tid: 9, parent: 8 }));
        let lost = [&1u64.to_ne_bytes()[..], &42u64.to_ne_bytes(), &sample(0, 1)].concat();
        assert_eq!(decode(2, 0, &lost), Some(Event::Lost(42)));
        assert_eq!(decode(4, 0, &fork.concat()), None);
        assert_eq!(decode(15, 0, &switch[..30]), None);
    }

    fn turn(tid: u32, from: u64, to: u64) -> Turn {
        Turn { tid, process: tid, from, to, preempted: false }
    }

    #[test]
    fn turns_are_cut_to_the_window_and_open_ones_reach_its_ends() {
        let events = [
            Event::Out { at: 100, tid: 1, process: 1, preempted: true },
            Event::In { at: 100, tid: 2, process: 2 },
            Event::Out { at: 130, tid: 2, process: u32::MAX, preempted: false },
            Event::In { at: 140, tid: 1, process: 1 },
        ];
        let of = |from, to| turns(&events, 50, from, to);
        assert_eq!(of(60, 200), [Turn { preempted: true, ..turn(1, 60, 100) }, turn(2, 100, 130), turn(1, 140, 200)]);
        assert_eq!(of(110, 120), [turn(2, 110, 120)]);
        assert_eq!(of(131, 139), []);
        assert_eq!(turns(&[], 0, 10, 20), []);
    }

    #[test]
    fn a_task_that_ends_keeps_its_number_and_idling_is_no_turn() {
        let out = |at, tid| Event::Out { at, tid, process: tid, preempted: false };
        let events = [
            Event::In { at: 100, tid: 2, process: 2 },
            out(130, u32::MAX),
            Event::In { at: 130, tid: 0, process: 0 },
            out(150, 0),
            // how this one began was lost
            out(170, u32::MAX),
        ];
        let lost = Turn { process: u32::MAX, ..turn(u32::MAX, 150, 170) };
        assert_eq!(turns(&events, 50, 60, 200), [turn(2, 100, 130), lost]);
    }

    #[test]
    fn a_child_has_its_parents_name_until_it_gets_its_own() {
        let events = [
            Event::Born { tid: 2, parent: 1 },
            Event::Born { tid: 3, parent: 2 },
            Event::Named { tid: 3, name: "ls".to_owned() },
            Event::Born { tid: 4, parent: 99 },
        ];
        let names = names(&BTreeMap::from([(1, "sh".to_owned())]), events.iter());
        assert_eq!(names.get(&2).map(String::as_str), Some("sh"));
        assert_eq!(names.get(&3).map(String::as_str), Some("ls"));
        assert_eq!(names.get(&4), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(kind in 0u32..25, misc in any::<u16>(), body in prop::collection::vec(any::<u8>(), 0..80)) {
            decode(kind, misc, &body);
        }

        /// Whatever is lost or comes twice, turns are within the window, have a length and do not overlap.
        #[test]
        fn turns_lie_side_by_side_within_the_window(steps in prop::collection::vec((1u64..50, 0u32..4, any::<bool>()), 0..40), from in 0u64..500, length in 0u64..500) {
            let mut at = 0;
            let events: Vec<Event> = steps.iter().map(|&(step, tid, starts)| {
                at += step;
                if starts { Event::In { at, tid, process: tid } } else { Event::Out { at, tid, process: tid, preempted: tid == 0 } }
            }).collect();
            let mut end = from;
            for turn in turns(&events, 0, from, from + length) {
                prop_assert!(turn.from >= end && turn.from < turn.to && turn.to <= from + length);
                end = turn.to;
            }
        }
    }
}
