//! Hands the commit we are built from to the compiler, where there is one: it is recorded with every result.

use std::process::Command;

fn main() {
    // a change to any source may make a clean tree a changed one
    for path in ["../", "../../Cargo.lock", "../../.git/HEAD", "../../.git/index"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
        let commit = format!("{commit}{}", if changed { "-dirty" } else { "" });
        println!("cargo::rustc-env=TAILBED_COMMIT={commit}");
        println!("cargo::rustc-env=TAILBED_VERSION={version} ({commit})");
    }
}
