//! The plans of the examples.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::bail;

use super::report::Report;

/// Every example can be planned here, steps and all, by the program that the tests start.
pub(super) fn plan(report: &Report, program: &str) {
    let planned = |file: &str, said: &mut String| {
        let output = Command::new(program).args(["plan", "--steps", file]).stdin(Stdio::null()).output()?;
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(()) } else { bail!("the plan ended with {}", output.status) }
    };
    let mut files: Vec<_> = fs::read_dir("examples").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    for file in files {
        let file = file.display().to_string();
        report.suite(&format!("plan of {file}"), |said| planned(&file, said));
    }
}
