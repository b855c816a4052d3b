//! The kernel's record of every change of task on the packet cores: one event a core, whose records lie in a ring until they are taken out.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io;

use perf_event::events::Software;
use perf_event::{Builder, Clock, ReadFormat, SampleFlag, Sampler};
use tailbed_stats::proof::Tasks;
use tailbed_stats::proof::switches::{Event, decode, lost};

use super::files::monotonic;

/// Bytes of a ring: 40 for each record, two records for each turn.
const RING: usize = 4 << 20;

/// So many records of a core are kept, some 100 MB; more count as lost. A loop that sleeps between packets makes four for each of them.
const MOST: usize = 2_000_000;

/// The record of all packet cores.
pub(super) struct Switches {
    /// `CLOCK_MONOTONIC` when it began, ns.
    from: u64,
    cores: BTreeMap<usize, Core>,
    /// Names of tasks that had their turn, asked for while they were there.
    names: BTreeMap<u32, String>,
}

struct Core {
    ring: Sampler,
    events: Vec<Event>,
    /// Records beyond [`MOST`].
    left_out: u64,
}

impl Switches {
    /// Opens an event for each core; the reason where the kernel does not let us.
    pub(super) fn open(cpus: impl Iterator<Item = usize>) -> Result<Self, String> {
        let cores = cpus.map(|cpu| Ok((cpu, Core { ring: ring(cpu, RING)?, events: Vec::new(), left_out: 0 })));
        let cores = cores.collect::<io::Result<_>>().map_err(|error| {
            format!(
                "the kernel does not record changes of task for us (perf_event_open: {error}); it takes CAP_PERFMON, or \
                 kernel.perf_event_paranoid below 1"
            )
        })?;
        Ok(Self { from: 0, cores, names: BTreeMap::new() })
    }

    /// From now on changes are recorded.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.from = monotonic();
        self.cores.values_mut().try_for_each(|core| core.ring.enable())
    }

    /// Takes out what lies in the rings.
    pub(super) fn empty(&mut self) {
        for core in self.cores.values_mut() {
            while let Some(record) = core.ring.next_record() {
                let Some(event) = decode(record.ty(), record.misc(), &record.to_contiguous()) else { continue };
                if let Event::In { tid, .. } = event
                    && let Entry::Vacant(place) = self.names.entry(tid)
                    && let Ok(name) = fs::read_to_string(format!("/proc/{tid}/comm"))
                {
                    place.insert(name.trim_end().to_owned());
                }
                if core.events.len() < MOST {
                    core.events.push(event);
                } else {
                    core.left_out += 1;
                }
            }
        }
    }

    /// Ends it; names that were found are added to those that are known.
    pub(super) fn end(mut self, names: &mut BTreeMap<u32, String>) -> Tasks {
        for core in self.cores.values_mut() {
            // refused for a core that was taken away, whose records end by themselves
            let _ = core.ring.disable();
        }
        self.empty();
        for core in self.cores.values_mut() {
            // the ring itself tells of records that found no room only when there comes one that does
            let all = core.ring.read_full().ok().and_then(|counts| counts.lost()).unwrap_or_default();
            let untold = all.saturating_sub(lost(&core.events)).saturating_add(core.left_out);
            if untold > 0 {
                core.events.push(Event::Lost(untold));
            }
        }
        for (tid, name) in self.names {
            names.entry(tid).or_insert(name);
        }
        Tasks::Switches { from: self.from, events: self.cores.into_iter().map(|(cpu, core)| (cpu, core.events)).collect() }
    }
}

/// An event that never happens, for the sake of the records that come besides (perf_event_open(2), `PERF_COUNT_SW_DUMMY`), with a ring of so
/// many bytes.
fn ring(cpu: usize, bytes: usize) -> io::Result<Sampler> {
    let build = |format| {
        let mut builder = Builder::new(Software::DUMMY);
        builder.any_pid().one_cpu(cpu).include_kernel().sample(SampleFlag::TID | SampleFlag::TIME | SampleFlag::CPU);
        builder.context_switch(true).comm(true).task(true).sample_id_all(true).clockid(Clock::MONOTONIC);
        builder.read_format(format).build()
    };
    // before Linux 6.0 the kernel does not count what was lost, and knows no such format
    build(ReadFormat::LOST).or_else(|_| build(ReadFormat::empty()))?.sampled(bytes)
}

#[cfg(test)]
mod tests {
    use rustix::thread::sched_getaffinity;
    use tailbed_traffic::realtime;

    use super::*;

    /// A thread that slept on one core.
    struct Sleeper {
        tid: u32,
        /// Turns that it had there, as the kernel counts them.
        turns: u64,
    }

    /// The first core that we may use.
    fn core() -> usize {
        let set = sched_getaffinity(None).unwrap();
        (0..rustix::thread::CpuSet::MAX_CPU).find(|&cpu| set.is_set(cpu)).unwrap()
    }

    /// Sleeps so many times on a core, in a thread of its own.
    fn sleep(cpu: usize, times: u32) -> Sleeper {
        let sleep = move || {
            assert_eq!(realtime::pin(&[cpu]), None);
            // on another core it would be told to nobody
            rustix::thread::set_name(c"sleeper").unwrap();
            let before = given_away();
            (0..times).for_each(|_| std::thread::sleep(std::time::Duration::from_micros(1)));
            let tid = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
            Sleeper { tid, turns: given_away() - before }
        };
        std::thread::spawn(sleep).join().unwrap()
    }

    /// How often the kernel took the core from this thread (proc_pid_status(5), `*_ctxt_switches`): each time it was given back.
    fn given_away() -> u64 {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let counts = status.lines().filter_map(|line| line.split_once("_ctxt_switches:")?.1.trim().parse::<u64>().ok());
        counts.sum()
    }

    /// What is recorded while a thread sleeps 500 times; `None` where the kernel does not let us.
    fn recorded(bytes: usize) -> Option<(Vec<Event>, Sleeper)> {
        let cpu = core();
        let mut switches = match Switches::open([cpu].into_iter()) {
            Ok(switches) => switches,
            Err(reason) => {
                println!("skipped: {reason}");
                return None;
            }
        };
        switches.cores.get_mut(&cpu)?.ring = ring(cpu, bytes).unwrap();
        switches.begin().unwrap();
        let sleeper = sleep(cpu, 500);
        let Tasks::Switches { mut events, .. } = switches.end(&mut BTreeMap::new()) else { panic!("there are records") };
        Some((events.remove(&cpu)?, sleeper))
    }

    #[test]
    fn every_turn_of_a_task_is_recorded() {
        let Some((events, sleeper)) = recorded(RING) else { return };
        let lost = lost(&events);
        let turns = events.iter().filter(|event| matches!(event, Event::In { tid, .. } if *tid == sleeper.tid)).count() as u64;
        // others that had the core between may have filled the ring
        assert!(sleeper.turns > 400 && turns + lost >= sleeper.turns, "{turns} and {lost} lost of {}", sleeper.turns);
        let named = Event::Named { tid: sleeper.tid, name: "sleeper".to_owned() };
        assert!(lost > 0 || events.contains(&named), "its name is not told");
    }

    #[test]
    fn records_without_room_are_counted() {
        let Some((events, _)) = recorded(4096) else { return };
        assert!(events.len() < 200 && lost(&events) > 500, "{} and {}", events.len(), lost(&events));
    }
}
