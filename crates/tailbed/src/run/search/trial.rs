//! One trial: an order for the generator, its packets, and whether they count.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tailbed_format::flow::FlowCounts;
use tailbed_format::message::Measured;
use tailbed_format::order::{Measure, Order, Path as Wire, Schedule, SimulatedWire};
use tailbed_format::results;
use tailbed_format::stream::{Stream, StreamSummary};
use tailbed_format::summary::{Counts, Invalid, RunKind, RunSummary};
use tailbed_format::throughput::{Purpose, Trial, TrialStream};
use tailbed_plan::plan::{AgentOrder, GENERATOR, Run, SearchPlan};
use tailbed_stats::counter::Counter;
use tailbed_stats::hgrm;
use tailbed_stats::run::{Attempt, Recorded, SummarisedRun, summarise_run};
use tailbed_stats::search::{Search, TrialInput};

use super::attempt::sent;
use crate::apply::{Broken, Host};
use crate::results::campaign::write_new;
use crate::results::packets;
use crate::run::programs::Programs;
use crate::run::traffic::Granted;
use crate::run::{Captures, traffic};
use crate::show::progress::Progress;

/// How often a pause looks whether it was interrupted.
const LOOK: Duration = Duration::from_millis(50);

/// What trials are made with.
pub(super) struct Instrument<'a, 'p> {
    pub(super) host: &'a mut Host,
    pub(super) programs: &'a mut Programs<'p>,
    pub(super) interrupted: &'a AtomicBool,
    pub(super) progress: &'a Progress,
}

/// All trials of a search.
pub(super) struct Trials<'a, 'p> {
    instrument: Instrument<'a, 'p>,
    run: &'a Run,
    template: &'a Measure,
    /// What is sought, and how.
    plan: &'a SearchPlan,
    folder: PathBuf,
    log: File,
    made: Vec<Trial>,
    began: Instant,
    /// Time of the trials themselves, ns. A simulated path takes none of the clock's.
    planned: u64,
    granted: Granted,
}

/// What came of a trial.
pub(super) struct Made {
    /// Packets, warm-up left out. Those that found no room are among the sent and the lost.
    pub(super) counts: Counts,
    /// Packets that found no room in the generator's interface.
    pub(super) no_room: u64,
    /// Why it does not count.
    pub(super) invalid: Vec<Invalid>,
    /// Latencies, ns.
    pub(super) latency: Counter,
    /// Each direction by itself, where there are two.
    pub(super) streams: Vec<StreamSummary>,
}

impl<'a, 'p> Trials<'a, 'p> {
    /// None is made yet. Each goes into the log as soon as it is.
    pub(super) fn new(
        run: &'a Run,
        template: &'a AgentOrder,
        plan: &'a SearchPlan,
        folder: &Path,
        instrument: Instrument<'a, 'p>,
    ) -> anyhow::Result<Self> {
        let Order::Measure(template) = &template.order else { anyhow::bail!("the generator's order is not to measure") };
        let path = folder.join(results::TRIALS);
        let log = File::create_new(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self {
            instrument,
            run,
            template,
            plan,
            folder: folder.to_owned(),
            log,
            made: Vec::new(),
            began: Instant::now(),
            planned: 0,
            granted: Granted::default(),
        })
    }

    /// How long they have been going on, ns, at least the time that the trials take by themselves.
    pub(super) fn spent(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX).max(self.planned)
    }

    /// The log, and what was granted.
    pub(super) fn finish(self) -> (Vec<Trial>, Granted) {
        (self.made, self.granted)
    }

    /// Makes a trial, tells the search of it if it counts and is for it, and writes it down.
    pub(super) fn make(&mut self, input: TrialInput, search: &mut Search) -> Result<Made, Broken> {
        let number = u32::try_from(self.made.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.pause()?;
        let at = self.spent();
        self.instrument.progress.tick(Duration::from_nanos(at), Duration::from_nanos(self.run.expected));
        let order = self.order(number, input);
        let schedule = order.schedule.clone();
        let (scheduled, streams) = (order.packets(), order.flows_by_stream());
        let span = schedule.warm_up + schedule.duration + order.drain;
        self.planned = self.planned.saturating_add(span);
        let order = AgentOrder { node: GENERATOR.to_owned(), order: Order::Measure(order) };
        let Instrument { host, programs, interrupted, .. } = &mut self.instrument;
        let granted = traffic::prepare([&order].into_iter(), &Captures::default(), host, programs, interrupted)?;
        self.granted.also(granted);
        let generated = traffic::generate(host, programs, interrupted, Duration::from_nanos(span), &mut |_| (), &mut || Ok(()))?;
        let recorded = Recorded {
            departures: &generated.departures,
            arrivals: &generated.arrivals,
            measured: &generated.measured,
            scheduled,
            duration: schedule.duration,
            streams: &streams,
            forwarders: &[],
            downgrades: &[],
        };
        let mut summarised = summarise_run(self.identify(number), &recorded, &self.run.limits);
        let mut invalid = summarised.summary.invalid.clone();
        let mut no_room = 0;
        if !matches!(input.purpose, Purpose::Latency(_)) {
            // a load of which nothing comes through is lost like any other; that no load does at all, the search says itself
            invalid.retain(|why| *why != Invalid::NothingReceived);
            no_room = found_no_room(&summarised.summary.counts, &generated.measured);
        }
        if no_room > 0 {
            invalid.retain(|why| !matches!(why, Invalid::Unsent { .. }));
            let RunSummary { counts, streams, .. } = &mut summarised.summary;
            lose_unsent(counts.scheduled, &mut counts.sent, &mut counts.lost);
            // every direction has the same load
            let scheduled = counts.scheduled / streams.len().max(1) as u64;
            for FlowCounts { sent, lost, .. } in streams.iter_mut().map(|stream| &mut stream.counts) {
                lose_unsent(scheduled, sent, lost);
            }
        }
        if let (Purpose::Latency(share), true) = (input.purpose, invalid.is_empty()) {
            self.keep(share, &summarised)?;
        }
        let SummarisedRun { summary, counters, .. } = summarised;
        let streams = if self.template.more.is_empty() { Vec::new() } else { summary.streams };
        let made = Made { counts: summary.counts, no_room, invalid, latency: counters.latency, streams };
        self.note(number, at, input, &made, search)?;
        Ok(made)
    }

    /// Leaves the device alone before every trial but the first, where there is one that could settle.
    fn pause(&self) -> Result<(), Broken> {
        let pause = Duration::from_nanos(self.plan.pause);
        if self.made.is_empty() || matches!(self.template.path, Wire::Simulated(_)) {
            return Ok(());
        }
        let began = Instant::now();
        while let Some(left) = pause.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            if self.instrument.interrupted.load(Ordering::Relaxed) {
                return Err(Broken::Interrupted);
            }
            thread::sleep(left.min(LOOK));
        }
        Ok(())
    }

    /// The template with another load. Each trial has a mark of its own: what an overloaded device still holds of the one before is never
    /// counted in the next.
    fn order(&self, number: u32, input: TrialInput) -> Measure {
        let template = self.template.clone();
        let warm_up = if input.purpose == Purpose::Burst { 0 } else { template.schedule.warm_up };
        let path = match template.path {
            Wire::Simulated(wire) => {
                Wire::Simulated(SimulatedWire { seed: wire.seed.wrapping_add(u64::from(number) << 32), ..wire })
            }
            path @ (Wire::Interfaces { .. } | Wire::Mixed { .. }) => path,
        };
        let schedule = Schedule { rate: input.rate, warm_up, duration: input.duration };
        // the other direction has the same load
        let more = template.more.into_iter().map(|stream| Stream { schedule: schedule.clone(), ..stream }).collect();
        Measure {
            path,
            tag: template.tag.wrapping_add(number << 16),
            schedule,
            more,
            drain: if input.purpose == Purpose::Burst { self.plan.settle } else { template.drain },
            ..template
        }
    }

    fn identify(&self, number: u32) -> Attempt {
        Attempt {
            run: format!("{}, trial {number}", self.run.name),
            kind: RunKind::Measurement,
            cell: self.run.cell,
            repeat: self.run.repeat,
            attempt: 0,
            began: 0,
            parameters: Vec::new(),
        }
    }

    /// The packets of a trial for latency.
    fn keep(&self, share: u32, summarised: &SummarisedRun) -> anyhow::Result<()> {
        let table = hgrm::percentile_table(&summarised.counters.latency)?;
        write_new(&self.folder.join(results::latency_hgrm(share)), table.as_bytes())?;
        packets::write(&self.folder.join(results::latency_packets(share)), &summarised.records, |_, _| self.template.frame)
    }

    /// A line of the log.
    fn note(&mut self, number: u32, at: u64, input: TrialInput, made: &Made, search: &mut Search) -> anyhow::Result<()> {
        let valid = made.invalid.is_empty();
        let mut exceeded = Vec::new();
        if valid && !matches!(input.purpose, Purpose::Latency(_)) {
            search.tell(input, sent(made));
            exceeded = search.exceeded(sent(made));
        }
        let trial = Trial {
            number,
            at,
            purpose: input.purpose,
            rate: input.rate,
            duration: input.duration,
            counts: made.counts,
            no_room: made.no_room,
            streams: made.streams.iter().map(direction).collect(),
            exceeded,
            invalid: made.invalid.clone(),
            bounds: search.bounds(),
        };
        serde_json::to_writer(&mut self.log, &trial)?;
        self.log.write_all(b"\n").context("cannot write the log of trials")?;
        self.made.push(trial);
        Ok(())
    }
}

/// Packets of the counted part for which the generator's interface had no room, where these are all that were not sent; else none. The queue
/// towards a device that takes no more is full, and the kernel says so where the device's end is a tap. On a veth pair it loses them without a
/// word, and on both they are lost to the device. How many of those refused were of the warm-up is not known.
fn found_no_room(counts: &Counts, measured: &Measured) -> u64 {
    let unsent = counts.scheduled.saturating_sub(counts.sent);
    if measured.send_errors == measured.no_room && unsent <= measured.no_room { unsent } else { 0 }
}

/// Counts as sent and lost what was not sent of so many.
fn lose_unsent(scheduled: u64, sent: &mut u64, lost: &mut u64) {
    *lost += scheduled.saturating_sub(*sent);
    *sent = scheduled.max(*sent);
}

/// What became of one direction.
fn direction(stream: &StreamSummary) -> TrialStream {
    let counts = &stream.counts;
    TrialStream { name: stream.name.clone(), sent: counts.sent, received: counts.received, lost: counts.lost }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sent: u64) -> Counts {
        Counts { scheduled: 100, sent, received: 20, lost: sent - 20, ..Counts::default() }
    }

    /// What a generator knows that was refused so many packets, so many of them for want of room.
    fn refused(send_errors: u64, no_room: u64) -> Measured {
        let clock = serde_json::json!({
            "tsc_hz": 1e9, "origin_monotonic": 0, "origin_realtime": 0, "span": 0, "realtime_shift": 0, "bracket": 0,
        });
        serde_json::from_value(serde_json::json!({
            "clock": clock,
            "send_errors": send_errors,
            "last_send_error": "Device or resource busy (os error 16)",
            "no_room": no_room,
            "receive_drops": 0,
            "foreign": 0,
            "gaps": [],
            "gap_count": 0,
        }))
        .unwrap()
    }

    #[test]
    fn what_found_no_room_is_lost() {
        let Counts { scheduled, mut sent, mut lost, .. } = counts(30);
        assert_eq!(found_no_room(&counts(30), &refused(75, 75)), 70, "five were of the warm-up");
        lose_unsent(scheduled, &mut sent, &mut lost);
        assert_eq!((sent, lost), (100, 80));
    }

    #[test]
    fn what_was_not_sent_for_another_reason_is_the_generators_fault() {
        assert_eq!(found_no_room(&counts(30), &refused(70, 69)), 0, "one was refused for another reason");
        assert_eq!(found_no_room(&counts(30), &refused(69, 69)), 0, "one was not even tried");
        assert_eq!(found_no_room(&counts(100), &refused(0, 0)), 0);
    }
}
