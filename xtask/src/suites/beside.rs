//! What neither touches nor looks at the machine, beside the tests of the host and at the lowest priority: the other tests, lints,
//! documentation, licences.

use std::process::{Command, Stdio};

use super::binaries::Built;
use super::report::{Report, Which};
use super::{cargo, has_the_machine, is_host, output};
use crate::licences;

/// Runs all of it.
pub(super) fn run(report: &Report, built: &Built) {
    for binary in built.tests.iter().filter(|binary| !is_host(binary) && !has_the_machine(binary)) {
        report.tests(binary, Which::All, true);
    }
    report.suite("tests in the documentation", |said| output(nice(&["test", "--workspace", "--locked", "--doc"]), said));
    report.suite("lints", |said| {
        let lints = ["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        output(nice(&lints), said)
    });
    report.suite("documentation", |said| {
        let mut command = nice(&["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        output(command, said)
    });
    report.suite("licences", |said| {
        *said = format!("{}\n", licences::check()?);
        Ok(())
    });
    advisories(report);
}

/// A command of cargo's that steps back.
fn nice(arguments: &[&str]) -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", "19", env!("CARGO")]).args(arguments);
    command
}

/// Security advisories need cargo-deny and its database from the network: without either this is skipped, and said.
fn advisories(report: &Report) {
    let succeeds = |arguments: &[&str]| {
        let status = cargo(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !succeeds(&["deny", "--version"]) {
        report.skipped("advisories", "cargo-deny is not installed (cargo install --locked cargo-deny)");
    } else if !succeeds(&["deny", "fetch", "db"]) {
        report.skipped("advisories", "the advisory database cannot be fetched");
    } else {
        report.suite("advisories", |said| output(cargo(&["deny", "check", "advisories"]), said));
    }
}
