//! Noise tests: what cores showed, pooled over repeats, and the question answered.

use tailbed_format::noise::{
    CoreFound, CoreNoise, NoiseCampaign, NoiseCell, NoiseFound, NoisePooled, NoiseRecord, NoiseRun, Test,
};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::Cell;

use crate::counter::Counter;
use crate::interval::distribution;
use crate::life::repeats;
use crate::plot::number::{share, time};

/// A run with all its values.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedNoise {
    /// What it amounts to.
    pub run: NoiseRun,
    /// Every value of every core; empty when it failed.
    pub records: Vec<NoiseRecord>,
}

/// The percentile by which wake-ups are compared in a sentence: 99.9 %.
const COMPARED: Percentile = Percentile::REPORTED[3];

/// What a test found on each core.
pub fn found(record: &NoiseRecord) -> NoiseFound {
    NoiseFound { test: record.test, cores: record.cores.iter().map(|core| amounts_to(core.cpu, &[core])).collect() }
}

/// Why records do not count: each a sentence without its full stop.
pub fn broken(records: &[NoiseRecord]) -> Vec<String> {
    let incomplete = |core: &CoreNoise| {
        let name = core.cpu.map_or_else(|| "the core".to_owned(), |cpu| format!("core {cpu}"));
        let listed: u64 = core.values.iter().map(|(_, times)| times).sum();
        (core.unlisted > 0).then(|| {
            format!(
                "{name} had more gaps than can be kept: {listed} are, {} are not; ask for longer ones or a shorter time",
                core.unlisted
            )
        })
    };
    records.iter().flat_map(|record| &record.cores).filter_map(incomplete).collect()
}

/// Pools and answers; notes are the caller's to add.
pub fn summarise_noise(name: &str, question: Option<&str>, cells: &[Cell], runs: &[RecordedNoise]) -> NoiseCampaign {
    let cells: Vec<_> = cells.iter().enumerate().map(|(number, cell)| summarise_cell(number, cell, runs)).collect();
    NoiseCampaign {
        version: NoiseCampaign::VERSION,
        name: name.to_owned(),
        question: question.map(str::to_owned),
        answer: answer(&cells),
        notes: Vec::new(),
        cells,
        runs: runs.iter().map(|recorded| recorded.run.clone()).collect(),
    }
}

fn summarise_cell(number: usize, cell: &Cell, runs: &[RecordedNoise]) -> NoiseCell {
    let mine = || runs.iter().filter(|recorded| recorded.run.cell == number);
    let valid: Vec<&RecordedNoise> = mine().filter(|recorded| recorded.run.is_valid()).collect();
    let mut tests: Vec<Test> = Vec::new();
    for test in valid.iter().flat_map(|recorded| &recorded.records).map(|record| record.test) {
        if !tests.contains(&test) {
            tests.push(test);
        }
    }
    NoiseCell {
        cell: number,
        parameters: cell.parameters.clone(),
        valid: valid.iter().map(|recorded| recorded.run.run.clone()).collect(),
        invalid: mine().filter(|recorded| !recorded.run.is_valid()).map(|recorded| recorded.run.run.clone()).collect(),
        tests: tests.into_iter().map(|test| pooled(test, &valid)).collect(),
    }
}

fn pooled(test: Test, runs: &[&RecordedNoise]) -> NoisePooled {
    let records = || runs.iter().flat_map(|recorded| &recorded.records).filter(|record| record.test == test);
    let all: Vec<&CoreNoise> = records().flat_map(|record| &record.cores).collect();
    let mut cpus: Vec<Option<usize>> = all.iter().map(|core| core.cpu).collect();
    cpus.sort_unstable();
    cpus.dedup();
    let of = |cpu: Option<usize>| {
        let own: Vec<&CoreNoise> = all.iter().copied().filter(|core| core.cpu == cpu).collect();
        amounts_to(cpu, &own)
    };
    let greatest = |record: &NoiseRecord| record.cores.iter().filter_map(|core| Some(core.values.last()?.0)).max();
    NoisePooled {
        test,
        all: amounts_to(None, &all),
        cores: cpus.into_iter().map(of).collect(),
        maximum: repeats(records().filter_map(greatest).collect()),
    }
}

/// Everything that several records of cores hold.
fn amounts_to(cpu: Option<usize>, cores: &[&CoreNoise]) -> CoreFound {
    let mut counter = Counter::new();
    for (value, times) in cores.iter().flat_map(|core| &core.values) {
        counter.record_many(*value, *times);
    }
    let sum = |of: fn(&CoreNoise) -> u64| cores.iter().map(|core| of(core)).fold(0, u64::saturating_add);
    CoreFound {
        cpu,
        distribution: distribution(&counter),
        span: sum(|core| core.span),
        turns: sum(|core| core.turns),
        sum: u64::try_from(counter.sum()).unwrap_or(u64::MAX),
        overdue: sum(|core| core.overdue),
        unlisted: sum(|core| core.unlisted),
    }
}

/// Every value of a cell's valid runs of a test, ascending, with how often it occurred.
pub fn values(cell: usize, test: &Test, runs: &[RecordedNoise]) -> Vec<(u64, u64)> {
    let mut counter = Counter::new();
    let own = runs.iter().filter(|recorded| recorded.run.cell == cell && recorded.run.is_valid());
    for (value, times) in own
        .flat_map(|recorded| &recorded.records)
        .filter(|record| record.test == *test)
        .flat_map(|record| &record.cores)
        .flat_map(|core| &core.values)
    {
        counter.record_many(*value, *times);
    }
    counter.iter().collect()
}

/// Which cells wake soonest and which latest, and where the longest gap is; of one cell its figures.
fn answer(cells: &[NoiseCell]) -> String {
    let of = |name: &str| -> Vec<(String, &NoisePooled)> {
        cells
            .iter()
            .filter_map(|cell| Some((label(cell), cell.tests.iter().find(|pooled| pooled.test.name() == name)?)))
            .collect()
    };
    let (timers, gaps) = (of("timer"), of("gaps"));
    let sentences: Vec<String> = [wake_ups(&timers), stolen(&gaps)].into_iter().flatten().collect();
    if sentences.is_empty() { "Nothing can be said: no run counts.".to_owned() } else { sentences.join(" ") }
}

fn wake_ups(timers: &[(String, &NoisePooled)]) -> Option<String> {
    let at = |pooled: &NoisePooled| pooled.all.distribution.at(COMPARED).and_then(tailbed_format::summary::Estimate::value);
    let mut known: Vec<(&String, u64, u64)> =
        timers.iter().filter_map(|(name, pooled)| Some((name, at(pooled)?, pooled.all.distribution.maximum?))).collect();
    known.sort_by_key(|(_, late, _)| *late);
    let said = |(name, late, most): &(&String, u64, u64)| {
        let name = if name.is_empty() { "it" } else { name.as_str() };
        format!("{name} ({} late at {COMPARED}, {} at most)", time(*late), time(*most))
    };
    match known.as_slice() {
        [] => {
            let most = timers.iter().filter_map(|(_, pooled)| pooled.all.distribution.maximum).max()?;
            Some(format!("No wake-up was more than {} late; there were too few for percentiles of the tail.", time(most)))
        }
        [(_, late, most)] => Some(format!("Wake-ups are {} late at {COMPARED} and {} at most.", time(*late), time(*most))),
        [first, .., last] => Some(format!("Woken soonest is {}; latest is {}.", said(first), said(last))),
    }
}

fn stolen(gaps: &[(String, &NoisePooled)]) -> Option<String> {
    let lost = |pooled: &NoisePooled| format!("gaps take {} of the time", share(pooled.all.sum, pooled.all.span));
    if let [(_, only)] = gaps {
        return Some(match only.all.distribution.maximum {
            Some(most) => format!("The longest gap is {}; {}.", time(most), lost(only)),
            None => "There was no gap.".to_owned(),
        });
    }
    let longest = gaps.iter().max_by_key(|(_, pooled)| pooled.all.distribution.maximum)?;
    let shortest = gaps.iter().min_by_key(|(_, pooled)| pooled.all.distribution.maximum)?;
    let said = |(name, pooled): &(String, &NoisePooled)| match pooled.all.distribution.maximum {
        Some(most) => format!("{name} ({}; {})", time(most), lost(pooled)),
        None => format!("{name} (none)"),
    };
    Some(format!("The longest gap is that of {}; the least is that of {}.", said(longest), said(shortest)))
}

/// The values that set a cell apart.
pub fn label(cell: &NoiseCell) -> String {
    crate::report::values(&cell.parameters)
}

#[cfg(test)]
pub(crate) mod tests {
    use tailbed_format::noise::{LoadThread, Loaded, Work};
    use tailbed_format::summary::{Gap, Parameter, RunKind};

    use super::*;

    fn core(cpu: usize, values: &[(u64, u64)]) -> CoreNoise {
        let worst = values.iter().zip(1_i64..).map(|((length, _), at)| Gap { at: at * 1_000_000, length: *length }).collect();
        let turns = values.iter().map(|(_, times)| times).sum();
        CoreNoise { cpu: Some(cpu), values: values.to_vec(), worst, span: 1_000_000_000, turns, overdue: 0, unlisted: 0 }
    }

    const GAPS: Test = Test::Gaps { threshold: 1_000, duration: 1_000_000_000 };
    const TIMER: Test = Test::Timer { interval: 100_000, cycles: 20_000 };

    pub(crate) fn recorded(cell: usize, repeat: u32, slower: u64) -> RecordedNoise {
        let records = vec![
            NoiseRecord { test: GAPS, cores: vec![core(1, &[(2_000 + slower, 900), (40_000 + slower, 3)])] },
            NoiseRecord {
                test: TIMER,
                cores: vec![
                    core(0, &[(3_000 + slower, 9_000), (5_000 + slower, 900), (9_000 + slower, 100)]),
                    core(1, &[(2_900 + slower, 9_000), (5_000 + slower, 970), (90_000 + slower, 30)]),
                ],
            },
        ];
        let run = NoiseRun {
            run: format!("{:04}-r{}", cell * 2, repeat + 1),
            cell,
            repeat,
            began: 1_795_224_600,
            parameters: parameters(cell),
            tests: records.iter().map(found).collect(),
            load: Some(Loaded { threads: vec![LoadThread { cpu: Some(1), work: Work::Memory, turns: 12 }] }),
            downgrades: Vec::new(),
            invalid: Vec::new(),
            knobs: None,
            proof: None,
        };
        RecordedNoise { run, records }
    }

    fn parameters(cell: usize) -> Vec<Parameter> {
        let value = ["host", "vm (TCG)"][cell].to_owned();
        vec![Parameter { key: "nodes.dut.environment".to_owned(), value }]
    }

    pub(crate) fn example() -> (NoiseCampaign, Vec<RecordedNoise>) {
        let cell = |number| Cell { kind: RunKind::Measurement, parameters: parameters(number), floor: None, simulated: false };
        let mut failed = recorded(1, 1, 0);
        failed.run.invalid = vec!["the agent of dut is gone <by signal>".to_owned()];
        failed.records.clear();
        let runs = vec![recorded(0, 0, 0), recorded(1, 0, 100_000), recorded(0, 1, 20), failed];
        let mut campaign = summarise_noise("noise", Some("How quiet are cores?"), &[cell(0), cell(1)], &runs);
        campaign.notes = vec!["`dut` is emulated (TCG)".to_owned()];
        (campaign, runs)
    }

    #[test]
    fn repeats_and_cores_are_pooled_and_what_failed_is_left_out() {
        let (campaign, runs) = example();
        let [host, machine] = campaign.cells.as_slice() else { panic!("{:?}", campaign.cells) };
        assert_eq!((host.valid.len(), machine.valid.len(), machine.invalid.len()), (2, 1, 1));
        let [gaps, timer] = host.tests.as_slice() else { panic!("{:?}", host.tests) };
        assert_eq!((gaps.all.distribution.count, gaps.all.span, gaps.cores.len()), (1_806, 2_000_000_000, 1));
        assert_eq!((timer.all.distribution.count, timer.cores.len()), (40_000, 2));
        assert_eq!(timer.cores[0].distribution.count, 20_000);
        assert_eq!(timer.maximum.map(|most| (most.runs, most.minimum, most.maximum)), Some((2, 90_000, 90_020)));
        assert_eq!(gaps.all.sum, 900 * 2_000 + 3 * 40_000 + 900 * 2_020 + 3 * 40_020);
        assert_eq!(values(0, &GAPS, &runs), [(2_000, 900), (2_020, 900), (40_000, 3), (40_020, 3)]);
    }

    #[test]
    fn the_answer_names_both_ends() {
        let (campaign, _) = example();
        let said = campaign.answer.replace('\u{a0}', " ");
        assert!(said.starts_with("Woken soonest is host (90.0 µs late at p99.9, "), "{said}");
        assert!(said.contains("; latest is vm (TCG) (190 µs late"), "{said}");
        assert!(said.contains("The longest gap is that of vm (TCG) (140 µs; "), "{said}");
        let nothing = summarise_noise("noise", None, &[], &[]);
        assert_eq!(nothing.answer, "Nothing can be said: no run counts.");
    }

    #[test]
    fn a_record_that_is_not_whole_does_not_count() {
        let mut records = recorded(0, 0, 0).records;
        assert!(broken(&records).is_empty());
        records[0].cores[0].unlisted = 7;
        let said = broken(&records);
        assert_eq!(said, ["core 1 had more gaps than can be kept: 903 are, 7 are not; ask for longer ones or a shorter time"]);
    }
}
