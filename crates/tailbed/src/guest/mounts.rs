//! The kernel's own file systems, where programs expect them.

use std::fs;

use anyhow::Context;
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};

/// Source and kind, mount point, options.
const MOUNTS: [(&str, &str, Option<&std::ffi::CStr>); 6] = [
    ("proc", "/proc", None),
    ("sysfs", "/sys", None),
    ("devtmpfs", "/dev", Some(c"mode=755")),
    ("devpts", "/dev/pts", Some(c"mode=620,ptmxmode=666")),
    ("tmpfs", "/tmp", Some(c"mode=1777")),
    ("tmpfs", "/run", Some(c"mode=755")),
];

/// Mounts them.
pub(super) fn mount_all() -> anyhow::Result<()> {
    for (kind, target, options) in MOUNTS {
        fs::create_dir_all(target).with_context(|| format!("cannot make {target}"))?;
        match mount(kind, target, kind, MountFlags::empty(), options) {
            // the kernel has done so itself (CONFIG_DEVTMPFS_MOUNT)
            Ok(()) | Err(Errno::BUSY) => {}
            Err(error) => return Err(error).with_context(|| format!("cannot mount {kind} on {target}")),
        }
    }
    // a kernel without it is none the worse for us
    if fs::create_dir_all("/dev/hugepages").is_ok() {
        mount("hugetlbfs", "/dev/hugepages", "hugetlbfs", MountFlags::empty(), None).ok();
    }
    Ok(())
}
