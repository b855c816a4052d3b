//! A campaign made up of generated latencies: environments by two rates with their floors, summarised and written the way that measured
//! ones are. It has what measured ones have: what went over time, and what the host did.

use std::sync::Arc;

use serde_json::json;
use tailbed_format::cell::{Cell, Parameter, RunKind};
use tailbed_format::facts::Facts;
use tailbed_format::packet::{Departure, PacketRecord, Received};
use tailbed_format::proof::{InterruptPoint, Proof};
use tailbed_format::summary::{CampaignSummary, Counts, Invalid, RunSummary};
use tailbed_stats::campaign::{CountedRun, summarise_campaign};
use tailbed_stats::counter::Counter;
use tailbed_stats::interval::distribution;
use tailbed_stats::plot::worst::WorstPoint;
use tailbed_stats::proof::HostTimeline;
use tailbed_stats::report::{CellData, ReportInput};
use tailbed_stats::run::{Attempt, RunCounters, failed_run};
use tailbed_stats::timeline::Timeline;

/// Repeats of each cell of the usual campaign.
pub(crate) const REPEATS: u32 = 3;

/// So many of the worst packets are drawn of each cell, as of measured ones.
const WORST: usize = 5_000;

/// What a report borrows from.
pub(crate) struct Campaign {
    pub(crate) summary: CampaignSummary,
    pub(crate) data: Vec<CellData>,
    facts: Facts,
}

impl Campaign {
    pub(crate) fn input(&self) -> ReportInput<'_> {
        ReportInput {
            summary: &self.summary,
            facts: &self.facts,
            data: &self.data,
            topology: "generator ──> in [dut] out ──> sink",
            experiment_name: "made-up.toml",
            experiment: "name = \"made-up\"\nquestion = \"What does a container cost a forwarder’s tail?\"\nrepeats = 3\n",
            command: "tailbed run made-up.toml",
            seed: Some(7),
            faults: &[],
        }
    }

    /// The data of a cell by its name, `container, 10kpps`.
    pub(crate) fn cell(&self, label: &str) -> &CellData {
        let cell = self.summary.cells.iter().find(|cell| tailbed_stats::report::label(cell) == label).unwrap();
        self.data.iter().find(|data| data.cell == cell.cell).unwrap()
    }
}

/// Environment (none for a floor), rate, and the median latency, ns.
type MadeUp = (Option<&'static str>, &'static str, u64);

/// Two environments by two rates, with the floor of each rate first.
const USUAL: [MadeUp; 6] = [
    (None, "10kpps", 4_100),
    (None, "100kpps", 4_600),
    (Some("host"), "10kpps", 7_200),
    (Some("host"), "100kpps", 8_100),
    (Some("container"), "10kpps", 7_900),
    (Some("container"), "100kpps", 11_400),
];

/// The usual campaign, of so many packets in each of its 18 runs.
pub(crate) fn made(packets: u64) -> Campaign {
    made_of(&USUAL, REPEATS, packets)
}

/// As long a sweep as one makes who means it: eight environments by two rates with their floors, and eight repeats; of so many packets in each of
/// its 144 runs.
pub(crate) fn swept(packets: u64) -> Campaign {
    let environments = ["host", "host-fixed", "container", "container-fixed", "lxc", "docker", "kvm", "kvm-fixed"];
    let own = (0..).step_by(1_300).zip(environments).flat_map(|(more, environment)| {
        [(Some(environment), "10kpps", 7_200 + more), (Some(environment), "100kpps", 8_100 + 2 * more)]
    });
    let cells: Vec<_> = USUAL[..2].iter().copied().chain(own).collect();
    made_of(&cells, 8, packets)
}

fn made_of(made_up: &[MadeUp], repeats: u32, packets: u64) -> Campaign {
    let parameter = |key: &str, value: &str| Parameter { key: key.to_owned(), value: value.to_owned() };
    let cells = made_up.iter().map(|(environment, rate, _)| {
        let environment = environment.map(|value| parameter("nodes.dut.environment", value));
        let kind = if environment.is_some() { RunKind::Measurement } else { RunKind::Floor };
        let floor = (kind == RunKind::Measurement).then_some(usize::from(*rate == "100kpps"));
        let parameters = environment.into_iter().chain([parameter("traffic.rate", rate)]).collect();
        Cell { kind, parameters, floor, simulated: false }
    });
    let cells: Vec<_> = cells.collect();
    let mut runs = Vec::new();
    let mut data: Vec<CellData> = (0..cells.len()).map(|cell| CellData { cell, ..CellData::default() }).collect();
    for repeat in 0..repeats {
        for (number, (_, _, median)) in made_up.iter().enumerate() {
            let run = run((number, cells.len()), repeat, *median, packets, &cells[number]);
            data[number].worst.push((repeat, run.points));
            data[number].records.push((repeat, run.records));
            data[number].host.push((repeat, run.host));
            data[number].timeline.push((repeat, run.timeline));
            runs.push(run.counted);
        }
    }
    for cell in &mut data {
        keep_worst(cell);
        let own = || runs.iter().filter(|run| run.summary.cell == cell.cell);
        let pool = |of: fn(&CountedRun) -> &Counter| {
            let mut pooled = Counter::new();
            own().for_each(|run| pooled.merge(of(run)));
            pooled.iter().collect()
        };
        (cell.latency, cell.lateness) = (pool(|run| &run.counters.latency), pool(|run| &run.counters.lateness));
    }
    let invalid = RunSummary {
        run: "0018-container-100kpps-r3-attempt2".to_owned(),
        attempt: 1,
        invalid: vec![Invalid::ReceiverDropped { packets: 12 }],
        ..runs[5].summary.clone()
    };
    runs.push(CountedRun { summary: invalid, counters: RunCounters::default() });
    let mut summary = summarise_campaign("made-up", Some("What does a container cost a forwarder’s tail?"), &cells, &runs);
    summary.notes = vec!["core 2: generator and sink".to_owned(), "core 3: dut".to_owned()];
    Campaign { summary, data, facts: facts() }
}

struct Made {
    counted: CountedRun,
    points: Vec<WorstPoint>,
    records: Vec<PacketRecord>,
    host: HostTimeline,
    timeline: Timeline,
}

fn run((cell, cells): (usize, usize), repeat: u32, median: u64, packets: u64, of: &Cell) -> Made {
    let attempt = Attempt {
        run: format!(
            "{:04}-{}-r{}",
            repeat as usize * cells + cell,
            if of.floor.is_some() { "dut" } else { "floor" },
            repeat + 1
        ),
        kind: of.kind,
        cell,
        repeat,
        attempt: 0,
        began: 1_795_224_600 + u64::from(repeat) * 60,
        parameters: of.parameters.clone(),
    };
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (u64::from(repeat) << 32) ^ cell as u64);
    let (mut latency, mut lateness) = (Counter::new(), Counter::new());
    let mut all = Vec::new();
    for sequence in 0..packets {
        let took = chance.latency(median + u64::from(repeat) * 15);
        let late = 20 + chance.below(60);
        latency.record(took);
        lateness.record(late);
        all.push(record(sequence, took, late));
    }
    let timeline = Timeline::of(&all);
    let host = host(&all);
    let mut slowest = all;
    keep(&mut slowest, WORST);
    let points = slowest
        .iter()
        .filter_map(|record| Some(WorstPoint { at: record.departure.sent, latency: u64::try_from(record.latency()?).ok()? }));
    let points = points.collect();
    keep(&mut slowest, 500);
    let counts = Counts { scheduled: packets, sent: packets, received: packets, ..Counts::default() };
    let summary = RunSummary {
        latency: distribution(&latency),
        lateness: distribution(&lateness),
        latency_from_due: distribution(&latency),
        counts,
        invalid: Vec::new(),
        proof: Some(proof()),
        ..failed_run(attempt, String::new(), Vec::new())
    };
    let counters = RunCounters { latency_from_due: latency.clone(), latency, lateness, ..RunCounters::default() };
    Made { counted: CountedRun { summary, counters }, points, records: slowest, host, timeline }
}

/// Packet number `sequence` of 10 000 a second, for as long as there are.
fn record(sequence: u64, took: u64, late: u64) -> PacketRecord {
    let due = i64::try_from(sequence * 100_000).unwrap();
    let sent = due + i64::try_from(late).unwrap();
    let kernel = sent + i64::try_from(took).unwrap();
    PacketRecord {
        departure: Departure { flow: 0, sequence, due, sent },
        received: Some(Received { kernel, user: kernel + 800 }),
    }
}

/// Keeps of all repeats together as many packets as are kept of one.
fn keep_worst(cell: &mut CellData) {
    let points = cell.worst.iter().flat_map(|(_, points)| points);
    let mut latencies: Vec<_> = points.map(|point| std::cmp::Reverse(point.latency)).collect();
    latencies.sort_unstable();
    let Some(least) = latencies.get(WORST - 1) else { return };
    for (_, points) in &mut cell.worst {
        points.retain(|point| point.latency >= least.0);
    }
}

/// Keeps so many of the greatest, greatest first.
fn keep(records: &mut Vec<PacketRecord>, most: usize) {
    records.sort_unstable_by_key(|record| (std::cmp::Reverse(record.latency()), record.departure.sent));
    records.truncate(most);
}

/// The core that all packets pass, and its interrupts: a timer's a thousand times a second, and a disk's now and then; read ten times a second.
const CORE: usize = 2;
const SOURCES: [(&str, &str, u64); 2] = [("LOC", "Local timer interrupts", 100), ("36", "virtio1-req.0", 3)];
const READING: i64 = 100_000_000;

fn host(records: &[PacketRecord]) -> HostTimeline {
    let end = records.last().map_or(0, |record| record.departure.sent);
    let point = |from, (source, name, count): (&str, &str, u64)| InterruptPoint {
        from,
        to: from + READING,
        cpu: CORE,
        soft: false,
        source: Arc::from(source),
        name: Arc::from(name),
        count: count + u64::from(from % 300_000_000 == 0),
    };
    let times = (0..=end / READING).map(|number| number * READING);
    HostTimeline { interrupts: times.flat_map(|from| SOURCES.map(|source| point(from, source))).collect(), turns: Vec::new() }
}

fn proof() -> Proof {
    let interrupts = SOURCES
        .map(|(source, name, count)| json!({ "source": source, "name": name, "count": count * 10, "expected": source == "LOC" }));
    serde_json::from_value(json!({
        "span": 1_000_000_000_u64,
        "counted": 900_000_000_u64,
        "readings": 9,
        "reader_ran": 2_000_000_u64,
        "tasks": { "switches": { "lost": 0 } },
        "cores": [{
            "cpu": CORE,
            "nodes": ["dut"],
            "spins": true,
            "interrupts": interrupts,
            "softirqs": [{ "source": "NET_RX", "count": 2_000, "expected": true }],
            "switches": 0,
            "preemptions": 0,
            "tasks": [],
            "steal": 0,
            "hot": null,
            "frequency": null,
            "culprits": [],
        }],
        "loops": [],
    }))
    .unwrap()
}

/// Chance that is the same each time (Marsaglia 2003, xorshift64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % end
    }

    /// A bulk that is three times as wide upwards as downwards; one in a hundred waits, one in ten thousand for long.
    fn latency(&mut self, median: u64) -> u64 {
        let bulk = median * 17 / 20 + (self.below(1_000) * self.below(1_000) * median) / 1_600_000;
        match self.below(10_000) {
            0 => bulk + 20_000 + self.below(1_000) * self.below(1_000) / 8,
            1..=100 => bulk + median * self.below(1_000) / 250,
            _ => bulk,
        }
    }
}

/// Of no host in particular. Read, not built, so that it holds what is always there and no more.
fn facts() -> Facts {
    serde_json::from_value(json!({
        "tool_version": "0.1.0",
        "tool_commit": null,
        "hostname": "bench",
        "cpu_model": "Example CPU at 2.60 GHz",
        "cpus": [0, 1, 2, 3],
        "memory_nodes": [0],
        "memory": 17_179_869_184_u64,
        "kernel": "6.1.0-18-amd64",
        "command_line": "quiet nohz_full=2-3",
        "mitigations": [["meltdown", "Not affected"]],
        "clocksource": "tsc",
        "invariant_tsc": true,
        "hypervisor": null,
        "cgroup": { "v2": { "mount": "/sys/fs/cgroup", "controllers": ["cpuset"] } },
        "privilege": { "root": true, "user_namespaces": true, "real_time": true, "lock_memory": true },
        "rt_runtime_us": 950_000
    }))
    .unwrap()
}
