//! A container's huge pages: for each size a hugetlbfs in the shim's mount namespace, which goes with the container.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use rustix::mount::{MountFlags, mount};
use tailbed_plan::step::HugePageLimit;

use super::root::Passed;

/// Whether the kernel has the file system.
pub(super) fn check(limits: &[HugePageLimit]) -> anyhow::Result<()> {
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    ensure!(limits.is_empty() || filesystems.contains("hugetlbfs"), "hugepages are asked for, and this kernel has no hugetlbfs");
    Ok(())
}

/// Mounts them below a folder, of which no more can be taken than their limits (hugetlbpage.rst in the kernel's documentation).
pub(super) fn mount_all(limits: &[HugePageLimit], folder: &Path, owner: u32) -> anyhow::Result<Vec<Passed>> {
    let one = |(number, limit): (usize, &HugePageLimit)| {
        let source = folder.join(format!("hugepages-{number}"));
        fs::create_dir(&source).with_context(|| format!("cannot make {}", source.display()))?;
        fs::set_permissions(&source, fs::Permissions::from_mode(0o755))?;
        let options = limit.mount_options();
        let all = CString::new(format!("{options},mode=755,uid={owner},gid={owner}"))?;
        mount("hugetlbfs", &source, "hugetlbfs", MountFlags::NOSUID | MountFlags::NODEV, Some(all.as_c_str()))
            .with_context(|| format!("cannot mount a hugetlbfs for the container ({options})"))?;
        Ok(Passed { source, target: limit.inside(number), read_only: false })
    };
    limits.iter().enumerate().map(one).collect()
}
