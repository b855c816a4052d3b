//! A small made-up campaign for the tests: two cells, a floor, an invalid attempt.

use tailbed_format::course::{Between, CampaignDrift, Course, Drift, Mode, Modes, Repeats, WarmUp};
use tailbed_format::facts::{Cgroup, Facts, Privilege};
use tailbed_format::flow::{FlowCounts, FlowSummary, FlowTable, Volume};
use tailbed_format::message::ClockRelation;
use tailbed_format::packet::{Departure, PacketRecord, Received};
use tailbed_format::percentile::Percentile;
use tailbed_format::port::{NodePorts, Ports};
use tailbed_format::summary::{
    CampaignSummary, CellSummary, Contrast, Counts, Distribution, Estimate, Gap, Invalid, Parameter, PercentileRow, Ratio,
    RunKind, RunSummary, Spread, Verdict,
};

use super::{CellData, ReportInput};
use crate::plot::worst::WorstPoint;
use crate::timeline::Timeline;

/// What an input borrows from.
pub(super) struct Example {
    pub(super) summary: CampaignSummary,
    pub(super) facts: Facts,
    pub(super) data: Vec<CellData>,
    pub(super) topology: String,
    pub(super) experiment: String,
}

impl Example {
    pub(super) fn input(&self) -> ReportInput<'_> {
        ReportInput {
            summary: &self.summary,
            facts: &self.facts,
            data: &self.data,
            topology: &self.topology,
            experiment_name: "first-look.toml",
            experiment: &self.experiment,
            command: "tailbed run first-look.toml --set repeats=2",
            seed: Some(7),
            faults: &[],
        }
    }
}

/// The campaign.
pub(super) fn campaign() -> Example {
    let cells = vec![cell(0, None, 1_200), cell(1, Some("host"), 1_640), cell(2, Some("container"), 1_880)];
    let mut runs: Vec<_> = cells.iter().flat_map(|cell| [run(cell, 0, 0), run(cell, 1, 0)]).collect();
    let mut stalled = run(&cells[2], 1, 0);
    stalled.invalid = vec![Invalid::Stalled { longest: Gap { at: 9_000, length: 4_000_000 }, limit: 1_000_000 }];
    stalled.downgrades.push("memory was not locked".to_owned());
    runs.insert(5, stalled);
    runs[6].attempt = 1;
    let data = cells.iter().map(|cell| data(cell.cell, cell.latency.minimum.unwrap_or(1))).collect();
    let summary = CampaignSummary {
        version: CampaignSummary::VERSION,
        name: "first-look".to_owned(),
        question: Some("What does a container cost a forwarder’s tail?".to_owned()),
        answer: "At p99 the container is 240 ns slower than the host (between 230 and 250 ns).".to_owned(),
        simulated: false,
        notes: vec!["core 2: generator and sink".to_owned(), "core 3: dut".to_owned()],
        cells,
        contrasts: vec![
            contrast(Percentile::REPORTED[0], 240, Verdict::Slower),
            contrast(Percentile::REPORTED[2], 20, Verdict::BelowFloor),
            contrast(Percentile::REPORTED[3], 0, Verdict::NotEnough),
        ],
        slos: Vec::new(),
        extremes: Vec::new(),
        drift: vec![CampaignDrift { percentile: Percentile::REPORTED[0], change: 0.12, cells: 2, repeats: 5, chance: 0.001 }],
        runs,
    };
    Example {
        summary,
        facts: facts(),
        data,
        topology: "generator ──> in [dut] out ──> sink".to_owned(),
        experiment: "name = \"first-look\"\nrepeats = 2\n".to_owned(),
    }
}

/// The same, with nothing that counts.
pub(super) fn nothing_valid() -> Example {
    let mut example = campaign();
    let none = Distribution { count: 0, minimum: None, maximum: None, mean: None, percentiles: Vec::new() };
    for run in &mut example.summary.runs {
        (run.latency, run.lateness, run.clock) = (none.clone(), none.clone(), None);
        run.invalid = vec![Invalid::Failed { error: "the agent of dut did not start".to_owned() }];
    }
    for cell in &mut example.summary.cells {
        cell.invalid.append(&mut cell.valid);
        cell.spread.clear();
        (cell.latency, cell.counts) = (none.clone(), Counts::default());
    }
    example.summary.answer = "Nothing can be said: no run counts.".to_owned();
    example.summary.contrasts.clear();
    example.data.clear();
    example
}

fn cell(number: usize, environment: Option<&str>, median: u64) -> CellSummary {
    let parameters = environment.map(|value| Parameter { key: "nodes.dut.environment".to_owned(), value: value.to_owned() });
    let distribution = distribution(median);
    CellSummary {
        cell: number,
        kind: if environment.is_some() { RunKind::Measurement } else { RunKind::Floor },
        parameters: parameters.into_iter().collect(),
        valid: vec![format!("{number}-r1"), format!("{number}-r2")],
        invalid: Vec::new(),
        floor: environment.map(|_| 0),
        counts: Counts { scheduled: 2_000, sent: 2_000, received: 1_997, lost: 3, duplicates: 0, reordered: 1 },
        latency_from_due: distribution.clone(),
        lateness: distribution.clone(),
        streams: Vec::new(),
        through: Vec::new(),
        spread: vec![Spread { percentile: Percentile::REPORTED[0], runs: 2, minimum: median - 10, median, maximum: median + 20 }],
        repeats: Some(repeats(number)),
        latency: distribution,
    }
}

fn repeats(number: usize) -> Repeats {
    let median = Percentile::REPORTED[0];
    let between = Between { percentile: median, runs: 2, inflation: Some(2.25), differ: number == 2, block: 40 };
    let mode = |run: u32, ns| Mode { runs: vec![format!("{number}-r{run}")], values: vec![(median, ns)] };
    let modes = Modes { percentile: median, chance: 0.002, fast: mode(1, 1_880), slow: mode(2, 2_350) };
    Repeats { between: vec![between], modes: (number == 2).then_some(modes) }
}

fn course(cell: usize) -> Course {
    let percentile = Percentile::REPORTED[0];
    let warm_up = WarmUp { percentile, until: 30_000_000, packets: 600, early: 2_100, rest: 1_640 };
    let drift = Drift { percentile, from: 1_800, to: 1_950, chance: 0.000_2 };
    Course { warm_up: (cell == 1).then_some(warm_up), drift: if cell == 2 { vec![drift] } else { Vec::new() } }
}

fn distribution(median: u64) -> Distribution {
    let value = |value: u64| Estimate::Value { value, low: Some(value - 10), high: Some(value + 12) };
    let estimates = [value(median), value(median + 400), value(median * 4), Estimate::NotEnough { needed: 10_000 }].into_iter();
    let percentiles =
        Percentile::REPORTED.into_iter().zip(estimates).map(|(percentile, estimate)| PercentileRow { percentile, estimate });
    Distribution {
        count: 1_997,
        minimum: Some(median - 100),
        maximum: Some(61_000),
        mean: Some(2_000.5),
        percentiles: percentiles.collect(),
    }
}

fn run(cell: &CellSummary, repeat: u32, attempt: u32) -> RunSummary {
    RunSummary {
        run: cell.valid[repeat as usize].clone(),
        kind: cell.kind,
        cell: cell.cell,
        repeat,
        attempt,
        began: 1_795_224_600 + u64::from(repeat) * 60,
        parameters: cell.parameters.clone(),
        counts: Counts { scheduled: 1_000, sent: 1_000, received: 999, lost: 1, duplicates: 0, reordered: 0 },
        latency: cell.latency.clone(),
        latency_from_due: cell.latency.clone(),
        latency_to_user: cell.latency.clone(),
        lateness: cell.lateness.clone(),
        gaps: vec![Gap { at: 700_000_000, length: 14_000 }],
        gap_count: 3,
        streams: Vec::new(),
        flows: (cell.cell == 2).then(flows),
        volume: Some(Volume { sent: 64_000, received: 63_936, duration: 100_000_000 }),
        clock: Some(ClockRelation {
            tsc_hz: 2_599_998_123.0,
            origin_monotonic: 0,
            origin_realtime: 0,
            span: 6_000_000_000,
            realtime_shift: -84,
            bracket: 61,
        }),
        forwarders: Vec::new(),
        ports: vec![NodePorts { node: "generator".to_owned(), ports: Ports::LATENCY }],
        capture: None,
        course: Some(course(cell.cell)),
        proof: None,
        downgrades: vec!["real-time priority was not permitted".to_owned()],
        knobs: None,
        programs: Vec::new(),
        invalid: Vec::new(),
    }
}

fn flows() -> FlowTable {
    let flow = |flow, lost| FlowSummary {
        counts: FlowCounts { flow, sent: 500, received: 500 - lost, lost, duplicates: 0, reordered: 2 },
        minimum: Some(1_000),
        percentiles: [Some(2_000), Some(3_000), None, None, None, None, None].to_vec(),
        maximum: Some(9_000),
    };
    FlowTable { count: 2, worst: vec![flow(1, 1), flow(0, 0)] }
}

fn data(cell: usize, least: u64) -> CellData {
    CellData {
        cell,
        latency: vec![(least, 400), (least + 100, 1_000), (least * 3, 590), (61_000, 7)],
        lateness: vec![(30, 1_900), (450, 90), (3_400, 7)],
        worst: vec![
            (0, vec![WorstPoint { at: 250_000_000, latency: 61_000 }]),
            (1, vec![WorstPoint { at: 900_000_000, latency: 60_000 }]),
        ],
        records: vec![(0, vec![record(12, 250_000_000, 61_000)]), (1, vec![record(45, 900_000_000, 60_000)])],
        host: Vec::new(),
        timeline: vec![(0, timeline(least)), (1, timeline(least + 40))],
    }
}

/// A packet that left 40 ns late.
fn record(sequence: u64, sent: i64, latency: i64) -> PacketRecord {
    PacketRecord {
        departure: Departure { flow: 0, sequence, due: sent - 40, sent },
        received: Some(Received { kernel: sent + latency, user: sent + latency + 900 }),
    }
}

/// A second of a packet a millisecond, of which one in a hundred is slow and one is lost.
fn timeline(least: u64) -> Timeline {
    let records = (0..1_000u32).map(|number| {
        let sent = i64::from(number) * 1_000_000 + i64::from(number % 7) * 30;
        let latency = i64::try_from(least).unwrap_or(0) * if number % 100 == 50 { 9 } else { 1 };
        let at = sent + latency;
        PacketRecord {
            departure: Departure { flow: 0, sequence: u64::from(number), due: sent, sent },
            received: (number != 777).then_some(Received { kernel: at, user: at + 90 }),
        }
    });
    Timeline::of(&records.collect::<Vec<_>>())
}

fn contrast(percentile: Percentile, difference: i64, verdict: Verdict) -> Contrast {
    let (low, high) = (difference - 10, difference + 10);
    let ratio = Some(Ratio { estimate: 1.05, low: 1.01, high: 1.09 });
    let needed = (verdict == Verdict::NotEnough).then_some(5);
    let (chance, slower) = (Some(0.01), Some(0.625));
    Contrast {
        base: 1,
        other: 2,
        percentile,
        pairs: 2,
        difference,
        low,
        high,
        confidence: 0.5,
        ratio,
        chance,
        slower,
        needed,
        verdict,
    }
}

pub(crate) fn facts() -> Facts {
    Facts {
        tool_version: "0.1.0".to_owned(),
        tool_commit: Some("0123abc".to_owned()),
        hostname: "bench".to_owned(),
        cpu_model: "Example CPU at 2.60 GHz".to_owned(),
        cpus: vec![0, 1, 2, 3],
        processors: Vec::new(),
        cards: Vec::new(),
        memory_nodes: vec![0],
        memory: 16 << 30,
        kernel: "6.1.0-18-amd64".to_owned(),
        command_line: "quiet nohz_full=2-3".to_owned(),
        mitigations: vec![("meltdown".to_owned(), "Not affected".to_owned())],
        clocksource: "tsc".to_owned(),
        invariant_tsc: true,
        hypervisor: None,
        cgroup: Cgroup::V2 { mount: "/sys/fs/cgroup".to_owned(), controllers: vec!["cpuset".to_owned()] },
        privilege: Privilege { root: true, user_namespaces: true, real_time: false, lock_memory: true },
        rt_runtime_us: Some(950_000),
        no_packet_sockets: None,
        engines: Vec::new(),
        kvm: tailbed_format::facts::Kvm::Unknown,
        kernels: Vec::new(),
        huge_pages: Vec::new(),
        settings: tailbed_format::settings::Settings::default(),
    }
}
