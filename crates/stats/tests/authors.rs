//! The captures of gallenmu/low-latency: our results must be theirs, digit for digit, and those of an independent program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test opens the files that tailbed would")]

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use tailbed_format::percentile::Percentile;
use tailbed_stats::analysis::{Analysis, Direct, Options, analyse, csv};
use tailbed_stats::capture::Reader;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/captures");

fn path(file: &str) -> PathBuf {
    PathBuf::from(CAPTURES).join(file)
}

fn open(file: &str) -> Reader<impl Read> {
    Reader::new(zstd::Decoder::new(fs::File::open(path(file)).unwrap()).unwrap(), file)
}

/// `None`, said aloud, where the captures are not there.
fn analysis(pair: &str, options: &Options) -> Option<Analysis> {
    let (pre, post) = (format!("{pair}.pre.pcap.zst"), format!("{pair}.post.pcap.zst"));
    if !path(&pre).exists() {
        println!("skipped: {} is not there", path(&pre).display());
        return None;
    }
    let mut pre = Direct::new(open(&pre), &options.key);
    let mut post = Direct::new(open(&post), &options.key);
    Some(analyse(&mut pre, &mut post, options).unwrap())
}

fn equals_the_published_files(pair: &str) {
    let Some(analysis) = analysis(pair, &Options::default()) else { return };
    let published = |kind: &str| fs::read_to_string(path(&format!("{pair}.{kind}.csv"))).unwrap();
    assert_eq!(csv::latency_histogram(&analysis.latency), published("hist"));
    assert_eq!(csv::gaps(&analysis.pre), published("jitterpre"));
    assert_eq!(csv::gaps(&analysis.post), published("jitterpost"));
    assert_eq!(csv::percentiles(&analysis.latency), published("percentiles"));
    assert_eq!(csv::transfer_rate(&analysis), published("transferrate"));
    assert_eq!(csv::worst(&analysis.worst, 100), published("worst100"));
    assert_eq!(analysis.worst.len(), 5_000);
}

fn equals_the_reference(pair: &str) {
    let Some(analysis) = analysis(pair, &Options::default()) else { return };
    let reference: serde_json::Value = serde_json::from_str(&fs::read_to_string(path("reference.json")).unwrap()).unwrap();
    let expected = |name: &str| reference[pair][name].as_u64().unwrap_or_else(|| panic!("reference.json has no {pair}.{name}"));
    assert_eq!(analysis.pre.packets, expected("pre"));
    assert_eq!(analysis.post.packets, expected("post"));
    assert_eq!(analysis.ambiguous, expected("pre_duplicate_keys"));
    assert_eq!(analysis.duplicates, expected("post_dupl"));
    assert_eq!(analysis.latency.count(), expected("matched"));
    assert_eq!(analysis.latency.minimum(), Some(expected("min")));
    assert_eq!(analysis.latency.maximum(), Some(expected("max")));
    assert_eq!(analysis.latency.mean(), reference[pair]["mean"].as_f64());
    for percentile in Percentile::REPORTED {
        assert_eq!(analysis.latency.quantile(percentile), Some(expected(&percentile.to_string())), "{percentile}");
    }
    assert_eq!(analysis.worst.last().map(|worst| worst.latency), Some(expected("worst5000_min")));
    assert_eq!(analysis.worst.first().map(|worst| worst.pre), Some(expected("worst1_prets")));
    assert_eq!((analysis.lost, analysis.unmatched_post, analysis.reordered), (0, 0, 0));
}

#[test]
fn host_equals_the_published_files() {
    equals_the_published_files("l2fwd-host");
}

#[test]
fn vm_equals_the_published_files() {
    equals_the_published_files("l2fwd-vm");
}

#[test]
fn host_equals_the_reference() {
    equals_the_reference("l2fwd-host");
}

#[test]
fn vm_equals_the_reference() {
    equals_the_reference("l2fwd-vm");
}

/// The authors' "filtered" files leave out what arrived in the first second: 10 000 packets at 10 kpkt/s, give or take the one
/// that arrives on the stroke of it.
#[test]
fn trimming_leaves_out_the_first_second() {
    let Some(analysis) = analysis("l2fwd-host", &Options { trim: Some(1_000_000_000), ..Options::default() }) else { return };
    assert_eq!(analysis.latency.count() + analysis.trimmed, 300_000);
    assert!((9_990..=10_010).contains(&analysis.trimmed), "{}", analysis.trimmed);
    assert_eq!(analysis.lost, 0);
}
