//! System packages that the tests need.

use std::process::Command;

use anyhow::{Context, bail};

/// A program and the Debian package that holds it.
const NEEDED: [(&str, &str); 3] = [("ip", "iproute2"), ("cc", "gcc"), ("unshare", "util-linux")];

/// Installs what is missing, as root on a Debian system; otherwise says the one line that does.
pub(crate) fn ensure() -> anyhow::Result<()> {
    let missing: Vec<&str> = NEEDED.iter().filter(|(program, _)| !installed(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get update && apt-get install --yes --no-install-recommends {}", missing.join(" "));
    if !is_root() || !installed("apt-get") {
        bail!("some packages are missing; as root, run: {line}");
    }
    println!("installing {}", missing.join(" "));
    let status =
        Command::new("sh").args(["-c", &line]).env("DEBIAN_FRONTEND", "noninteractive").status().context("cannot run sh")?;
    if !status.success() {
        bail!("the packages could not be installed; the line was: {line}");
    }
    Ok(())
}

/// Whether a program is on the path, or where the administrator's programs are.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).any(|folder| folder.join(program).is_file())
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
