//! The percentiles published with "Containing Low Tail-Latencies in Packet Processing Using Lightweight Virtualization": the study's own
//! findings, asked of the data as questions of one factor each.
//!
//! The data are not part of this repository; without them beside it (`../shared/data/published`) these tests are skipped, and say so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test opens the files that tailbed would")]

use std::fs;
use std::path::{Path, PathBuf};

use tailbed_format::imported::{Imported, ImportedCell, ImportedRun, LeftOut};
use tailbed_format::summary::{CampaignSummary, Parameter};
use tailbed_stats::compare::gate::{Measure, Outcome};
use tailbed_stats::factor::{Contrast, Factors, Question, Verdict, compare, markdown, measure};
use tailbed_stats::import::names::Pattern;
use tailbed_stats::import::{Format, read, summary};

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/published");

const PATTERN: &str =
    "{environment:bare-metal|container|vm}-{kernel:vanilla|nohz|rt}-{tuning:optimized|non-optimized}/rate{rate}-repeat{repeat}";

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All of it as one campaign; `None`, said aloud, where the data are not there.
fn study() -> Option<CampaignSummary> {
    let folder = Path::new(PUBLISHED);
    if !folder.exists() {
        println!("skipped: {PUBLISHED} is not there");
        return None;
    }
    let pattern: Pattern = PATTERN.parse().unwrap();
    let (mut cells, mut left_out): (Vec<ImportedCell>, Vec<LeftOut>) = (Vec::new(), Vec::new());
    for path in files(folder) {
        let whole = path.to_str().unwrap();
        let (file, parameters) = (pattern.tail(whole).unwrap().to_owned(), pattern.of(whole).unwrap().parameters);
        let found = match read(&fs::read_to_string(&path).unwrap(), Format::Percentiles, None) {
            Ok(mut found) => found.remove(0),
            Err(fault) if fault.is_empty() => {
                left_out.push(LeftOut { file, reason: fault.to_string() });
                continue;
            }
            Err(fault) => panic!("{file}: {fault}"),
        };
        let run = ImportedRun {
            file,
            format: "percentiles".to_owned(),
            count: found.count,
            minimum: found.minimum,
            maximum: found.maximum,
            percentiles: found.percentiles,
            counts: found.counts,
            note: None,
            sha256: None,
        };
        match cells.iter_mut().find(|cell| cell.parameters == parameters) {
            Some(cell) => cell.runs.push(run),
            None => cells.push(ImportedCell { parameters, runs: vec![run] }),
        }
    }
    // one of the 108 files has no value in any row
    let lost: Vec<&str> = left_out.iter().map(|left_out| left_out.file.as_str()).collect();
    assert_eq!(lost, ["bare-metal-nohz-optimized/rate1000000-repeat1.percentiles.csv"]);
    assert_eq!(cells.len(), 36);
    Some(summary::campaign(&Imported { version: Imported::VERSION, name: "published".to_owned(), source: None, cells, left_out }))
}

fn question(by: &str, against: &str) -> Question {
    Question { by: by.to_owned(), against: Some(against.to_owned()), measures: measure::usual(), ..Question::default() }
}

fn tuned() -> Vec<Parameter> {
    vec![Parameter { key: "tuning".to_owned(), value: "optimized".to_owned() }]
}

fn place(factors: &Factors, group: usize) -> (&str, &Contrast) {
    (factors.groups[group].parameters[0].value.as_str(), &factors.groups[group].contrasts[0])
}

fn verdict(contrast: &Contrast, name: &str) -> Verdict {
    contrast.rows.iter().find(|row| measure::name(row.measure) == name).unwrap().verdict
}

/// "Tuned beats untuned in the tail in every environment." The container was measured with each kernel both ways: there the tuning by
/// itself is shown. Of bare metal and the virtual machine the untuned runs have another kernel than all tuned ones: without disregarding it
/// nothing is said of them, and with it that it may be either.
#[test]
fn tuned_beats_untuned_in_the_tail_in_every_environment() {
    let Some(study) = study() else { return };
    let asked = Question { within: vec!["environment".to_owned()], ..question("tuning", "non-optimized") };
    let alone = compare(&study, &asked).unwrap();
    let (name, container) = place(&alone, 1);
    assert_eq!((name, container.blocks, container.along.len()), ("container", 9, 0));
    for measure in ["p99", "p99.9", "p99.99", "p99.999", "maximum"] {
        assert_eq!(verdict(container, measure), Verdict::Faster, "{measure}");
    }
    assert_eq!([0, 2].map(|group| place(&alone, group).1.blocks), [0, 0]);
    let either = compare(&study, &Question { regardless: vec!["kernel".to_owned()], ..asked }).unwrap();
    for group in 0..3 {
        let (name, contrast) = place(&either, group);
        assert_eq!(contrast.along.len(), usize::from(name != "container"), "{name}");
        for measure in ["p99.9", "p99.99", "p99.999", "maximum"] {
            assert_eq!(verdict(contrast, measure), Verdict::Faster, "{name}, {measure}");
        }
    }
    insta::assert_snapshot!("tuning", markdown(&alone));
    insta::assert_snapshot!("tuning_whatever_the_kernel", markdown(&either));
}

/// "The real-time kernel bounds the maximum near 0.1 ms, while others show spikes of 0.2 to 1 ms."
#[test]
fn the_real_time_kernel_bounds_the_maximum() {
    let Some(study) = study() else { return };
    let limit = vec!["max > 0.2ms".parse().unwrap()];
    let tuned = compare(&study, &Question { only: tuned(), conditions: limit.clone(), ..question("kernel", "rt") }).unwrap();
    for level in &tuned.groups[0].levels {
        let maximum = level.spread.iter().find(|spread| spread.measure == Measure::Maximum).unwrap();
        let ([least, _, greatest], outcome) = (maximum.values, level.conditions[0].outcome);
        if level.value == "rt" {
            // 27 of 27 runs
            assert_eq!((level.runs, outcome), (27, Outcome::Held));
            assert!(least > 90_000.0 && greatest < 153_000.0, "{least} to {greatest}");
        } else {
            assert_eq!(outcome, Outcome::Failed, "{}", level.value);
            assert!(least > 180_000.0 && greatest < 650_000.0, "{least} to {greatest}");
        }
    }
    let contrasts = &tuned.groups[0].contrasts;
    assert!(contrasts.iter().all(|contrast| verdict(contrast, "maximum") == Verdict::Slower));
    insta::assert_snapshot!("kernel_of_the_tuned", markdown(&tuned));
    // tuned or not: the spikes of the others reach above a millisecond, and the bound of the real-time kernel is looser
    let all = compare(&study, &Question { conditions: limit, ..question("kernel", "rt") }).unwrap();
    assert!(all.groups[0].contrasts.iter().all(|contrast| verdict(contrast, "maximum") == Verdict::Slower));
    insta::assert_snapshot!("kernel", markdown(&all));
}

/// "Virtual machine and container are close to bare metal when tuned."
#[test]
fn tuned_container_and_virtual_machine_are_close_to_bare_metal() {
    let Some(study) = study() else { return };
    let asked = Question { only: tuned(), margin: Some(0.1), ..question("environment", "bare-metal") };
    let answer = compare(&study, &asked).unwrap();
    let contrasts = &answer.groups[0].contrasts;
    let [container, machine] = [&contrasts[0], &contrasts[1]];
    assert_eq!((container.blocks, machine.blocks), (6, 6));
    // within a tenth, but for the blocks that are named: above all the real-time kernel at a million packets a second
    for (contrast, measure) in [(container, "p50"), (container, "p99"), (container, "p99.99"), (machine, "p99.99")] {
        assert_eq!(verdict(contrast, measure), Verdict::Close, "{}, {measure}", contrast.other);
    }
    for (contrast, measure, blocks) in [(container, "p99.9", 1), (machine, "p50", 1), (machine, "p99", 2), (machine, "p99.9", 2)]
    {
        assert_eq!(verdict(contrast, measure), Verdict::CloseExcept(blocks), "{}, {measure}", contrast.other);
    }
    // of the maximum these repeats show neither that it differs nor that it is close
    for contrast in contrasts {
        assert!(matches!(verdict(contrast, "maximum"), Verdict::NoLargerThan(share) if share > 0.2), "{}", contrast.other);
    }
    insta::assert_snapshot!("environment", markdown(&answer));
}
