//! What /sys shows a container of the host's hardware: the cores it may run on, and the PCI devices passed in. DPDK and others look there
//! for what they may use.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::mount::mount_bind_recursive;
use tailbed_plan::step::Masks;

use super::root::Passed;

/// Cores, one folder each (Documentation/ABI/testing/sysfs-devices-system-cpu).
const CPUS: &str = "/sys/devices/system/cpu";

/// PCI devices, one link each.
const PCI: &str = "/sys/bus/pci/devices";

/// Makes what is seen in place of the two folders.
pub(super) fn make(masks: &Masks, devices: &[String], folder: &Path) -> anyhow::Result<Vec<Passed>> {
    let mut passed = Vec::new();
    let mut hide = |folder: PathBuf, target: &str| {
        passed.push(Passed { source: folder, target: target.to_owned(), read_only: true });
    };
    if !masks.cpus.is_empty() {
        let place = folder.join("cpu");
        cpus(&masks.cpus, Path::new(CPUS), &place).context("cannot hide the cores that are not the container's")?;
        hide(place, CPUS);
    }
    if Path::new(PCI).is_dir() {
        let place = folder.join("pci");
        pci(devices, Path::new(PCI), &place).context("cannot hide the PCI devices that are not the container's")?;
        hide(place, PCI);
    }
    Ok(passed)
}

/// Everything that is there, except for the folders of other cores. Which cores are there and online is said of these alone; which could
/// ever be is left as it is, for programs have tables as long as the kernel's own.
fn cpus(shown: &[usize], all: &Path, place: &Path) -> anyhow::Result<()> {
    fs::create_dir(place)?;
    let mut sorted = shown.to_vec();
    sorted.sort_unstable();
    let list = sorted.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    for entry in fs::read_dir(all)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let number: Option<usize> = name.strip_prefix("cpu").and_then(|number| number.parse().ok());
        if number.is_some_and(|number| !shown.contains(&number)) {
            continue;
        }
        let here = place.join(&*name);
        if matches!(&*name, "online" | "present") {
            fs::write(&here, format!("{list}\n"))?;
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::create_dir(&here)?;
        } else {
            fs::write(&here, b"")?;
        }
        mount_bind_recursive(&path, &here).with_context(|| format!("cannot show {}", path.display()))?;
    }
    Ok(())
}

/// Links of the same names that lead to the same places, once this folder is seen in place of the other: of those of the devices that are named by their
/// address.
pub(in crate::apply::environment) fn pci(devices: &[String], all: &Path, place: &Path) -> anyhow::Result<()> {
    fs::create_dir(place)?;
    for address in devices.iter().filter(|device| !device.starts_with('/')) {
        let target = fs::read_link(all.join(address)).with_context(|| format!("cannot find the PCI device {address}"))?;
        symlink(target, place.join(address))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_devices_that_are_passed_in_are_shown() {
        let sys = tempfile::tempdir().unwrap();
        let all = sys.path().join("bus/pci/devices");
        fs::create_dir_all(&all).unwrap();
        for address in ["0000:00:01.0", "0000:01:00.0"] {
            symlink(format!("../../../devices/pci0000:00/{address}"), all.join(address)).unwrap();
        }
        let place = sys.path().join("shown");
        pci(&["/dev/net/tun".to_owned(), "0000:01:00.0".to_owned()], &all, &place).unwrap();
        let names: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["0000:01:00.0"]);
        assert_eq!(fs::read_link(place.join("0000:01:00.0")).unwrap(), fs::read_link(all.join("0000:01:00.0")).unwrap());
        let error = pci(&["0000:02:00.0".to_owned()], &all, &sys.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("PCI device 0000:02:00.0"), "{error}");
    }
}
