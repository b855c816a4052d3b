//! `cargo xtask test`: every suite, each with its result, and a closing line that counts them all.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::{licences, packages};

/// Tests counted by outcome.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Runs everything. Lints and documentation come before the tests, since they fail faster.
pub(crate) fn test() -> anyhow::Result<()> {
    packages::ensure()?;
    let mut tally = Tally::default();
    suite(&mut tally, "format", || cargo(&["fmt", "--all", "--check"]));
    suite(&mut tally, "lints", || {
        cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
    });
    suite(&mut tally, "documentation", || {
        cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items", "--locked"])
    });
    suite(&mut tally, "licences", || licences::check().map(|checked| println!("{checked}")));
    advisories(&mut tally)?;
    tests(&mut tally)?;
    examples(&mut tally)?;
    println!("\n{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    if tally.failed > 0 {
        bail!("{} failed", tally.failed);
    }
    Ok(())
}

fn suite(tally: &mut Tally, name: &str, run: impl FnOnce() -> anyhow::Result<()>) {
    println!("\n== {name}");
    let began = Instant::now();
    let result = run();
    let seconds = began.elapsed().as_secs_f64();
    match result {
        Ok(()) => {
            tally.passed += 1;
            println!("== {name}: passed ({seconds:.0} s)");
        }
        Err(error) => {
            tally.failed += 1;
            println!("== {name}: FAILED: {error:#} ({seconds:.0} s)");
        }
    }
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO")).args(arguments).env("RUSTDOCFLAGS", "-D warnings").status()?;
    if status.success() { Ok(()) } else { bail!("cargo {} ended with {status}", arguments.join(" ")) }
}

/// Security advisories need cargo-deny and its database from the network: without either this is skipped, and said.
fn advisories(tally: &mut Tally) -> anyhow::Result<()> {
    println!("\n== advisories");
    let installed =
        Command::new(env!("CARGO")).args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !installed.success() {
        tally.skipped += 1;
        println!("== advisories: skipped: cargo-deny is not installed (cargo install --locked cargo-deny)");
        return Ok(());
    }
    let fetched = Command::new(env!("CARGO")).args(["deny", "fetch", "db"]).stderr(Stdio::null()).status()?;
    if !fetched.success() {
        tally.skipped += 1;
        println!("== advisories: skipped: the advisory database cannot be fetched");
        return Ok(());
    }
    suite(tally, "advisories", || cargo(&["deny", "check", "advisories"]));
    Ok(())
}

/// `cargo test`, its output passed through; skips that tests announce are counted apart from passes.
fn tests(tally: &mut Tally) -> anyhow::Result<()> {
    println!("\n== tests");
    let mut child = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--locked", "--no-fail-fast", "--", "--show-output"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut counted = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some(result) = line.strip_prefix("test result: ") {
            counted.passed += number_before(result, " passed");
            counted.failed += number_before(result, " failed");
            counted.skipped += number_before(result, " ignored");
        }
        if line.starts_with("skipped: ") {
            // the test itself returned and was counted as passed
            counted.skipped += 1;
            counted.passed = counted.passed.saturating_sub(1);
        }
    }
    let status = child.wait()?;
    if !status.success() && counted.failed == 0 {
        counted.failed = 1;
    }
    println!("== tests: {} passed, {} failed, {} skipped", counted.passed, counted.failed, counted.skipped);
    tally.passed += counted.passed;
    tally.failed += counted.failed;
    tally.skipped += counted.skipped;
    Ok(())
}

/// The number that stands before a word: 12 in `ok. 12 passed; 0 failed`.
fn number_before(text: &str, word: &str) -> usize {
    let before = text.split(word).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Every example can be planned here, steps and all.
fn examples(tally: &mut Tally) -> anyhow::Result<()> {
    let mut files: Vec<_> = fs::read_dir("examples")?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    for file in files {
        let file = file.display().to_string();
        suite(tally, &format!("plan of {file}"), || {
            let arguments = ["run", "--quiet", "--locked", "--package", "tailbed", "--", "plan", "--steps", &file];
            let output = Command::new(env!("CARGO")).args(arguments).stderr(Stdio::inherit()).output()?;
            if output.status.success() { Ok(()) } else { bail!("the plan ended with {}", output.status) }
        });
    }
    Ok(())
}
