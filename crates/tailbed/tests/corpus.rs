//! The kept corpus of fuzzing, and mutations of it drawn at random: short enough for every run, with the stable compiler.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tailbed_traffic::fuzz::{Functions, ring, table};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");

/// Mutations of each entry, unless `TAILBED_FUZZ_MUTATIONS` says otherwise.
const MUTATIONS: usize = 500;

/// Every entry by name, in order.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(format!("{CORPUS}/{target}")).unwrap().map(Result::unwrap);
    let mut entries: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect();
    entries.sort();
    assert!(entries.len() >= 8, "{target} has only {} entries", entries.len());
    entries
}

/// A few bytes changed, put in, taken out or repeated; or the beginning of one entry with the end of another.
fn mutated(entry: &[u8], other: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = entry.to_vec();
    for _ in 0..random.random_range(1..5u32) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..6u32) {
            0 => bytes.insert(at, random.random()),
            1 => bytes.truncate(at),
            2 => bytes.splice(at.., other[other.len().min(at)..].iter().copied()).for_each(drop),
            _ if at == bytes.len() => {}
            3 => bytes[at] = random.random(),
            4 => bytes[at] ^= 1 << random.random_range(0..8u32),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

fn run(target: &str, mut check: impl FnMut(&[u8]) -> Result<(), String>) {
    let entries = corpus(target);
    let mutations = std::env::var("TAILBED_FUZZ_MUTATIONS").map_or(MUTATIONS, |number| number.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for (name, entry) in &entries {
        check(entry).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        for _ in 0..mutations {
            let other = &entries[random.random_range(0..entries.len())].1;
            let bytes = mutated(entry, other, &mut random);
            check(&bytes).unwrap_or_else(|fault| panic!("{name} became {bytes:02x?}: {fault}"));
        }
    }
}

#[test]
fn frames_through_functions() {
    let mut functions = Functions::new().unwrap();
    run("functions", |bytes| functions.frame(bytes));
}

#[test]
fn text_of_tables() {
    run("tables", table);
}

#[test]
fn links_in_memory() {
    run("rings", ring);
}

#[test]
fn captures() {
    run("captures", tailbed_stats::fuzz::capture);
}

#[test]
fn results_of_other_programs() {
    run("results", tailbed_stats::fuzz::results);
}

#[test]
fn texts_of_the_kernel() {
    run("proc", tailbed_stats::fuzz::proc);
}

#[test]
fn experiment_files() {
    run("experiments", tailbed_plan::fuzz::experiment);
}

#[test]
fn recipes_of_images() {
    run("recipes", tailbed_plan::fuzz::recipe);
}

#[test]
fn the_stream_to_an_agent() {
    run("streams", tailbed_format::fuzz::stream);
}
