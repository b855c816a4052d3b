//! The kernel's record of every change of task on the packet cores: one event a core, whose records lie in a ring until they are taken out.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use perf_event::events::Software;
use perf_event::{Builder, Clock, SampleFlag, Sampler};
use tailbed_stats::proof::Tasks;
use tailbed_stats::proof::switches::{Event, decode};

use super::files::monotonic;

/// Bytes of a ring: 40 for each record, two records for each turn.
const RING: usize = 4 << 20;

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
}

impl Switches {
    /// Opens an event for each core; the reason where the kernel does not let us.
    pub(super) fn open(cpus: impl Iterator<Item = usize>) -> Result<Self, String> {
        let open = |cpu: usize| {
            // an event that never happens, for the sake of the records that come besides (perf_event_open(2), PERF_COUNT_SW_DUMMY)
            let mut builder = Builder::new(Software::DUMMY);
            builder.any_pid().one_cpu(cpu).include_kernel().sample(SampleFlag::TID | SampleFlag::TIME | SampleFlag::CPU);
            builder.context_switch(true).comm(true).task(true).sample_id_all(true).clockid(Clock::MONOTONIC);
            let ring = builder.build()?.sampled(RING)?;
            io::Result::Ok((cpu, Core { ring, events: Vec::new() }))
        };
        let cores = cpus.map(open).collect::<Result<_, _>>();
        let cores = cores.map_err(|error| {
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
                    && let std::collections::btree_map::Entry::Vacant(place) = self.names.entry(tid)
                    && let Ok(name) = fs::read_to_string(format!("/proc/{tid}/comm"))
                {
                    place.insert(name.trim_end().to_owned());
                }
                core.events.push(event);
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
        for (tid, name) in self.names {
            names.entry(tid).or_insert(name);
        }
        Tasks::Switches { from: self.from, events: self.cores.into_iter().map(|(cpu, core)| (cpu, core.events)).collect() }
    }
}
