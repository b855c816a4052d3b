//! The device nodes that a PCI device is used by from user space.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::bail;

/// The nodes of a device by its address, wherever it is bound to a driver that has some: vfio-pci (vfio.rst in the kernel's documentation),
/// one of those that make a uio device (uio-howto.rst), or one whose device is shared with user space through verbs.
pub(super) fn nodes(address: &str, sys: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let device = sys.join("bus/pci/devices").join(address);
    if !device.exists() {
        bail!("there is no PCI device {address} on this host; lspci -D lists those there are");
    }
    let named =
        |link: &str| fs::read_link(device.join(link)).ok().and_then(|to| Some(to.file_name()?.to_string_lossy().into_owned()));
    let below = |folder: &str| {
        let entries = fs::read_dir(device.join(folder)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let driver = named("driver");
    let group = named("iommu_group");
    if let (Some("vfio-pci"), Some(group)) = (driver.as_deref(), &group) {
        let name = fs::read_to_string(sys.join("kernel/iommu_groups").join(group).join("name")).unwrap_or_default();
        // without an IOMMU the group is made up, and says so in its name
        let group = if name.trim() == "vfio-noiommu" { format!("noiommu-{group}") } else { group.clone() };
        return Ok(vec!["/dev/vfio/vfio".into(), Path::new("/dev/vfio").join(group)]);
    }
    let uio = below("uio").into_iter().map(|name| Path::new("/dev").join(name));
    let verbs = below("infiniband_verbs").into_iter().map(|name| Path::new("/dev/infiniband").join(name));
    let found: Vec<_> = uio.chain(verbs).collect();
    if found.is_empty() {
        let bound = driver.map_or("to no driver".to_owned(), |driver| format!("to {driver}"));
        bail!(
            "the PCI device {address} is bound {bound}, which gives it to no program; bind it to vfio-pci: \
             dpdk-devbind.py --bind=vfio-pci {address}"
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Folders and links as sysfs has them.
    fn sys() -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        let device = |address: &str, driver: Option<&str>, more: &[&str]| {
            let folder = sys.path().join("bus/pci/devices").join(address);
            fs::create_dir_all(&folder).unwrap();
            if let Some(driver) = driver {
                symlink(format!("../../../../bus/pci/drivers/{driver}"), folder.join("driver")).unwrap();
            }
            for more in more {
                fs::create_dir_all(folder.join(more)).unwrap();
            }
            folder
        };
        for (address, group) in [("0000:01:00.0", "12"), ("0000:02:00.0", "3")] {
            let folder = device(address, Some("vfio-pci"), &[]);
            symlink(format!("../../../../kernel/iommu_groups/{group}"), folder.join("iommu_group")).unwrap();
            fs::create_dir_all(sys.path().join("kernel/iommu_groups").join(group)).unwrap();
        }
        fs::write(sys.path().join("kernel/iommu_groups/3/name"), "vfio-noiommu\n").unwrap();
        device("0000:03:00.0", Some("igb_uio"), &["uio/uio4"]);
        device("0000:04:00.0", Some("mlx5_core"), &["infiniband_verbs/uverbs1"]);
        device("0000:05:00.0", Some("igb"), &[]);
        device("0000:06:00.0", None, &[]);
        sys
    }

    #[test]
    fn nodes_are_those_of_the_driver() {
        let sys = sys();
        let of = |address: &str| {
            let nodes = nodes(address, sys.path()).map_err(|error| error.to_string())?;
            Ok::<_, String>(nodes.iter().map(|node| node.display().to_string()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(of("0000:01:00.0").unwrap(), "/dev/vfio/vfio /dev/vfio/12");
        assert_eq!(of("0000:02:00.0").unwrap(), "/dev/vfio/vfio /dev/vfio/noiommu-3");
        assert_eq!(of("0000:03:00.0").unwrap(), "/dev/uio4");
        assert_eq!(of("0000:04:00.0").unwrap(), "/dev/infiniband/uverbs1");
        assert!(of("0000:05:00.0").unwrap_err().contains("is bound to igb, which gives it to no program"));
        assert!(of("0000:06:00.0").unwrap_err().contains("to no driver"));
        assert!(of("0000:07:00.0").unwrap_err().contains("there is no PCI device 0000:07:00.0"));
    }
}
