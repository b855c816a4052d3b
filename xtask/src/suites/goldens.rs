//! Golden files: every one is as the tests found it, and belongs to the commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Endings of what insta writes down when a golden differs, beside files and for goldens in the code.
const PENDING: [&str; 2] = [".snap.new", ".pending-snap"];

/// Nothing differs from its golden, and git knows every golden file.
pub(super) fn check() -> anyhow::Result<()> {
    let mut pending = Vec::new();
    for folder in ["crates", "xtask"] {
        find(Path::new(folder), &mut pending)?;
    }
    pending.sort();
    if !pending.is_empty() {
        let names: Vec<_> = pending.iter().map(|path| path.display().to_string()).collect();
        bail!(
            "{} differ from their goldens: {}; read each beside its golden, and let INSTA_UPDATE=always take those that are right",
            names.len(),
            names.join(", ")
        );
    }
    let unknown = unknown_to_git()?;
    if !unknown.is_empty() {
        bail!("goldens that no commit holds: {}; add them to the one that causes them", unknown.join(", "));
    }
    Ok(())
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot look into {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, found)?;
        } else if PENDING.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            found.push(path);
        }
    }
    Ok(())
}

/// Golden files that are not committed and would be missing elsewhere; none where this is no checkout.
fn unknown_to_git() -> anyhow::Result<Vec<String>> {
    let mut command = Command::new("git");
    let output = command.args(["ls-files", "--others", "--exclude-standard", "--", "*.snap"]).output();
    let output = output.context("cannot run git")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(if output.status.success() { text.lines().map(str::to_owned).collect() } else { Vec::new() })
}
