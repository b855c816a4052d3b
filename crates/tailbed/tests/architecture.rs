//! The invariants of ARCHITECTURE.md that can be read off the files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The crates of ours that a crate depends on, tests and benches aside.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = fs::read_to_string(format!("{ROOT}/crates/{name}/Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let ours = section.lines().filter_map(|line| line.strip_prefix("tailbed-"));
    ours.map(|rest| rest.split(['.', ' ']).next().unwrap().to_owned()).collect()
}

#[test]
fn plan_traffic_and_stats_depend_on_format_alone() {
    assert!(dependencies("format").is_empty());
    for name in ["plan", "traffic", "stats"] {
        assert_eq!(dependencies(name), ["format"], "{name}");
    }
    assert_eq!(dependencies("tailbed"), ["format", "plan", "stats", "traffic"]);
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources_of(name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&Path::new(ROOT).join("crates").join(name).join("src"), &mut found);
    found
}

#[test]
fn unsafe_code_is_where_the_architecture_says() {
    for name in ["format", "plan", "stats"] {
        let root = fs::read_to_string(format!("{ROOT}/crates/{name}/src/lib.rs")).unwrap();
        assert!(root.contains("#![forbid(unsafe_code)]"), "{name}");
    }
    let with_unsafe = sources_of("tailbed").into_iter().filter(|path| fs::read_to_string(path).unwrap().contains("unsafe {"));
    let mut names: Vec<_> = with_unsafe.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["cookie.rs", "descriptors.rs", "identity.rs", "namespace.rs", "tap.rs", "user_namespace.rs"]);
}

#[test]
fn files_say_what_they_hold_and_stay_small() {
    for name in ["format", "plan", "stats", "tailbed", "traffic"] {
        for path in sources_of(name) {
            let text = fs::read_to_string(&path).unwrap();
            let is_tests = path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"));
            assert!(is_tests || text.starts_with("//!"), "{} does not open with what it holds", path.display());
            let lines = text.lines().count();
            assert!(lines <= 400, "{} has {lines} lines: make it a folder of its name", path.display());
        }
    }
}
