//! Debian as a base: made by debootstrap from where the host itself gets its packages, tidied so that the same packages give the same
//! files.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use super::chroot;
use super::steps::Steps;
use crate::failure::Failure;

/// A place that apt gets packages from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AptSource {
    uri: String,
    suite: String,
    components: Vec<String>,
}

impl AptSource {
    /// As sources.list(5) has it.
    pub(super) fn line(&self) -> String {
        format!("deb {} {} {}", self.uri, self.suite, self.components.join(" "))
    }
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::image) struct Software {
    name: String,
    version: String,
}

/// Where the host's apt gets a suite and its updates from; the suite itself comes first.
pub(super) fn sources(suite: &str, mirror: Option<&str>) -> Result<Vec<AptSource>, Failure> {
    if let Some(uri) = mirror {
        return Ok(vec![AptSource { uri: uri.to_owned(), suite: suite.to_owned(), components: vec!["main".to_owned()] }]);
    }
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)", "Created-By: Packages"])
        .output()
        .context("cannot start apt-get")?;
    if !output.status.success() {
        return Err(anyhow!("apt-get cannot list its sources: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    let found = choose(&String::from_utf8_lossy(&output.stdout), suite);
    if found.is_empty() {
        return Err(Failure::Host(format!(
            "error: none of the host's apt sources has Debian's suite {suite}\n  = help: give the address of a mirror with --mirror"
        )));
    }
    Ok(found)
}

/// The sources of a suite among apt's targets. A host of another release of Debian has them where it has its own.
fn choose(targets: &str, suite: &str) -> Vec<AptSource> {
    let mut found: Vec<AptSource> = Vec::new();
    let mut others = Vec::new();
    for line in targets.lines() {
        let mut words = line.split_whitespace().skip(1);
        let (Some(uri), Some(release), Some(component), origin) = (words.next(), words.next(), words.next(), words.next()) else {
            continue;
        };
        if release == suite || release.strip_prefix(suite).is_some_and(|rest| ["-updates", "-security"].contains(&rest)) {
            match found.iter_mut().find(|source| source.uri == uri && source.suite == release) {
                Some(source) if source.components.iter().any(|other| other == component) => {}
                Some(source) => source.components.push(component.to_owned()),
                None => found.push(AptSource {
                    uri: uri.to_owned(),
                    suite: release.to_owned(),
                    components: vec![component.to_owned()],
                }),
            }
        } else if origin == Some("Debian") && component == "main" && !release.contains('-') {
            others.push(uri);
        }
    }
    found.sort_by_key(|source| source.suite != suite);
    if found.first().is_none_or(|source| source.suite != suite) {
        let elsewhere = others.first().map(|uri| AptSource {
            uri: (*uri).to_owned(),
            suite: suite.to_owned(),
            components: vec!["main".to_owned()],
        });
        return elsewhere.into_iter().collect();
    }
    found
}

/// Makes the smallest Debian of a suite.
pub(super) fn bootstrap(rootfs: &Path, suite: &str, sources: &[AptSource], steps: &Steps) -> anyhow::Result<()> {
    let mirror = sources.first().context("there is no source of packages")?;
    let mut command = chroot::apart("debootstrap");
    command.args(["--variant=minbase", suite]).arg(rootfs).arg(&mirror.uri);
    steps.run(&mut command, "debootstrap")?;
    let lines: String = sources.iter().map(|source| source.line() + "\n").collect();
    write(&rootfs.join("etc/apt/sources.list"), &lines)
}

/// Installs packages. Services are installed, not started: nothing that runs now would run in the image.
pub(super) fn install(rootfs: &Path, work: &Path, packages: &[String], steps: &Steps) -> anyhow::Result<()> {
    let policy = rootfs.join("usr/sbin/policy-rc.d");
    let ours = !policy.exists();
    if ours {
        write(&policy, "#!/bin/sh\nexit 101\n")?;
        fs::set_permissions(&policy, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    chroot::with_network(rootfs, work, || {
        let apt = |arguments: &[&str], what: &str| {
            let mut command = chroot::inside(rootfs, arguments);
            command.env("DEBIAN_FRONTEND", "noninteractive");
            steps.run(&mut command, what)
        };
        apt(&["apt-get", "update"], "apt-get update")?;
        let mut line = vec!["apt-get", "install", "--yes", "--no-install-recommends", "--"];
        line.extend(packages.iter().map(String::as_str));
        apt(&line, "apt-get install")
    })?;
    if ours {
        fs::remove_file(&policy).context("cannot remove the file that kept services from starting")?;
    }
    Ok(())
}

/// Files that differ from build to build, or tell of the host it was built on.
const REMOVED: [&str; 7] = [
    "etc/resolv.conf",
    "var/cache/ldconfig/aux-cache",
    "var/cache/apt/pkgcache.bin",
    "var/cache/apt/srcpkgcache.bin",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/available-old",
    "var/lib/systemd/random-seed",
];

/// Folders whose files are removed, their folders left.
const EMPTIED: [&str; 6] = ["var/cache/apt/archives", "var/lib/apt/lists", "var/log", "var/cache/debconf", "run", "tmp"];

/// Removes what is no part of the software.
pub(super) fn tidy(rootfs: &Path, name: &str) -> anyhow::Result<()> {
    for path in REMOVED {
        remove(&rootfs.join(path))?;
    }
    for folder in EMPTIED {
        empty(&rootfs.join(folder))?;
    }
    write(&rootfs.join("etc/hostname"), &format!("{name}\n"))?;
    // an empty file is filled at the first boot (machine-id(5))
    write(&rootfs.join("etc/machine-id"), "")
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn empty(folder: &Path) -> anyhow::Result<()> {
    if !fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(());
    }
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        if entry.file_type()?.is_dir() { empty(&entry.path())? } else { remove(&entry.path())? }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// What is installed, by dpkg's own list; nothing where there is none.
pub(super) fn installed(rootfs: &Path) -> anyhow::Result<Vec<Software>> {
    let path = rootfs.join("var/lib/dpkg/status");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("cannot read {}", path.display()))?,
    };
    Ok(paragraphs(&text))
}

fn paragraphs(text: &str) -> Vec<Software> {
    let field = |paragraph: &str, name: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    };
    let mut software: Vec<_> = text
        .split("\n\n")
        .filter(|paragraph| field(paragraph, "Status").is_some_and(|status| status.ends_with(" installed")))
        .filter_map(|paragraph| Some(Software { name: field(paragraph, "Package")?, version: field(paragraph, "Version")? }))
        .collect();
    software.sort_by(|one, other| one.name.cmp(&other.name));
    software
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_comes_with_its_updates_from_where_the_host_has_them() {
        let targets = "Packages http://mirror.test/debian/ bookworm main Debian\n\
            Packages http://mirror.test/debian/ bookworm contrib Debian\n\
            Packages http://mirror.test/debian/ bookworm-updates main Debian\n\
            Packages http://mirror.test/other/ nodistro main Somebody\n";
        let lines: Vec<_> = choose(targets, "bookworm").iter().map(AptSource::line).collect();
        assert_eq!(
            lines,
            ["deb http://mirror.test/debian/ bookworm main contrib", "deb http://mirror.test/debian/ bookworm-updates main"]
        );
        let elsewhere: Vec<_> = choose(targets, "trixie").iter().map(AptSource::line).collect();
        assert_eq!(elsewhere, ["deb http://mirror.test/debian/ trixie main"]);
        assert!(choose("Packages http://mirror.test/x/ jammy main Ubuntu\n", "bookworm").is_empty());
    }

    #[test]
    fn only_what_is_installed_is_listed() {
        let status = "Package: b\nStatus: install ok installed\nVersion: 2\n\n\
            Package: a\nStatus: install ok installed\nVersion: 1:1-1\n\nPackage: c\nStatus: deinstall ok config-files\nVersion: 3\n";
        let names: Vec<_> = paragraphs(status).into_iter().map(|software| software.name + " " + &software.version).collect();
        assert_eq!(names, ["a 1:1-1", "b 2"]);
    }
}
