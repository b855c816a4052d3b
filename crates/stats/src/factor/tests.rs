#![allow(clippy::unwrap_used, reason = "tests")]

use tailbed_format::imported::{Imported, ImportedCell, ImportedRun};
use tailbed_format::percentile::Percentile;

use super::*;
use crate::import::summary::campaign;

/// A run of 1 000 values around `middle`, every thousandth `tail`.
fn run(middle: u64, tail: u64) -> ImportedRun {
    let counts = vec![(middle, 980), (middle + 5, 10), (tail, 10)];
    ImportedRun {
        file: format!("{middle}-{tail}"),
        format: "histogram".to_owned(),
        count: Some(1_000),
        minimum: Some(middle),
        maximum: Some(tail),
        percentiles: Vec::new(),
        counts,
        note: None,
        sha256: None,
    }
}

fn parameter(key: &str, value: &str) -> Parameter {
    Parameter { key: key.to_owned(), value: value.to_owned() }
}

/// Two tunings at three rates in two places, three repeats each; in the second place another kernel goes along with the tuning.
fn study() -> CampaignSummary {
    let mut cells = Vec::new();
    for place in ["here", "there"] {
        for (level, (tuning, percent)) in [("stock", 100), ("tuned", 90)].into_iter().enumerate() {
            let kernel = if place == "there" && level == 1 { "new" } else { "old" };
            for (rate, base) in [("10", 80_000), ("100", 70_000), ("1000", 6_000)] {
                let parameters = vec![
                    parameter("place", place),
                    parameter("kernel", kernel),
                    parameter("tuning", tuning),
                    parameter("rate", rate),
                ];
                let runs = (0..3).map(|repeat| run(base * percent / 100 + repeat, (base * 4 + repeat) * percent / 100)).collect();
                cells.push(ImportedCell { parameters, runs });
            }
        }
    }
    campaign(&Imported { version: 1, name: "study".to_owned(), source: None, cells, left_out: Vec::new() })
}

fn question(by: &str) -> Question {
    let p50 = Measure::At(Percentile::from_ppm(500_000).unwrap());
    Question { by: by.to_owned(), measures: vec![p50, Measure::Maximum], ..Question::default() }
}

#[test]
fn blocks_show_what_three_repeats_cannot() {
    let answer = compare(&study(), &Question { within: vec!["place".to_owned()], ..question("tuning") }).unwrap();
    let here = &answer.groups[0].contrasts[0];
    assert_eq!((here.blocks, here.alone, here.kept.len()), (3, [0, 0], 2));
    assert!((here.reach[0] - 0.1).abs() < 1e-9 && (here.reach[1] - 2.0 / 8000.0).abs() < 1e-9, "{:?}", here.reach);
    assert!(here.rows.iter().all(|row| row.verdict == Verdict::Faster), "{:?}", here.rows);
    assert!((here.rows[0].ratio.estimate - 0.9).abs() < 0.001, "{:?}", here.rows[0].ratio);
    // where the kernel changes along there is no block, and nothing is claimed
    let there = &answer.groups[1].contrasts[0];
    assert_eq!((there.blocks, there.rows.len(), there.alone), (0, 0, [9, 9]));
    insta::assert_snapshot!(markdown(&answer));
}

#[test]
fn what_changes_along_is_said_in_every_line() {
    let asked = Question {
        within: vec!["place".to_owned()],
        regardless: vec!["kernel".to_owned()],
        only: vec![parameter("place", "there")],
        margin: Some(0.2),
        conditions: vec!["max > 300us".parse().unwrap(), "p50 > +1%".parse().unwrap()],
        ..question("tuning")
    };
    let answer = compare(&study(), &asked).unwrap();
    let there = &answer.groups[0].contrasts[0];
    assert_eq!((there.blocks, there.along.len()), (3, 1));
    assert!(there.rows.iter().all(|row| row.verdict == Verdict::Close), "{:?}", there.rows);
    assert_eq!(answer.outcome(), Some(Outcome::Undecided).max(answer.outcome()));
    insta::assert_snapshot!(markdown(&answer));
}

#[test]
fn questions_without_an_answer_say_what_there_is() {
    let asked = |question: Question| compare(&study(), &question).unwrap_err().to_string();
    assert_eq!(asked(question("tunig")), "no result has a factor `tunig`; these have: place, kernel, tuning, rate");
    let elsewhere = Question { only: vec![parameter("place", "nowhere")], ..question("tuning") };
    assert_eq!(asked(elsewhere), "`place` is never `nowhere`; it is here, there");
    let alone = Question { only: vec![parameter("tuning", "tuned")], ..question("tuning") };
    assert!(asked(alone).contains("nothing to compare it with"));
    let twice = Question { within: vec!["rate".to_owned()], regardless: vec!["rate".to_owned()], ..question("tuning") };
    assert!(asked(twice).starts_with("`rate` is named twice"));
    let against = Question { against: Some("best".to_owned()), ..question("tuning") };
    assert_eq!(asked(against), "`tuning` is never `best`; it is stock, tuned");
    let loss = Question { conditions: vec!["loss > 1%".parse().unwrap()], ..question("tuning") };
    assert!(asked(loss).contains("is of lost packets"));
}

#[test]
fn a_block_that_goes_the_other_way_is_named() {
    let mut study = study();
    // at one rate the tuned ones take half as long again
    let cell =
        study.cells.iter().find(|cell| cell.parameters.iter().map(|one| one.value.as_str()).eq(["here", "old", "tuned", "10"]));
    let cell = cell.unwrap().cell;
    for run in study.runs.iter_mut().filter(|run| run.cell == cell) {
        run.latency.maximum = run.latency.maximum.map(|maximum| maximum * 3 / 2);
    }
    let asked = Question { only: vec![parameter("place", "here")], ..question("tuning") };
    let answer = compare(&study, &asked).unwrap();
    let row = &answer.groups[0].contrasts[0].rows[1];
    assert_eq!(row.contrary().len(), usize::from(row.ratio.estimate < 1.0));
    assert_eq!(row.blocks.iter().filter(|(_, ratio)| *ratio > 1.3).count(), 1, "{:?}", row.blocks);
    // within a margin of 15 % all but that one
    let close = compare(&study, &Question { margin: Some(0.15), ..asked }).unwrap();
    let row = &close.groups[0].contrasts[0].rows[1];
    assert_eq!(row.beyond(0.15).len(), 1);
    assert!(!matches!(row.verdict, Verdict::Close), "{:?}", row.verdict);
}

/// With the repeats of a cell replaced by ones in which nothing came in.
#[test]
fn a_level_through_which_nothing_comes_fails_its_conditions() {
    let mut study = study();
    let cell = study.cells.iter().find(|cell| cell.parameters.contains(&parameter("tuning", "tuned"))).unwrap().cell;
    for run in study.runs.iter_mut().filter(|run| run.cell == cell) {
        run.invalid.push(tailbed_format::summary::Invalid::NothingReceived);
        (run.counts.sent, run.counts.received) = (1_000, 0);
    }
    let conditions = ["p50 > 1s", "p50 > +50%"].map(|text| text.parse().unwrap()).to_vec();
    let answer = compare(&study, &Question { conditions, ..question("tuning") }).unwrap();
    let failed = |judged: &Judged| {
        let said = "under place = here, kernel = old, tuning = tuned, rate = 10 nothing came through in 3 runs";
        judged.outcome == Outcome::Failed && judged.why.starts_with(said)
    };
    let levels: Vec<bool> = answer.groups[0].levels.iter().map(|level| failed(&level.conditions[0])).collect();
    assert_eq!(levels, [false, true]);
    assert!(failed(&answer.groups[0].contrasts[0].conditions[0]), "{:?}", answer.groups[0].contrasts[0].conditions);
}

#[test]
fn maxima_of_levels_with_different_numbers_of_packets_have_no_verdict() {
    let mut study = study();
    let is_tuned = |run: &RunSummary| run.parameters.contains(&parameter("tuning", "tuned"));
    study.runs.iter_mut().filter(|run| is_tuned(run)).for_each(|run| run.counts.received *= 3);
    let conditions = vec!["max > +50%".parse().unwrap()];
    let question = Question { within: vec!["place".to_owned()], conditions, ..question("tuning") };
    let answer = compare(&study, &question).unwrap();
    let here = &answer.groups[0].contrasts[0];
    let verdicts: Vec<Verdict> = here.rows.iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [Verdict::Faster, Verdict::Unlike([1_000, 3_000])]);
    assert_eq!((answer.rows, here.conditions[0].outcome), (1, Outcome::Undecided));
    assert!(markdown(&answer).contains("not comparable at maximum"), "{}", markdown(&answer));
}

#[test]
fn names_are_no_markup_in_a_file_and_plain_at_a_terminal() {
    let mut study = study();
    let tuned = study.cells.iter_mut().flat_map(|cell| &mut cell.parameters).filter(|parameter| parameter.value == "tuned");
    tuned.for_each(|parameter| parameter.value = "tuned_by|hand".to_owned());
    let answer = compare(&study, &Question { within: vec!["place".to_owned()], ..question("tuning") }).unwrap();
    assert!(markdown(&answer).contains(r"### tuned\_by\|hand against stock") && !markdown(&answer).contains("tuned_by|hand"));
    assert!(text(&answer).contains("### tuned_by|hand against stock"));
}
