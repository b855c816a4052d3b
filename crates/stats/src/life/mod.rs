//! Lives of environments: cells pooled from their repeats, and the question answered.

pub mod published;

use tailbed_format::lifecycle::{Life, LifeCampaign, LifeCell, Phase, PhaseSummary, Repeats};
use tailbed_format::summary::Cell;

use crate::interval::median_interval;
use crate::plot::number::time;

/// Pools and answers; notes are the caller's to add. `kinds` names the environment of each cell by its kind.
pub fn summarise_lives(name: &str, question: Option<&str>, cells: &[Cell], kinds: &[String], lives: &[Life]) -> LifeCampaign {
    let cells: Vec<_> = cells
        .iter()
        .enumerate()
        .map(|(number, cell)| summarise_cell(number, cell, kinds.get(number).cloned().unwrap_or_default(), lives))
        .collect();
    LifeCampaign {
        version: LifeCampaign::VERSION,
        name: name.to_owned(),
        question: question.map(str::to_owned),
        answer: answer(&cells),
        notes: Vec::new(),
        cells,
        runs: lives.to_vec(),
    }
}

fn summarise_cell(number: usize, cell: &Cell, kind: String, lives: &[Life]) -> LifeCell {
    let mine = || lives.iter().filter(|life| life.cell == number);
    let valid: Vec<&Life> = mine().filter(|life| life.failed.is_none()).collect();
    let phase = |phase: Phase| {
        let times = valid.iter().flat_map(|life| &life.phases).filter(|taken| taken.phase == phase).map(|taken| taken.time);
        repeats(times.collect()).map(|time| PhaseSummary { phase, time })
    };
    let memory = repeats(valid.iter().filter_map(|life| Some(life.footprint?.processes)).collect());
    let footprints = || valid.iter().filter_map(|life| life.footprint);
    let footprint = memory.and_then(|memory| footprints().find(|footprint| footprint.processes == memory.median));
    LifeCell {
        cell: number,
        parameters: cell.parameters.clone(),
        kind,
        valid: valid.iter().map(|life| life.run.clone()).collect(),
        invalid: mine().filter(|life| life.failed.is_some()).map(|life| life.run.clone()).collect(),
        phases: Phase::ALL.into_iter().filter_map(phase).collect(),
        footprint,
        memory,
        density: valid.iter().find_map(|life| life.density.clone()),
    }
}

/// A value over the repeats. The interval is that of the sign test, and only where it reaches 95 %: from six repeats on.
pub(crate) fn repeats(mut values: Vec<u64>) -> Option<Repeats> {
    values.sort_unstable();
    let (minimum, maximum) = (*values.first()?, *values.last()?);
    let median = values[values.len().div_ceil(2) - 1];
    let signed: Vec<i64> = values.iter().map(|value| i64::try_from(*value).unwrap_or(i64::MAX)).collect();
    let interval = median_interval(&signed).filter(|interval| interval.confidence >= 0.95);
    let interval = interval.map(|interval| (interval.low.unsigned_abs(), interval.high.unsigned_abs()));
    Some(Repeats { runs: u32::try_from(values.len()).unwrap_or(u32::MAX), minimum, median, maximum, interval })
}

/// Which boots fastest and which slowest, by the medians. Several environments that overlap are not put in an order: only the two ends
/// are named, with their ranges.
fn answer(cells: &[LifeCell]) -> String {
    let boot = |cell: &LifeCell| cell.phases.iter().find(|phase| phase.phase == Phase::Boot).map(|phase| phase.time);
    let mut boots: Vec<(String, Repeats)> = cells.iter().filter_map(|cell| Some((label(cell), boot(cell)?))).collect();
    boots.sort_by_key(|(_, time)| time.median);
    let said = |(name, taken): &(String, Repeats)| {
        let (low, high) = taken.interval.unwrap_or((taken.minimum, taken.maximum));
        let name = if name.is_empty() { "the environment" } else { name };
        match taken.runs {
            1 => format!("{name} in {} (one repeat)", time(taken.median)),
            runs => format!("{name} in {} ({} to {}, {runs} repeats)", time(taken.median), time(low), time(high)),
        }
    };
    match boots.as_slice() {
        [] => "Nothing can be said: no boot was measured.".to_owned(),
        [only] => format!("From the order to start to the agent's first word: {}.", said(only)),
        [first, .., last] => format!("Fastest to boot is {}; slowest is {}.", said(first), said(last)),
    }
}

/// The values that set a cell apart.
pub fn label(cell: &LifeCell) -> String {
    crate::report::values(&cell.parameters)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tailbed_format::lifecycle::{Density, Footprint, Limit, PhaseTime};
    use tailbed_format::summary::{Parameter, RunKind};

    fn life(cell: usize, repeat: u32, boot: u64) -> Life {
        let time = |phase, time| PhaseTime { phase, time };
        let footprint = Footprint {
            configured: Some(128 << 20),
            processes: 3_000_000 + boot,
            own: 4096,
            image: (boot > 0).then_some(5 << 20),
        };
        Life {
            run: format!("{cell}-{repeat}"),
            cell,
            repeat,
            attempt: 0,
            began: 1_700_000_000,
            parameters: Vec::new(),
            phases: vec![time(Phase::Provision, boot / 3), time(Phase::Boot, boot), time(Phase::Shutdown, boot / 10)],
            footprint: Some(footprint),
            density: (repeat == 0).then_some(Density { nodes: 8, memory: 5 << 20, time: boot * 8, limit: Limit::Cap }),
            failed: None,
            knobs: None,
        }
    }

    /// Three environments of six repeats; one life failed.
    pub(crate) fn example() -> LifeCampaign {
        let environment = |value: &str| Cell {
            kind: RunKind::Measurement,
            parameters: vec![Parameter { key: "nodes.dut.environment".to_owned(), value: value.to_owned() }],
            floor: None,
            simulated: false,
        };
        let cells = [environment("container"), environment("lxc"), environment("guest (TCG)")];
        let kinds = ["container", "lxc", "vm"].map(str::to_owned);
        let boots = [9_000_000, 45_000_000, 2_900_000_000];
        let mut lives = Vec::new();
        for (cell, boot) in boots.into_iter().enumerate() {
            lives.extend((0..6).map(|repeat| life(cell, repeat, boot + u64::from(repeat) * boot / 20)));
        }
        lives.push(Life { failed: Some("lxc-start says no".to_owned()), phases: Vec::new(), ..life(1, 6, 0) });
        let mut campaign = summarise_lives("lifecycle", Some("What do lives cost?"), &cells, &kinds, &lives);
        campaign.notes.push("left out: nodes.dut.environment = docker: no engine answers".to_owned());
        campaign
    }

    #[test]
    fn medians_with_intervals_from_six_repeats_on() {
        let six = repeats(vec![6, 5, 4, 3, 2, 1]).unwrap();
        assert_eq!((six.runs, six.minimum, six.median, six.maximum, six.interval), (6, 1, 3, 6, Some((1, 6))));
        assert_eq!(repeats(vec![1, 2, 3, 4, 5]).unwrap().interval, None);
        assert_eq!(repeats(Vec::new()), None);
    }

    #[test]
    fn failed_lives_do_not_count_and_the_ends_are_named() {
        let campaign = example();
        assert_eq!(campaign.cells[1].invalid.len(), 1);
        assert_eq!(campaign.cells[1].valid.len(), 6);
        assert_eq!(campaign.cells[0].phases.len(), 3);
        insta::assert_snapshot!(campaign.answer.replace(['\u{a0}', '\u{202f}'], " "), @"Fastest to boot is container in 9.90 ms (9.00 ms to 11.3 ms, 6 repeats); slowest is guest (TCG) in 3.19 s (2.90 s to 3.63 s, 6 repeats).");
    }
}
