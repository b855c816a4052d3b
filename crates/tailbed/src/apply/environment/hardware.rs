//! What the containers of LXC and of the Docker engine get of the hardware, in what both have in common: nodes of devices, and what covers parts of
//! /sys. How each is told stands with the engine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tailbed_plan::step::{Hardware, HugePageLimit};

use super::container::{device_nodes, masked_pci};
use crate::apply::cgroup;

/// Cores, one folder each (Documentation/ABI/testing/sysfs-devices-system-cpu).
pub(super) const CPUS: &str = "/sys/devices/system/cpu";

/// PCI devices, one link each.
pub(super) const PCI: &str = "/sys/bus/pci/devices";

/// Whether this host has what is asked for, as far as looking tells.
pub(super) fn check(hardware: &Hardware) -> anyhow::Result<()> {
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let none = hardware.hugepages.is_empty();
    ensure!(none || filesystems.contains("hugetlbfs"), "hugepages are asked for, and this kernel has no hugetlbfs");
    device_nodes(&hardware.devices).map(drop)
}

/// Something that is seen inside in place of what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    /// On the host.
    pub(super) source: PathBuf,
    /// Inside, absolute.
    pub(super) target: PathBuf,
}

/// What covers parts of /sys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Covers {
    /// What is seen in [`CPUS`], over an empty folder; nothing where all cores are shown.
    pub(super) cores: Vec<Shown>,
    /// What is seen in place of [`PCI`].
    pub(super) pci: Option<Shown>,
}

/// Works it out; files of ours go into `folder`. Nothing where nothing is to be masked.
///
/// Of the cores everything is shown that is there except for the folders of others; which are there and online is said of these alone, and which
/// could ever be is left as it is, for programs have tables as long as the kernel's own.
pub(super) fn covers(hardware: &Hardware, folder: &Path) -> anyhow::Result<Covers> {
    let mut covers = Covers::default();
    let Some(masks) = &hardware.masks else { return Ok(covers) };
    if !masks.cpus.is_empty() {
        covers.cores =
            cores(&masks.cpus, Path::new(CPUS), folder).context("cannot hide the cores that are not the container's")?;
    }
    if Path::new(PCI).is_dir() {
        let place = folder.join("pci");
        // a second start finds what the first has made
        if !place.exists() {
            masked_pci(&hardware.devices, Path::new(PCI), &place)
                .context("cannot hide the PCI devices that are not the container's")?;
        }
        covers.pci = Some(Shown { source: place, target: PCI.into() });
    }
    Ok(covers)
}

fn cores(shown: &[usize], all: &Path, folder: &Path) -> anyhow::Result<Vec<Shown>> {
    let mut sorted = shown.to_vec();
    sorted.sort_unstable();
    let list = sorted.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut entries = Vec::new();
    for entry in fs::read_dir(all)? {
        let entry = entry?;
        let (name, mut source) = (entry.file_name(), entry.path());
        let target = Path::new(CPUS).join(&name);
        let name = name.to_string_lossy();
        let number: Option<usize> = name.strip_prefix("cpu").and_then(|number| number.parse().ok());
        if number.is_some_and(|number| !shown.contains(&number)) {
            continue;
        }
        if matches!(&*name, "online" | "present") {
            source = folder.join(format!("cores-{name}"));
            fs::write(&source, format!("{list}\n")).with_context(|| format!("cannot write {}", source.display()))?;
        }
        entries.push(Shown { source, target });
    }
    entries.sort_by(|one, other| one.target.cmp(&other.target));
    Ok(entries)
}

/// Has the huge pages of a container counted, whose first process is that: its own control group is given the limits with version 2; with version 1
/// the process moves into the group that was made for them, and what it starts from then on is counted there.
pub(super) fn count_huge_pages(hardware: &Hardware, process: i32) -> anyhow::Result<()> {
    match &hardware.cgroup {
        Some(path) => cgroup::join_counting(path, process),
        None => cgroup::limit_huge_pages_of(process, &hardware.hugepages),
    }
    .context("the limit of huge pages cannot be set")
}

/// The huge pages that a container may have, each size with how often its group has refused it more; `group` is one of version 2.
pub(super) fn refused(hardware: &Hardware, group: Option<&str>) -> Vec<(HugePageLimit, u64)> {
    let group = hardware.cgroup.as_deref().or(group);
    let refused = |limit| group.map_or(0, |path| cgroup::huge_pages_refused(path, limit));
    hardware.hugepages.iter().map(|limit| (*limit, refused(limit))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_cores_only_ones_own_are_shown() {
        let sys = tempfile::tempdir().unwrap();
        for folder in ["cpu0", "cpu1", "cpu12", "cpufreq"] {
            fs::create_dir(sys.path().join(folder)).unwrap();
        }
        for file in ["online", "present", "possible"] {
            fs::write(sys.path().join(file), "0-12\n").unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let shown = cores(&[12, 1], sys.path(), folder.path()).unwrap();
        let names: Vec<_> = shown.iter().map(|shown| shown.target.strip_prefix(CPUS).unwrap().display().to_string()).collect();
        assert_eq!(names, ["cpu1", "cpu12", "cpufreq", "online", "possible", "present"]);
        let said = |name: &str| {
            let found = shown.iter().find(|shown| shown.target.ends_with(name)).unwrap();
            fs::read_to_string(&found.source).unwrap()
        };
        assert_eq!((said("online"), said("present"), said("possible")), ("1,12\n".into(), "1,12\n".into(), "0-12\n".into()));
    }

    #[test]
    fn without_masks_nothing_is_covered() {
        assert_eq!(covers(&Hardware::default(), Path::new("/nowhere")).unwrap(), Covers::default());
        let missing = Hardware { devices: vec!["/dev/no-such".to_owned()], ..Hardware::default() };
        assert!(check(&missing).is_err_and(|error| error.to_string().contains("/dev/no-such")));
    }
}
