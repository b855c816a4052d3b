//! A campaign of packets, from the records of its runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tailbed_format::packet::PacketRecord;
use tailbed_format::results;
use tailbed_format::stream::{StreamFlows, StreamSummary};
use tailbed_format::summary::{CampaignSummary, Distribution, RunSummary};
use tailbed_stats::campaign::{CountedRun, summarise_campaign};
use tailbed_stats::counter::Counter;
use tailbed_stats::extremes;
use tailbed_stats::plot::worst::WorstPoint;
use tailbed_stats::proof::HostTimeline;
use tailbed_stats::report::{CellData, NamedFigure, Repeat, ReportInput, html, plots};
use tailbed_stats::run::{Kept, RunCounters};
use tailbed_stats::slo;
use tailbed_stats::tally::Tally;
use tailbed_stats::worst::Worst;

use super::folder::Opened;
use super::guarded::{self, Unread};
use super::runs::summaries;
use crate::results::sums::Changed;
use crate::results::tallies::{self, Source};
use crate::run::{proof, timestamper};
use crate::show::density::Density;

/// What a report of packets is made of.
pub(crate) struct Packets {
    pub(super) opened: Opened,
    /// All cells, comparisons and runs.
    pub(crate) summary: CampaignSummary,
    /// What the plots show.
    pub(crate) data: Vec<CellData>,
}

impl Packets {
    /// Reads all runs.
    pub(super) fn of(mut opened: Opened) -> Self {
        let found = summaries::<RunSummary>(&mut opened);
        let mut gathered = Gathered::new(opened.outline.cells.len());
        let paths: Vec<PathBuf> = found.iter().map(|(folder, _)| opened.path.join(folder).join(results::PACKETS)).collect();
        let streams: Vec<Vec<StreamFlows>> = found.iter().map(|(_, summary)| flows(&summary.streams)).collect();
        // runs that do not count are in no figure, and one that failed has no packets
        let counted: Vec<usize> =
            (0..found.len()).filter(|&run| found[run].1.is_valid() && can_be_read(&mut opened, &found[run].0)).collect();
        let sources: Vec<Source<'_>> = counted.iter().map(|&run| Source { path: &paths[run], streams: &streams[run] }).collect();
        let mut counters: BTreeMap<usize, RunCounters> = BTreeMap::new();
        tallies::count(&sources, tallies::threads(), |place, tally| {
            let run = counted[place];
            let (folder, summary) = &found[run];
            match checked(tally, summary) {
                Ok(tally) => {
                    let host = host(&mut opened, folder);
                    gathered.add(summary, &tally.worst, host);
                    let through = through(&mut opened, folder, summary);
                    let Kept { blocks, timeline, peaks, slos } = kept(&mut opened, folder, &tally);
                    let counted = RunCounters { latency_to_user: Counter::new(), ..tally.into() };
                    counters.insert(run, RunCounters { through, blocks, timeline, peaks, slos, ..counted });
                }
                Err(what) => opened.fault(&format!("{folder}/{}", results::PACKETS), what, "the run is left out"),
            }
        });
        let runs = found.into_iter().enumerate().filter_map(|(run, (_, summary))| match counters.remove(&run) {
            Some(counters) => Some(CountedRun { summary, counters }),
            None => (!summary.is_valid()).then(|| CountedRun { summary, counters: RunCounters::default() }),
        });
        Self::finished(opened, &runs.collect::<Vec<_>>(), gathered)
    }

    fn finished(mut opened: Opened, runs: &[CountedRun], gathered: Gathered) -> Self {
        let outline = &opened.outline;
        let mut summary = summarise_campaign(&opened.identity.name, outline.question.as_deref(), &outline.cells, runs);
        summary.notes.clone_from(&outline.notes);
        summary.extremes = extremes::of_campaign(&outline.cells, runs);
        summary.slos = slo::judge(&outline.slos, &outline.cells, runs, &summary.extremes);
        if let Some(handed_on) = without_packets(&mut opened, &summary) {
            return Self { opened, summary: handed_on, data: Vec::new() };
        }
        opened.compare_summary(&summary);
        let data = gathered.data(runs);
        Self { opened, summary, data }
    }

    /// Of each cell, what the table draws; none of a folder without packets.
    pub(super) fn densities(&self) -> Vec<Density> {
        let of = |data: &CellData| {
            let mut density = Density::default();
            data.latency.iter().for_each(|&(value, times)| density.count(value, times));
            density
        };
        self.data.iter().map(of).collect()
    }

    /// The page and its plots; `faults` are told at its top.
    pub(super) fn page(&self, faults: &[String]) -> (String, Vec<NamedFigure>) {
        let Repeat { facts, experiment_name, experiment, command, seed } = self.opened.again();
        let topology = &self.opened.outline.topology;
        let input = ReportInput {
            summary: &self.summary,
            facts,
            data: &self.data,
            topology,
            experiment_name,
            experiment,
            command,
            seed,
            faults,
        };
        (html(&input), plots(&input))
    }
}

/// The flows of each stream, as a run's summary tells them: streams have them one after the other.
fn flows(streams: &[StreamSummary]) -> Vec<StreamFlows> {
    let first = |stream: &StreamSummary| stream.counts.flow;
    let ends = streams.iter().skip(1).map(first).chain([u32::MAX]);
    let of = |(stream, end): (&StreamSummary, u32)| StreamFlows { name: stream.name.clone(), flows: first(stream)..end };
    streams.iter().zip(ends).map(of).collect()
}

/// Whether a run's packets are there, and as they were written.
fn can_be_read(opened: &mut Opened, folder: &str) -> bool {
    let file = format!("{folder}/{}", results::PACKETS);
    let changed = opened.changed(&file).or_else(|| (!opened.path.join(&file).exists()).then_some(Changed::Gone));
    if let Some(changed) = changed {
        opened.fault(&file, changed.said(), "the run is left out");
    }
    changed.is_none()
}

/// A tally that is what the run's summary says.
fn checked<'a>(tally: anyhow::Result<Tally<'a>>, summary: &RunSummary) -> Result<Tally<'a>, String> {
    // the path is named by whoever tells it
    let tally = tally.map_err(|error| format!("it is damaged: {}", error.root_cause()))?;
    let counts = (tally.sent, tally.received);
    if counts != (summary.counts.sent, summary.counts.received) {
        return Err(format!(
            "it holds {} packets sent and {} received, and the run's summary says {} and {}",
            counts.0, counts.1, summary.counts.sent, summary.counts.received
        ));
    }
    let pairs = [
        ("latencies", &tally.latency, &summary.latency),
        ("latencies from due time", &tally.latency_from_due, &summary.latency_from_due),
        ("latencies to user space", &tally.latency_to_user, &summary.latency_to_user),
    ];
    match pairs.iter().find(|(_, counter, distribution)| !agrees(counter, distribution)) {
        Some((what, ..)) => Err(format!("its {what} are not those of the run's summary")),
        None => Ok(tally),
    }
}

/// Whether a distribution is of these values, as far as its figures are exact.
fn agrees(counter: &Counter, distribution: &Distribution) -> bool {
    let ends = (counter.count(), counter.minimum(), counter.maximum());
    let ranks: Vec<u64> = distribution.percentiles.iter().map(|row| row.percentile.rank(counter.count())).collect();
    let values = counter.at_ranks(&ranks);
    ends == (distribution.count, distribution.minimum, distribution.maximum)
        && distribution
            .percentiles
            .iter()
            .zip(values)
            .all(|(row, value)| row.estimate.value().is_none_or(|told| value == Some(told)))
}

/// What the host did in a run; nothing where that cannot be read.
fn host(opened: &mut Opened, folder: &str) -> HostTimeline {
    for name in [results::INTERRUPTS, results::FOREIGN_TASKS] {
        let file = format!("{folder}/{name}");
        if let Some(changed) = opened.changed(&file) {
            opened.fault(&file, changed.said(), "what the host did in this run is not drawn");
            return HostTimeline::default();
        }
    }
    let read = proof::read_again(&opened.path.join(folder)).map_err(|error| error.root_cause().to_string());
    read.and_then(|timeline| if plausible(&timeline) { Ok(timeline) } else { Err(BEYOND.to_owned()) }).unwrap_or_else(|what| {
        opened.fault(folder, what, "what the host did in this run is not drawn");
        HostTimeline::default()
    })
}

/// What is wrong with a record of what the host did whose times are none.
const BEYOND: &str = "interrupts or foreign tasks have times that are beyond all that is measured";

/// Whether all times and counts are such as are measured: nothing that is drawn overflows.
fn plausible(timeline: &HostTimeline) -> bool {
    let mut times =
        timeline.interrupts.iter().flat_map(|point| [point.from, point.to]).chain(timeline.turns.iter().map(|turn| turn.at));
    let mut counts = timeline.interrupts.iter().map(|point| point.count).chain(timeline.turns.iter().map(|turn| turn.length));
    times.all(|time| time.unsigned_abs() <= guarded::LARGEST) && counts.all(|count| count <= guarded::LARGEST)
}

/// What was kept of a run beside its packets; nothing where that cannot be read, nor of runs from before it was.
fn kept(opened: &mut Opened, folder: &str, packets: &Tally<'_>) -> Kept {
    let file = format!("{folder}/{}", results::KEPT);
    let sound = |kept: Kept| match kept.is_not_of(packets) {
        Some(wrong) => Err(Unread::Damaged(wrong.to_owned())),
        None => Ok(kept),
    };
    match opened.json(&file).and_then(sound) {
        Ok(kept) => kept,
        Err(Unread::Missing) if opened.changed(&file).is_none() => Kept::default(),
        Err(unread) => {
            let then = "plots over time, deadlines and the tail beyond the data leave this run out, and intervals between repeats take its \
                        packets as they come";
            opened.fault(&file, unread.said(), then);
            Kept::default()
        }
    }
}

/// The latencies between the taps of a run; none where its captures cannot be read.
fn through(opened: &mut Opened, folder: &str, summary: &RunSummary) -> Vec<Counter> {
    let Some(capture) = &summary.capture else { return Vec::new() };
    timestamper::read_again(capture, &opened.path.join(folder)).unwrap_or_else(|error| {
        let file = format!("{folder}/{}", results::CAPTURE);
        opened.fault(&file, format!("{error:#}"), "latencies between taps are those of the other runs");
        Vec::new()
    })
}

/// A folder may be handed on without its packets, which are most of it: then the campaign's summary is all there is. `None` where there are
/// packets, or no summary.
fn without_packets(opened: &mut Opened, rebuilt: &CampaignSummary) -> Option<CampaignSummary> {
    if rebuilt.runs.iter().any(RunSummary::is_valid) {
        return None;
    }
    let summary: CampaignSummary = guarded::shaped(guarded::value(opened.summary.as_ref()?).ok()?).ok()?;
    let valid: Vec<&RunSummary> = summary.runs.iter().filter(|run| run.is_valid()).collect();
    let folders = valid.iter().map(|run| opened.path.join(results::RUNS).join(&run.run));
    let gone = !valid.is_empty() && folders.clone().all(|folder| !folder.join(results::PACKETS).exists());
    if !gone || summary.cells.len() != opened.outline.cells.len() {
        return None;
    }
    let then = "the tables are those of the summary, and there are no curves";
    opened.fault(results::RUNS, "no run has its packets", then);
    Some(summary)
}

/// What the plots show, gathered run by run.
struct Gathered {
    /// By cell.
    cells: Vec<CellGathered>,
}

#[derive(Default)]
struct CellGathered {
    /// The worst packets of all its runs.
    worst: Worst,
    /// For each repeat its share of them, and some that are none of them any more.
    by_repeat: BTreeMap<u32, Vec<PacketRecord>>,
    /// For each repeat the records of the very worst.
    records: Vec<(u32, Vec<PacketRecord>)>,
    host: Vec<(u32, HostTimeline)>,
}

/// So many of each run are shown with their whole record.
const SLOWEST: usize = 500;

impl Gathered {
    fn new(cells: usize) -> Self {
        Self { cells: (0..cells).map(|_| CellGathered::default()).collect() }
    }

    fn add(&mut self, summary: &RunSummary, worst: &Worst, timeline: HostTimeline) {
        let Some(cell) = self.cells.get_mut(summary.cell) else { return };
        cell.host.push((summary.repeat, timeline));
        cell.worst.merge(worst);
        // a repeat without any keeps its place
        let mut records = worst.records();
        cell.by_repeat.entry(summary.repeat).or_default().extend(&records);
        records.truncate(SLOWEST);
        cell.records.push((summary.repeat, records));
        let least = cell.worst.least();
        for records in cell.by_repeat.values_mut() {
            records.retain(|record| latency(record) >= least);
        }
    }

    /// With the pooled distributions of the runs that count.
    fn data(self, runs: &[CountedRun]) -> Vec<CellData> {
        let one = |(cell, gathered): (usize, CellGathered)| {
            let valid = || runs.iter().filter(|run| run.summary.cell == cell && run.summary.is_valid());
            let pool = |counter: fn(&CountedRun) -> &Counter| {
                let mut pooled = Counter::new();
                valid().for_each(|run| pooled.merge(counter(run)));
                pooled.iter().collect::<Vec<_>>()
            };
            CellData {
                cell,
                latency: pool(|run| &run.counters.latency),
                lateness: pool(|run| &run.counters.lateness),
                worst: gathered.by_repeat.into_iter().map(|(repeat, records)| (repeat, points(&records))).collect(),
                records: gathered.records,
                host: gathered.host,
                timeline: valid().map(|run| (run.summary.repeat, run.counters.timeline.clone())).collect(),
            }
        };
        self.cells.into_iter().enumerate().map(one).collect()
    }
}

fn latency(record: &PacketRecord) -> u64 {
    record.latency().and_then(|latency| u64::try_from(latency).ok()).unwrap_or(0)
}

fn points(records: &[PacketRecord]) -> Vec<WorstPoint> {
    records.iter().map(|record| WorstPoint { at: record.departure.sent, latency: latency(record) }).collect()
}
