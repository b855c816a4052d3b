//! Campaigns of known latencies side by side.

use super::machine::Difference;
use super::*;
use crate::campaign::{CountedRun, summarise_campaign};
use crate::interval::distribution;
use crate::run::{Attempt, RunCounters, failed_run};
use tailbed_format::summary::{Cell, Invalid, RunSummary};

/// A cell for each value of a swept key, and runs of 1 000 packets: the latencies of repeat `r` are those of a line from 10 to 11 µs, moved by
/// what `shifts` says for it, ns.
fn campaign(values: &[&str], shifts: &[u64], lost: u64) -> CampaignSummary {
    let parameters = |value: &str| vec![Parameter { key: "traffic.frame".into(), value: value.into() }];
    let floor = Cell { kind: RunKind::Floor, parameters: Vec::new(), floor: None, simulated: false };
    let measured = values.iter().map(|value| Cell {
        kind: RunKind::Measurement,
        parameters: parameters(value),
        floor: Some(0),
        simulated: false,
    });
    let cells: Vec<Cell> = std::iter::once(floor).chain(measured).collect();
    let run = |cell: usize, repeat: usize, from: u64| {
        let attempt = Attempt {
            run: format!("{cell}-{repeat}"),
            kind: cells[cell].kind,
            cell,
            repeat: u32::try_from(repeat).unwrap(),
            attempt: 0,
            began: 0,
            parameters: cells[cell].parameters.clone(),
        };
        let latency: Counter = (0..1000).map(|n| from + n).collect();
        let counts = Counts { scheduled: 1000, sent: 1000, received: 1000 - lost, lost, ..Counts::default() };
        let summary = RunSummary {
            latency: distribution(&latency),
            counts,
            invalid: Vec::new(),
            ..failed_run(attempt, String::new(), Vec::new())
        };
        CountedRun { summary, counters: RunCounters { latency, ..RunCounters::default() } }
    };
    let mut runs = vec![run(0, 0, 100)];
    for cell in 1..cells.len() {
        runs.extend(shifts.iter().enumerate().map(|(repeat, shift)| run(cell, repeat, 10_000 + shift)));
    }
    summarise_campaign("made up", None, &cells, &runs)
}

fn side(summary: &CampaignSummary) -> Side<'_> {
    Side { summary, latencies: &[] }
}

fn compared_with(base: &CampaignSummary, other: &CampaignSummary, conditions: &[&str]) -> Comparison {
    let conditions: Vec<Condition> = conditions.iter().map(|text| text.parse().unwrap()).collect();
    compare(("base", side(base)), ("other", side(other)), &conditions)
}

fn verdicts(comparison: &Comparison) -> Vec<Verdict> {
    comparison.cells.iter().flat_map(|cell| &cell.rows).map(|row| row.verdict).collect()
}

const STEADY: [u64; 6] = [0, 30, 10, 50, 20, 40];

fn later(by: u64) -> Vec<u64> {
    STEADY.iter().map(|shift| shift + by).collect()
}

#[test]
fn what_is_slower_in_every_repeat_is_called_so() {
    let (base, other) = (campaign(&["64"], &STEADY, 0), campaign(&["64"], &later(5_000), 0));
    assert_eq!(verdicts(&compared_with(&base, &other, &[])), [Verdict::Slower; 3]);
    assert_eq!(verdicts(&compared_with(&other, &base, &[])), [Verdict::Faster; 3]);
    let text = markdown(&compared_with(&base, &other, &["p50 > +10%"]), &[]);
    insta::assert_snapshot!(text);
}

#[test]
fn equal_campaigns_differ_by_no_more_than_their_interval() {
    let base = campaign(&["64"], &STEADY, 0);
    let comparison = compared_with(&base, &base, &["p99 > +1%", "p50 > 9us", "max > +1ms"]);
    assert_eq!(verdicts(&comparison), [Verdict::NoLargerThan(30.0); 3]);
    let outcomes: Vec<Outcome> = comparison.cells[0].conditions.iter().map(|judged| judged.outcome).collect();
    assert_eq!(outcomes, [Outcome::Held, Outcome::Failed, Outcome::Held]);
    assert_eq!(comparison.outcome(), Some(Outcome::Failed));
}

#[test]
fn less_than_the_floor_is_not_claimed() {
    let (base, other) = (campaign(&["64"], &STEADY, 0), campaign(&["64"], &later(90), 0));
    assert_eq!(verdicts(&compared_with(&base, &other, &[])), [Verdict::BelowFloor; 3]);
}

#[test]
fn few_repeats_say_how_many_would_do() {
    let (base, other) = (campaign(&["64"], &[0, 10], 0), campaign(&["64"], &[5_000, 5_010], 0));
    let comparison = compared_with(&base, &other, &["p50 > +10%"]);
    assert_eq!(verdicts(&comparison), [Verdict::NotEnough(5); 3]);
    assert_eq!(comparison.cells[0].conditions[0].outcome, Outcome::Undecided);
}

#[test]
fn what_cannot_be_decided_says_what_is_missing() {
    let why = |repeats: usize, condition: &str| {
        let base = campaign(&["64"], &STEADY[..repeats], 0);
        let comparison = compared_with(&base, &base, &[condition]);
        assert_eq!(comparison.outcome(), Some(Outcome::Undecided));
        comparison.cells[0].conditions[0].why.replace('\u{202f}', " ")
    };
    assert!(why(3, "p50 > +10%").ends_with("(90 % confidence); so few repeats decide nothing: 4 a side could"));
    assert!(why(3, "p50 > 20us").ends_with("(75 % confidence); so few repeats decide nothing: 5 a side could"));
    assert!(why(6, "p50 > +0%").ends_with("; the limit lies within that"));
    assert_eq!(why(6, "p99.9 > +10%"), "a run needs 10 000 packets for p99.9, and these have 1 000");
    assert_eq!(why(6, "p99.9 > 1ms"), "a run needs 10 000 packets for p99.9, and these have 1 000");
    let base = campaign(&["64"], &STEADY, 0);
    let table = markdown(&compared_with(&base, &base, &[]), &[]).replace('\u{202f}', " ");
    assert!(table.contains("not enough data: a run needs 10 000 000 packets, and these have 1 000"), "{table}");
    // as many repeats as that do decide
    for (repeats, condition) in [(4, "p50 > +10%"), (5, "p50 > 20us")] {
        let base = campaign(&["64"], &STEADY[..repeats], 0);
        assert_eq!(compared_with(&base, &base, &[condition]).outcome(), Some(Outcome::Held));
    }
}

/// With many cells the same six repeats are not unlikely enough any more.
#[test]
fn many_comparisons_take_more_repeats() {
    let values: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let (base, other) = (campaign(&values, &STEADY, 0), campaign(&values, &later(5_000), 0));
    assert!(verdicts(&compared_with(&base, &other, &[])).iter().all(|verdict| matches!(verdict, Verdict::NotEnough(7..))));
}

#[test]
fn cells_of_one_side_only_are_named() {
    let (base, other) = (campaign(&["64", "128"], &STEADY, 0), campaign(&["64", "256"], &STEADY, 0));
    let comparison = compared_with(&base, &other, &[]);
    assert_eq!((comparison.cells.len(), comparison.only_base.len(), comparison.only_other.len()), (1, 1, 1));
    assert!(markdown(&comparison, &[]).contains("Only other has traffic.frame = 256"));
}

#[test]
fn combinations_are_the_same_in_any_order_of_their_keys() {
    let two = |order: [usize; 2]| {
        let mut summary = campaign(&["64", "128"], &STEADY, 0);
        for cell in summary.cells.iter_mut().filter(|cell| cell.kind == RunKind::Measurement) {
            let rate = Parameter { key: "traffic.rate".into(), value: "1kpps".into() };
            let both = [cell.parameters[0].clone(), rate];
            cell.parameters = order.map(|at| both[at].clone()).to_vec();
        }
        summary
    };
    let comparison = compared_with(&two([0, 1]), &two([1, 0]), &[]);
    assert_eq!((comparison.cells.len(), comparison.only_base.len(), comparison.only_other.len()), (2, 0, 0));
}

#[test]
fn a_simulated_side_is_said_once() {
    let base = campaign(&["64"], &STEADY, 0);
    let other = CampaignSummary { simulated: true, ..base.clone() };
    let said = |base: &CampaignSummary, other: &CampaignSummary| markdown(&compared_with(base, other, &[]), &[]);
    assert!(!said(&base, &base).contains("simulated"));
    assert!(said(&base, &other).contains("other is simulated and not measured; base is measured."));
    assert!(said(&other, &other).contains("Both are simulated: nothing of this was measured."));
}

#[test]
fn losses_have_an_exact_interval() {
    let (base, other) = (campaign(&["64"], &STEADY, 0), campaign(&["64"], &STEADY, 5));
    let outcome = |condition: &str| compared_with(&base, &other, &[condition]).outcome();
    // 30 of 6 000: 0.34 to 0.71 %
    assert_eq!(outcome("loss > 0.01%"), Some(Outcome::Failed));
    assert_eq!(outcome("loss > 0.5%"), Some(Outcome::Undecided));
    assert_eq!(outcome("loss > 1%"), Some(Outcome::Held));
    assert_eq!(
        compared_with(&base, &base, &["loss > 0.01%"]).outcome(),
        Some(Outcome::Undecided),
        "6 000 packets do not carry it"
    );
}

/// With some of the runs of cell 1 not counting for a reason, and nothing received in them.
fn without(mut summary: CampaignSummary, repeats: std::ops::Range<u32>, why: &Invalid) -> CampaignSummary {
    for run in summary.runs.iter_mut().filter(|run| run.cell == 1 && repeats.contains(&run.repeat)) {
        run.invalid = vec![why.clone()];
        run.counts = Counts { scheduled: 1000, sent: 1000, lost: 1000, ..Counts::default() };
    }
    let counted = summary.runs.iter().filter(|run| run.cell == 1 && run.is_valid()).map(|run| run.counts);
    let (sent, lost) = counted.fold((0, 0), |(sent, lost), counts| (sent + counts.sent, lost + counts.lost));
    summary.cells[1].counts = Counts { sent, lost, received: sent - lost, ..Counts::default() };
    summary
}

fn outcomes(comparison: &Comparison) -> Vec<Outcome> {
    comparison.cells.iter().flat_map(|cell| &cell.conditions).map(|judged| judged.outcome).collect()
}

#[test]
fn a_path_through_which_nothing_comes_fails_every_condition() {
    let good = campaign(&["64"], &STEADY, 0);
    let dead = without(campaign(&["64"], &STEADY, 0), 0..6, &Invalid::NothingReceived);
    let conditions = ["p99 > +10%", "max > 1ms", "loss > 1%"];
    let comparison = compared_with(&good, &dead, &conditions);
    assert_eq!(outcomes(&comparison), [Outcome::Failed; 3]);
    let why = comparison.cells[0].conditions.iter().map(|judged| judged.why.replace('\u{202f}', " "));
    let [latency, _, loss] = why.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(latency, "nothing came through in 6 runs, of 6 000 packets sent: there is no latency to hold");
    assert!(loss.ends_with("all of them are lost"), "{loss}");
    assert!(markdown(&comparison, &[]).contains("No percentile has a value on both sides."));
    // of two dead paths the one is no slower than the other, and neither is good
    assert_eq!(outcomes(&compared_with(&dead, &dead, &conditions)), [Outcome::Undecided, Outcome::Failed, Outcome::Failed]);
}

#[test]
fn a_generator_that_was_late_decides_nothing_and_says_so() {
    let good = campaign(&["64"], &STEADY, 0);
    let late = Invalid::Late { packets: 7, of: 1000, limit: 1000 };
    let other = without(good.clone(), 0..6, &late);
    let comparison = compared_with(&good, &other, &["p99 > +10%", "loss > 1%"]);
    assert_eq!(outcomes(&comparison), [Outcome::Undecided; 2]);
    let why = &comparison.cells[0].conditions[0].why;
    assert!(why.starts_with("none of 6 runs counts: the generator sent 7 of 1000"), "{why}");
    let why = compared_with(&other, &good, &["p99 > +10%"]).cells[0].conditions[0].why.clone();
    assert!(why.starts_with("of the base none of 6 runs counts"), "{why}");
}

#[test]
fn a_run_that_was_left_out_for_silence_leaves_the_loss_open() {
    let good = campaign(&["64"], &STEADY, 0);
    let once = without(good.clone(), 0..1, &Invalid::NothingReceived);
    let comparison = compared_with(&good, &once, &["loss > 1%"]);
    assert_eq!(comparison.outcome(), Some(Outcome::Undecided));
    assert!(comparison.cells[0].conditions[0].why.ends_with("but nothing came through in 1 run, left out of this"));
}

#[test]
fn a_combination_that_vanished_cannot_be_decided() {
    let (base, other) = (campaign(&["64", "128"], &STEADY, 0), campaign(&["64"], &STEADY, 0));
    let comparison = compared_with(&base, &other, &["p50 > +50%", "loss > 1%"]);
    assert_eq!((outcomes(&comparison), comparison.outcome()), (vec![Outcome::Held; 2], Some(Outcome::Undecided)));
    assert_eq!(comparison.absent[0].conditions.len(), 2);
    assert!(markdown(&comparison, &[]).contains("- cannot be decided: `loss > 1%`: only the base has this combination"));
}

#[test]
fn maxima_of_runs_of_different_lengths_are_not_held_against_each_other() {
    let base = campaign(&["64"], &STEADY, 0);
    let mut longer = base.clone();
    longer.runs.iter_mut().for_each(|run| run.counts.received *= 10);
    let comparison = compared_with(&base, &longer, &["max > +10%", "max > +1ms", "max > 1ms", "p50 > +10%"]);
    assert_eq!(outcomes(&comparison), [Outcome::Undecided, Outcome::Undecided, Outcome::Held, Outcome::Held]);
    let why = comparison.cells[0].conditions[0].why.replace('\u{202f}', " ");
    assert_eq!(why, "not comparable: a maximum grows with the packets, 10 000 a run here and 1 000 in the base");
}

#[test]
fn different_machines_are_said_in_every_line() {
    let base = campaign(&["64"], &STEADY, 0);
    let difference = Difference { what: "host".into(), base: "one".into(), other: "two".into(), machine: true };
    let text = markdown(&compared_with(&base, &base, &["max > +1ms"]), &[difference]);
    let figures =
        text.lines().filter(|line| line.starts_with("| p") && !line.starts_with("| percentile") || line.starts_with("- holds"));
    assert!(figures.clone().count() == 8 && figures.clone().all(|line| line.contains("(different machines)")), "{text}");
}

#[test]
fn a_packet_is_slower_as_often_as_pairs_say() {
    let counter = |values: &[u64]| values.iter().copied().collect::<Counter>();
    let share = slower(&counter(&[1, 2, 3]), &counter(&[2, 4])).unwrap();
    // 2 above 1, equal to 2; 4 above all: 1.5 + 3 of 6 pairs
    assert!((share - 0.75).abs() < 1e-12);
    assert_eq!(slower(&Counter::new(), &counter(&[1])), None);
}

#[test]
fn names_are_no_markup_in_a_file_and_plain_at_a_terminal() {
    let mut base = campaign(&["a|b_c*d<e>`"], &STEADY, 0);
    base.cells[1].parameters[0].key = "nodes.dut.mean_extra".into();
    let comparison = compared_with(&base, &base, &[]);
    assert!(
        markdown(&comparison, &[]).contains(r"## nodes.dut.mean\_extra = a\|b\_c\*d\<e\>\`"),
        "{}",
        markdown(&comparison, &[])
    );
    assert!(text(&comparison, &[]).contains("## nodes.dut.mean_extra = a|b_c*d<e>`"));
}
