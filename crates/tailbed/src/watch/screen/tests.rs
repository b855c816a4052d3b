//! Screens of several states and sizes, as a terminal would show them.

use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tailbed_format::cell::{Cell, Parameter, RunKind};
use tailbed_format::progress::{Attempt, CampaignKind, CampaignProgress, Ended, RunProgress, Said, Stage, Topic};
use tailbed_stats::counter::Counter;
use tailbed_stats::interval::distribution;
use tailbed_stats::run::{self, failed_run};

use super::*;
use crate::show::density::Density;
use crate::watch::cells;

/// 2026-11-21 12:00:00 UTC, ms since 1970.
const NOON: u64 = 1_795_262_400_000;

const SECOND: u64 = 1_000_000_000;

fn cell(kind: RunKind, values: &[(&str, &str)], floor: Option<usize>) -> Cell {
    let parameters = values.iter().map(|(key, value)| Parameter { key: (*key).to_owned(), value: (*value).to_owned() });
    Cell { kind, parameters: parameters.collect(), floor, simulated: false }
}

/// Three cells, each made four times, of which the first `ended` runs have ended.
fn progress(ended: usize, stage: Stage) -> CampaignProgress {
    let environment = |value| [("nodes.dut.environment", value), ("traffic.rate", "10kpps")];
    let cells = vec![
        cell(RunKind::Floor, &[("traffic.rate", "10kpps")], None),
        cell(RunKind::Measurement, &environment("host"), Some(0)),
        cell(RunKind::Measurement, &environment("container"), Some(0)),
    ];
    let names = ["floor-10kpps", "host-10kpps", "container-10kpps"];
    let mut said = vec![Said {
        at: NOON,
        topic: Topic::Note,
        run: None,
        text: "load generator and dut share core 1: latencies are tens of microseconds longer".to_owned(),
    }];
    let run = |number: usize| {
        let cell = if number < 4 { 0 } else { 1 + number % 2 };
        let name = format!("{number:04}-{}-r{}", names[cell], number % 4 + 1);
        let ended = (number < ended).then_some(Ended { counts: number != 5, took: Some(8 * SECOND) });
        RunProgress { name, cell, repeat: 0, expected: 7 * SECOND, housekeeping: vec![0], ended }
    };
    let runs: Vec<_> = (0..12).map(run).collect();
    for (number, run) in runs.iter().enumerate().take(ended) {
        let at = NOON + 8_000 * (number as u64 + 1);
        let name = Some(run.name.clone());
        if number == 5 {
            let text = format!("{}: does not count: the generator stood still for 1.20 ms (at most 1 ms is allowed)", run.name);
            said.push(Said { at, topic: Topic::Invalid, run: name.clone(), text });
        }
        let text = format!("{}: median 12.1 µs, maximum 2.10 ms", run.name);
        said.push(Said { at, topic: Topic::Run, run: name, text });
    }
    CampaignProgress {
        version: CampaignProgress::VERSION,
        name: "first-look".to_owned(),
        question: Some("What does a container cost a forwarder's tail?".to_owned()),
        kind: CampaignKind::Packets,
        cells,
        runs,
        said,
        began: NOON,
        stage,
        locked: true,
    }
}

/// Latencies of a cell: a body, a shoulder and an outlier.
fn latencies(cell: usize) -> Counter {
    let (body, shoulder) = [(1_600, 4_000), (12_000, 80_000), (15_000, 900_000)][cell];
    let spread = (0..40_000).map(|n| body + n % (body / 8));
    spread.chain((0..60).map(|n| shoulder + n * shoulder / 50)).chain([2_100_000 / (3 - cell as u64)]).collect()
}

fn seen(ended: usize, stage: Stage, life: Life) -> Seen {
    let progress = progress(ended, stage);
    let mut cells = cells::planned(&progress);
    for (number, planned) in progress.runs.iter().enumerate().take(ended) {
        let attempt = run::Attempt {
            run: planned.name.clone(),
            kind: progress.cells[planned.cell].kind,
            cell: planned.cell,
            repeat: 0,
            attempt: 0,
            began: 0,
            parameters: Vec::new(),
        };
        let mut summary = failed_run(attempt, "it failed".to_owned(), Vec::new());
        let counter = latencies(planned.cell);
        if number != 5 {
            summary.invalid.clear();
        }
        summary.latency = distribution(&counter);
        summary.counts.sent = 40_100;
        summary.counts.lost = planned.cell as u64 * 13;
        let mut density = Density::default();
        counter.iter().for_each(|(value, times)| density.count(value, times));
        cells[planned.cell].add(&summary, &density);
    }
    let host = [("0006-host-10kpps-r3", "core 1 was not quiet: on core 1 (of dut) above all kworker/1:2 (12 times, 3.20 ms)")];
    Seen {
        folder: "results/first-look-20261121-120000".to_owned(),
        progress,
        life,
        cells,
        host: host.iter().map(|(run, what)| ((*run).to_owned(), (*what).to_owned())).collect(),
        problems: BTreeMap::new(),
        answer: None,
    }
}

fn measuring() -> Seen {
    let attempt = Attempt { run: 7, attempt: 1, began: NOON + 70_000, since: NOON + 71_000 };
    seen(7, Stage::Measuring(attempt), Life::Running)
}

fn finished() -> Seen {
    let answer = "At p99.9, container took 812 µs longer than host (95 % interval 790 to 840 µs, 4 repeats); at p50 the difference of \
                  3.00 µs is above the instrument's own 1.60 µs";
    let seen = seen(12, Stage::Finished { at: NOON + 97_000 }, Life::Finished);
    Seen { answer: Some(answer.to_owned()), ..seen }
}

const LOOK: Look = Look { colour: false, charset: Charset::Blocks };

fn screen(seen: &Seen, place: Place, (width, height): (u16, u16), look: Look) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, seen, place, NOON + 74_000, look)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn a_running_campaign_in_every_size() {
    for size in [(80, 24), (40, 10), (200, 60)] {
        let name = format!("running-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, screen(&measuring(), Place::default(), size, LOOK));
    }
}

#[test]
fn a_terminal_without_blocks() {
    let look = Look { charset: Charset::Ascii, ..LOOK };
    let shown = screen(&measuring(), Place::default(), (80, 24), look);
    assert!(shown.is_ascii(), "{shown}");
    insta::assert_snapshot!("running-ascii", shown);
}

#[test]
fn every_list_and_the_keys() {
    for (name, list) in [("runs", List::Runs), ("events", List::Events)] {
        insta::assert_snapshot!(name, screen(&measuring(), Place { list, ..Place::default() }, (80, 24), LOOK));
        let scrolled = Place { list, passed: 3, help: false };
        insta::assert_snapshot!(format!("{name}-40x10-scrolled"), screen(&measuring(), scrolled, (40, 10), LOOK));
    }
    insta::assert_snapshot!("keys", screen(&measuring(), Place { help: true, ..Place::default() }, (80, 24), LOOK));
}

#[test]
fn the_ends_of_a_campaign() {
    insta::assert_snapshot!("finished", screen(&finished(), Place::default(), (80, 24), LOOK));
    let killed = Seen { life: Life::Killed, ..measuring() };
    insta::assert_snapshot!("killed", screen(&killed, Place::default(), (80, 24), LOOK));
    let reason = "interrupted in 0007-container-10kpps-r4: everything is taken back, finished runs are kept in \
                  results/first-look-20261121-120000; --resume goes on";
    let interrupted = Seen { life: Life::Stopped { interrupted: true, reason: reason.to_owned() }, ..measuring() };
    insta::assert_snapshot!("interrupted", screen(&interrupted, Place::default(), (80, 24), LOOK));
}

#[test]
fn a_campaign_that_has_just_begun() {
    let begun = seen(0, Stage::Beginning, Life::Running);
    insta::assert_snapshot!("begun", screen(&begun, Place::default(), (80, 24), LOOK));
}

#[test]
fn what_cannot_be_read_is_named() {
    let mut damaged = measuring();
    let what = "results/first-look-20261121-120000/runs/0002-floor-10kpps-r3/summary.json is damaged: EOF while parsing a value";
    damaged.problems.insert("runs/0002-floor-10kpps-r3/summary.json".to_owned(), what.to_owned());
    let shown = screen(&damaged, Place::default(), (200, 60), LOOK);
    assert!(shown.contains("runs/0002-floor-10kpps-r3/summary.json: ") && shown.contains("EOF while parsing"), "{shown}");
}

#[test]
fn campaigns_of_other_kinds_show_their_runs() {
    let mut noise = measuring();
    noise.progress.kind = CampaignKind::Noise;
    noise.cells.clear();
    let shown = screen(&noise, Place::default(), (80, 24), LOOK);
    assert!(shown.contains("cores are tested for 3 s, 7 s expected") && shown.contains("list of runs"), "{shown}");
}

#[test]
fn colours_are_used_when_they_may_be() {
    let coloured = |colour| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let look = Look { colour, ..LOOK };
        terminal.draw(|frame| draw(frame, &measuring(), Place::default(), NOON, look)).unwrap();
        let cells = terminal.backend().buffer().content();
        cells.iter().filter(|cell| cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset).count()
    };
    assert_eq!(coloured(false), 0);
    assert!(coloured(true) > 10);
}

/// Nothing is drawn beyond the edge, whatever the size.
#[test]
fn no_size_is_too_small() {
    let seen = finished();
    for (width, height) in (1..30).flat_map(|width| (1..12).map(move |height| (width, height))) {
        for list in List::ALL {
            for help in [false, true] {
                screen(&seen, Place { list, passed: 9, help }, (width, height), LOOK);
            }
        }
    }
}
