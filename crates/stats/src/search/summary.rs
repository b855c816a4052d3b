//! Searches over the repeats of a cell, and the question answered.

use std::fmt::Write as _;

use tailbed_format::lifecycle::Repeats;
use tailbed_format::percentile::Percentile;
use tailbed_format::rounded::whole;
use tailbed_format::summary::{Cell, Distribution, RunKind};
use tailbed_format::throughput::{
    BurstFound, BurstSummary, End, GoalFound, GoalSummary, LatencySummary, SearchCampaign, SearchCell, SearchRun, Status,
};

use crate::life::repeats;
use crate::plot::number::rate;

/// Pools and answers; notes are the caller's to add.
pub fn summarise_searches(name: &str, question: Option<&str>, cells: &[Cell], runs: &[SearchRun]) -> SearchCampaign {
    let simulated = cells.iter().any(|cell| cell.simulated);
    let mut summaries: Vec<_> = cells.iter().enumerate().map(|(number, cell)| summarise_cell(number, cell, runs)).collect();
    for (number, cell) in cells.iter().enumerate() {
        if let Some(floor) = cell.floor.and_then(|floor| summaries.get(floor)).map(|floor| floor.goals.clone()) {
            near(&mut summaries[number].goals, &floor);
        }
    }
    let cells = summaries;
    SearchCampaign {
        version: SearchCampaign::VERSION,
        name: name.to_owned(),
        question: question.map(str::to_owned),
        answer: answer(&cells, runs, simulated),
        simulated,
        notes: Vec::new(),
        cells,
        runs: runs.to_vec(),
    }
}

/// Marks the goals that come near what the instrument carries by itself.
fn near(goals: &mut [GoalSummary], floor: &[GoalSummary]) {
    for goal in goals {
        let own = floor.iter().find(|own| own.name == goal.name).and_then(|own| own.lower).map(|own| own.median);
        let comes_near = |own: &u64| goal.upper.is_some_and(|upper| upper.median * 100 >= own * GoalSummary::NEAR);
        goal.instrument = own.filter(comes_near);
    }
}

fn summarise_cell(number: usize, cell: &Cell, runs: &[SearchRun]) -> SearchCell {
    let mine: Vec<&SearchRun> = runs.iter().filter(|run| run.cell == number).collect();
    let names = |whole: bool| mine.iter().filter(|run| run.is_whole() == whole).map(|run| run.run.clone()).collect();
    let whole = || mine.iter().filter(|run| run.is_whole());
    SearchCell {
        cell: number,
        kind: cell.kind,
        parameters: cell.parameters.clone(),
        whole: names(true),
        broken: names(false),
        goals: goals(&mine),
        burst: burst(&mine),
        latency: latency(&mine),
        trials: repeats(whole().map(|run| run.trials.into()).collect()),
        took: repeats(whole().map(|run| run.took).collect()),
    }
}

/// Every goal that any run has, in order.
fn goals(runs: &[&SearchRun]) -> Vec<GoalSummary> {
    let mut names: Vec<&str> = Vec::new();
    for found in runs.iter().flat_map(|run| &run.goals) {
        if !names.contains(&found.goal.name.as_str()) {
            names.push(&found.goal.name);
        }
    }
    names.into_iter().map(|name| goal(name, runs)).collect()
}

fn goal(name: &str, runs: &[&SearchRun]) -> GoalSummary {
    let mine: Vec<&GoalFound> = runs.iter().flat_map(|run| &run.goals).filter(|found| found.goal.name == name).collect();
    let over = |value: &dyn Fn(&GoalFound) -> Option<u64>| {
        repeats(mine.iter().filter(|found| found.status == Status::Found).filter_map(|found| value(found)).collect())
    };
    let count = |status| u32::try_from(mine.iter().filter(|found| found.status == status).count()).unwrap_or(u32::MAX);
    GoalSummary {
        name: name.to_owned(),
        instrument: None,
        lower: over(&|found| found.bounds.lower),
        upper: over(&|found| found.bounds.upper),
        conditional: over(&|found| found.conditional.map(rounded_down)),
        at_maximum: count(Status::AtMaximum),
        below_minimum: count(Status::BelowMinimum),
        unfinished: count(Status::Unfinished),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and far below 2^53")]
fn rounded_down(rate: f64) -> u64 {
    rate as u64
}

/// The mean and the standard deviation of the longest bursts are the benchmark of RFC 9004, section 6.4.
fn burst(runs: &[&SearchRun]) -> Option<BurstSummary> {
    let found: Vec<&BurstFound> =
        runs.iter().filter_map(|run| run.burst.as_ref()).filter(|burst| burst.status == Status::Found).collect();
    let lengths: Vec<u64> = found.iter().filter_map(|burst| burst.bounds.lower).collect();
    let n = lengths.len() as f64;
    let mean = lengths.iter().map(|length| *length as f64).sum::<f64>() / n;
    let squares: f64 = lengths.iter().map(|length| (*length as f64 - mean).powi(2)).sum();
    Some(BurstSummary {
        deviation: (lengths.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
        length: repeats(lengths)?,
        mean,
        implied: repeats(found.iter().filter_map(|burst| burst.implied).collect())?,
        corrected: repeats(found.iter().filter_map(|burst| burst.corrected).collect()),
    })
}

fn latency(runs: &[&SearchRun]) -> Vec<LatencySummary> {
    let mut shares: Vec<u32> = runs.iter().flat_map(|run| &run.latency).map(|found| found.share).collect();
    shares.sort_unstable();
    shares.dedup();
    let at = |share: u32| {
        let over = |value: &dyn Fn(&Distribution) -> Option<u64>| {
            let found = runs.iter().flat_map(|run| &run.latency).filter(|found| found.share == share);
            repeats(found.filter_map(|found| value(found.latency.as_ref()?)).collect())
        };
        let of = |percentile: Percentile| Some((percentile, over(&|latency| latency.at(percentile)?.value())?));
        LatencySummary {
            share,
            percentiles: Percentile::REPORTED.into_iter().filter_map(of).collect(),
            mean: over(&|latency| latency.mean.map(whole)),
            maximum: over(&|latency| latency.maximum),
        }
    };
    shares.into_iter().map(at).collect()
}

/// What a cell carries, by its first goal, lowest and highest cell first; without any result, why.
fn answer(cells: &[SearchCell], runs: &[SearchRun], simulated: bool) -> String {
    let prefix = if simulated { "Simulated, not measured: " } else { "" };
    let first = |cell: &SearchCell| {
        let goal = cell.goals.first()?;
        Some((goal.name.clone(), goal.lower?, goal.upper?, label(cell)))
    };
    let cells: Vec<_> = cells.iter().filter(|cell| cell.kind == RunKind::Measurement).collect();
    let near = cells.iter().filter_map(|cell| cell.goals.first()?.instrument).min();
    let mut found: Vec<(String, Repeats, Repeats, String)> = cells.iter().copied().filter_map(first).collect();
    found.sort_by_key(|(_, lower, ..)| std::cmp::Reverse(lower.median));
    let both = runs.iter().any(|run| !run.directions.is_empty());
    let each_way = if both { " in each direction, both at once" } else { "" };
    let said = |(name, lower, upper, cell): &(String, Repeats, Repeats, String)| {
        let of = if cell.is_empty() { String::new() } else { format!(" of {cell}") };
        let repeats = if lower.runs == 1 {
            "one search".to_owned()
        } else {
            format!("{} searches: {} to {}", lower.runs, rate(lower.minimum), rate(lower.maximum))
        };
        format!("{name}{of} lies between {} and {}{each_way} ({repeats})", rate(lower.median), rate(upper.median))
    };
    let sentence = match found.as_slice() {
        [] => return format!("{prefix}{}", without(runs)),
        [only] => format!("{}.", said(only)),
        [most, .., least] => format!("{}; {}.", said(most), said(least)),
    };
    let without = cells.iter().filter_map(|cell| cell.goals.first()).filter(|goal| goal.lower.is_none() || goal.upper.is_none());
    let all_carried = without.filter(|goal| goal.at_maximum > 0).count();
    let of = |count: usize| if count == 1 { "one configuration".to_owned() } else { format!("{count} configurations") };
    let mut rest = String::new();
    if all_carried > 0 {
        let _ = write!(rest, " Of {} even the highest rate allowed is carried.", of(all_carried));
    }
    let missing = cells.len() - found.len() - all_carried;
    if missing > 0 {
        let _ = write!(rest, " Of {} nothing was found.", of(missing));
    }
    let limit = near.map_or_else(String::new, |own| {
        format!(
            " The instrument itself carries {} over a wire, so that what comes near it may be its limit and not the device's.",
            rate(own)
        )
    });
    format!("{prefix}{sentence}{rest}{limit}")
}

/// Why there is no result.
fn without(runs: &[SearchRun]) -> String {
    if let Some(run) = runs.iter().find(|run| !run.is_whole()) {
        return format!("Nothing was found: {}.", ended(&run.end));
    }
    let status = |status| runs.iter().flat_map(|run| &run.goals).any(|found| found.status == status);
    let lower = runs.iter().flat_map(|run| &run.goals).filter_map(|found| found.bounds.lower).max();
    match (status(Status::AtMaximum), status(Status::BelowMinimum), lower) {
        (true, _, Some(lower)) => {
            format!("The highest rate allowed, {}, is carried: the throughput lies there or above.", rate(lower))
        }
        (_, true, _) => "Not even the lowest rate allowed is carried.".to_owned(),
        _ => "Nothing was found.".to_owned(),
    }
}

/// How a search ended, a clause.
pub fn ended(end: &End) -> String {
    match end {
        End::Reached => "every goal was reached".to_owned(),
        End::Time => "the time was over".to_owned(),
        End::Invalid { rate: at, attempts, reasons } => {
            let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
            format!(
                "the instrument failed {attempts} times in a row at {}: {}; lower `max` to what the generator can send here, or give it a \
                 core of its own",
                rate(*at),
                reasons.join("; ")
            )
        }
        End::Failed(error) => error.clone(),
    }
}

/// The values that set a cell apart.
pub fn label(cell: &SearchCell) -> String {
    let values = crate::report::values(&cell.parameters);
    match (cell.kind, values.is_empty()) {
        (RunKind::Measurement, _) => values,
        (RunKind::Floor, true) => "a wire, without the device".to_owned(),
        (RunKind::Floor, false) => format!("a wire, without the device, {values}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::search::{Search, Sent};
    use tailbed_format::summary::{Counts, Invalid, Parameter};
    use tailbed_format::throughput::{Bounds, Goal, LatencyFound, Method, SearchOrder, Trial};

    const SECOND: u64 = 1_000_000_000;

    fn order() -> SearchOrder {
        let goal = |name: &str, loss| Goal {
            name: name.to_owned(),
            loss,
            exceed: 500_000,
            width: 5_000,
            initial: SECOND,
            trial: SECOND,
            sum: 5 * SECOND,
        };
        SearchOrder {
            method: Method::Mlrsearch(vec![goal("NDR", 0), goal("PDR", 5_000)]),
            minimum: 1_000,
            maximum: 1_000_000,
            time: 1_200 * SECOND,
            attempts: 3,
            latency: vec![500_000],
            latency_trial: SECOND,
        }
    }

    /// A search on a device of a limit; every seventh trial is invalid.
    fn run(cell: usize, repeat: u32, limit: u64) -> SearchRun {
        let mut search = Search::new(&order());
        let mut log = Vec::new();
        while let Some(input) = search.next() {
            let number = u32::try_from(log.len()).unwrap() + 1;
            let mut trial = Trial {
                no_room: 0,
                number,
                at: u64::from(number - 1) * 1_200_000_000,
                purpose: input.purpose,
                rate: input.rate,
                duration: input.duration,
                counts: Counts { scheduled: input.packets, sent: input.packets, ..Counts::default() },
                streams: Vec::new(),
                exceeded: Vec::new(),
                invalid: Vec::new(),
                bounds: Vec::new(),
            };
            if number.is_multiple_of(7) {
                trial.invalid.push(Invalid::ReceiverDropped { packets: 3 });
            } else {
                let sent = Sent { sent: input.packets, lost: input.packets.saturating_sub(limit) };
                search.tell(input, sent);
                trial.counts.lost = sent.lost;
                trial.counts.received = sent.sent - sent.lost;
                trial.exceeded = search.exceeded(sent);
            }
            trial.bounds = search.bounds();
            log.push(trial);
        }
        let latency = crate::interval::distribution(&(0..20_000).map(|n| 5_000 + n % 100).collect());
        SearchRun {
            kind: RunKind::Measurement,
            run: format!("{cell}-{repeat}"),
            cell,
            repeat,
            began: 1_700_000_000,
            parameters: Vec::new(),
            directions: Vec::new(),
            end: End::Reached,
            goals: search.found(),
            burst: None,
            latency: vec![LatencyFound {
                share: 500_000,
                rate: limit / 2,
                counts: Counts::default(),
                latency: Some(latency),
                streams: Vec::new(),
            }],
            trials: u32::try_from(log.iter().filter(|trial| trial.is_valid()).count()).unwrap(),
            invalid_trials: u32::try_from(log.iter().filter(|trial| !trial.is_valid()).count()).unwrap(),
            took: log.len() as u64 * 1_200_000_000,
            log,
            forwarders: Vec::new(),
            proof: None,
            ports: Vec::new(),
            downgrades: Vec::new(),
            knobs: None,
            programs: Vec::new(),
        }
    }

    /// Two environments of three searches each; one search of the second did not end as it should.
    pub(crate) fn example() -> SearchCampaign {
        let cell = |value: &str| Cell {
            kind: RunKind::Measurement,
            parameters: vec![Parameter { key: "nodes.dut.environment".to_owned(), value: value.to_owned() }],
            floor: None,
            simulated: false,
        };
        let mut runs: Vec<SearchRun> = (0..3).map(|repeat| run(0, repeat, 400_000 + 1_000 * u64::from(repeat))).collect();
        runs.extend((0..3).map(|repeat| run(1, repeat, 300_000)));
        let last = runs.last_mut().unwrap();
        let reasons = vec![Invalid::ReceiverDropped { packets: 9 }];
        last.end = End::Invalid { rate: 1_000_000, attempts: 3, reasons };
        last.goals.iter_mut().for_each(|found| {
            (found.status, found.bounds, found.conditional) = (Status::Unfinished, Bounds::default(), None);
        });
        last.latency.clear();
        summarise_searches("throughput", Some("How much goes through?"), &[cell("host"), cell("container")], &runs)
    }

    #[test]
    fn cells_are_pooled_and_broken_searches_left_out() {
        let campaign = example();
        let ndr = &campaign.cells[1].goals[0];
        assert_eq!((ndr.lower.unwrap().runs, ndr.unfinished), (2, 1));
        assert!(ndr.lower.unwrap().median <= 300_000 && 300_000 < ndr.upper.unwrap().median);
        assert_eq!((campaign.cells[1].whole.len(), campaign.cells[1].broken.len()), (2, 1));
        let latency = &campaign.cells[0].latency[0];
        assert_eq!(latency.percentiles[0].1.median, 5_049);
        assert_eq!((latency.mean.unwrap().median, latency.maximum.unwrap().median), (5_050, 5_099), "the mean is 5 049.5");
        insta::assert_snapshot!(campaign.answer.replace(['\u{a0}', '\u{202f}'], " "));
    }

    /// The wire alone carries 420 000 packets per second: the first device comes within a tenth of it, the second does not.
    #[test]
    fn what_may_be_the_instruments_own_limit_is_said() {
        let cell = |kind, floor| Cell { kind, parameters: Vec::new(), floor, simulated: false };
        let cells = [cell(RunKind::Floor, None), cell(RunKind::Measurement, Some(0)), cell(RunKind::Measurement, Some(0))];
        let campaign = summarise_searches("t", None, &cells, &[run(0, 0, 420_000), run(1, 0, 400_000), run(2, 0, 200_000)]);
        let own = campaign.cells[0].goals[0].lower.unwrap().median;
        let near = |cell: usize| campaign.cells[cell].goals.iter().map(|goal| goal.instrument).collect::<Vec<_>>();
        assert_eq!((near(0), near(2)), (vec![None; 2], vec![None; 2]));
        assert_eq!(near(1)[0], Some(own));
        assert!(campaign.answer.contains("The instrument itself carries"), "{}", campaign.answer);
        assert!(!campaign.answer.contains("without the device"), "{}", campaign.answer);
        assert_eq!(label(&campaign.cells[0]), "a wire, without the device");
    }

    #[test]
    fn a_device_that_carries_all_there_is_stands_beside_one_that_does_not() {
        let cell = Cell { kind: RunKind::Measurement, parameters: Vec::new(), floor: None, simulated: false };
        let mut broken = run(2, 0, 300_000);
        broken.end = End::Time;
        broken.goals.iter_mut().for_each(|found| (found.status, found.bounds) = (Status::Unfinished, Bounds::default()));
        let runs = [run(0, 0, 300_000), run(1, 0, 2_000_000), broken];
        let answer = summarise_searches("t", None, &[cell.clone(), cell.clone(), cell], &runs).answer;
        let rest = " Of one configuration even the highest rate allowed is carried. Of one configuration nothing was found.";
        assert!(answer.ends_with(rest), "{answer}");
    }

    #[test]
    fn without_a_result_the_reason_is_the_answer() {
        let mut broken = run(0, 0, 300_000);
        broken.end = End::Time;
        broken.goals.iter_mut().for_each(|found| found.status = Status::Unfinished);
        let cell = Cell { kind: RunKind::Measurement, parameters: Vec::new(), floor: None, simulated: true };
        let campaign = summarise_searches("t", None, std::slice::from_ref(&cell), &[broken]);
        assert_eq!(campaign.answer, "Simulated, not measured: Nothing was found: the time was over.");
        let campaign = summarise_searches("t", None, &[cell], &[run(0, 0, 2_000_000)]);
        assert!(campaign.answer.contains("is carried: the throughput lies there or above"), "{}", campaign.answer);
    }
}
