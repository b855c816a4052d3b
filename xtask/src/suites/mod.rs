//! `cargo xtask test`: every suite, each with its result, and a closing line that counts them all.
//!
//! The tests of the host are the longest by far, run one at a time and mostly wait; so whatever does not look at the machine is done
//! beside them, at the lowest priority. What looks at it, which those tests change under way, has it to itself after them, and so has
//! what measures time. All is built before: a build beside them would replace the program that they start.

mod beside;
mod binaries;
mod examples;
mod goldens;
mod report;

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::packages;
use binaries::Binary;
use report::{Report, Which};

/// The package whose tests of the host compare what stands on the machine before and after.
const HOST: (&str, &str) = ("tailbed", "host");

/// Those of them that take processors off-line and back. A linker at work does not outlive that: LLD makes tables for as many threads as
/// there are processors, and counts these more than once.
const UNPLUG: &str = "knobs::";

/// The package whose tests make interfaces, and loops that spin.
const TRAFFIC: &str = "tailbed-traffic";

/// Tests of these two packages that look at files and packets alone. Of the others some start agents, which the tests of the host would take
/// for their own.
const FILES: [&str; 5] = ["architecture", "corpus", "oracle", "pcapng", "published"];

/// The report in a browser, which gives up where it gets no time.
const BROWSER: &str = "browser";

/// Runs everything.
pub(crate) fn test() -> anyhow::Result<()> {
    let missing = packages::missing()?;
    let report = Report::default();
    // the build needs no package that the build of this program did not
    let (installed, built) = std::thread::scope(|scope| {
        let installed = scope.spawn(|| missing.install());
        report.suite("format", |said| output(cargo(&["fmt", "--all", "--check"]), said));
        let built = report.suite("build", |_| binaries::build());
        (installed.join(), built)
    });
    installed.unwrap_or_else(|_| bail!("what installs packages panicked"))?;
    let Some(built) = built else {
        // without the program there is nothing to test; what is wrong is found by the lints as well, and said once
        return report.close();
    };
    let run = |of: fn(&Binary) -> bool, which: Which| {
        built.tests.iter().filter(|binary| of(binary)).for_each(|binary| report.tests(binary, which, false));
    };
    std::thread::scope(|scope| {
        scope.spawn(|| beside::run(&report, &built));
        run(is_host, Which::AllBut(UNPLUG));
    });
    run(is_host, Which::Only(UNPLUG));
    run(has_the_machine, Which::All);
    examples::plan(&report, &built.program);
    report.suite("goldens", |_| goldens::check());
    report.close()
}

fn is_host(binary: &Binary) -> bool {
    (binary.package.as_str(), binary.target.as_str()) == HOST
}

/// Whether a suite has the machine to itself. The program's own tests look at its processors, settings and control groups.
fn has_the_machine(binary: &Binary) -> bool {
    let target = binary.target.as_str();
    let looks = [HOST.0, TRAFFIC].contains(&binary.package.as_str()) && !FILES.contains(&target);
    !is_host(binary) && (looks || target == BROWSER)
}

/// A command of cargo's.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments);
    command
}

/// Runs a command; what it printed is added to what the suite says.
fn output(mut command: Command, said: &mut String) -> anyhow::Result<()> {
    let line = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {line}"))?;
    for text in [output.stdout, output.stderr] {
        said.push_str(&String::from_utf8_lossy(&text));
    }
    if output.status.success() { Ok(()) } else { bail!("{line} ended with {}", output.status) }
}
