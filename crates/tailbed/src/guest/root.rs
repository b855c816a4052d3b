//! A root file system on a disk: read-only below a layer of memory, so that the guest can write and nothing of it is kept.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use anyhow::{Context, anyhow};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_bind, mount_move};

use super::{MODULES, mounts, wait_for};

/// The serial number by which the disk is known, at most 20 bytes (virtio 1.2, section 5.2.6, `VIRTIO_BLK_T_GET_ID`). The same word on the
/// kernel's command line says that there is one.
pub(crate) const SERIAL: &str = "tailbed-root";

/// Where the disk, the memory over it, and the two together are mounted, in the initial RAM file system.
const LOWER: &str = "/lower";
const MEMORY: &str = "/memory";
const JOINED: &str = "/joined";

/// Makes the disk the root of this process and of all that it starts, with this program in it as /tailbed.
pub(super) fn switch() -> anyhow::Result<()> {
    let disk = wait_for(
        || Ok(find(Path::new("/sys/block"))),
        || format!("there is no disk with the serial number {SERIAL}: the kernel lacks virtio_blk or the bus it is on"),
    )?;
    let node = format!("/dev/{disk}");
    // the disk is known before it has its node
    wait_for(|| Ok(Path::new(&node).exists().then_some(())), || format!("the disk of the root file system has no node {node}"))?;
    for folder in [LOWER, MEMORY, JOINED] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    }
    mount(&node, LOWER, "ext4", MountFlags::RDONLY | MountFlags::NODEV, None).map_err(|error| anyhow!(of_disk(&node, error)))?;
    lay_memory_over()?;
    enter()?;
    mounts::mount_all()?;
    bring_program()
}

/// The name the kernel has for our disk.
fn find(disks: &Path) -> Option<String> {
    let disks = fs::read_dir(disks).into_iter().flatten().flatten();
    let ours = disks.filter(|disk| fs::read_to_string(disk.path().join("serial")).is_ok_and(|serial| serial.trim() == SERIAL));
    ours.map(|disk| disk.file_name().to_string_lossy().into_owned()).next()
}

/// What it means that a disk cannot be mounted (mount(2); `ext4_fill_super` in fs/ext4/super.c for what is found wrong on it).
fn of_disk(node: &str, error: Errno) -> String {
    match error {
        Errno::NODEV => format!("cannot mount the root file system on {node}: the kernel has no ext4; take one that has"),
        Errno::INVAL => format!("there is no ext4 file system on the disk {node}; `tailbed image build` makes such disks"),
        Errno::UCLEAN | Errno::BADMSG | Errno::IO => {
            format!("the ext4 file system on the disk {node} is damaged ({error}); make or copy the disk anew")
        }
        error => format!("cannot mount the root file system on {node}: {error}"),
    }
}

/// Joins disk and memory (overlayfs.rst in the kernel's documentation). Device nodes that an image may hold are dead, as in containers.
fn lay_memory_over() -> anyhow::Result<()> {
    mount("tmpfs", MEMORY, "tmpfs", MountFlags::NODEV, Some(c"mode=755"))
        .with_context(|| format!("cannot mount memory on {MEMORY}"))?;
    let memory = Path::new(MEMORY);
    let (upper, work) = (memory.join("upper"), memory.join("work"));
    for folder in [&upper, &work] {
        fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    // the upper layer's is the root that is seen
    let root = fs::metadata(LOWER).with_context(|| format!("cannot look at {LOWER}"))?;
    chown(&upper, Some(root.uid()), Some(root.gid()))
        .and_then(|()| fs::set_permissions(&upper, fs::Permissions::from_mode(root.mode() & 0o7777)))
        .with_context(|| format!("cannot make {} look like the disk's root", upper.display()))?;
    let layers = c"lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work";
    mount("overlay", JOINED, "overlay", MountFlags::NODEV, Some(layers)).map_err(|error| match error {
        Errno::NODEV => anyhow!("cannot lay memory over the root file system: the kernel has no overlay; take one that has"),
        error => anyhow!("cannot lay memory over the root file system: {error}"),
    })
}

/// As switch_root(8) does: the initial RAM file system is the one root that cannot be unmounted or pivoted away, so the new one is moved
/// over it.
fn enter() -> anyhow::Result<()> {
    // they are loaded; their files would go on taking memory
    fs::remove_dir_all(MODULES).ok();
    std::env::set_current_dir(JOINED).with_context(|| format!("cannot enter {JOINED}"))?;
    mount_move(JOINED, "/").context("cannot move the root file system to its place")?;
    rustix::process::chroot(".").context("cannot enter the root file system")?;
    std::env::set_current_dir("/").context("cannot enter the root file system")
}

/// Shows this program as /tailbed, over the one that an image may hold, which may be another.
fn bring_program() -> anyhow::Result<()> {
    match File::create_new("/tailbed") {
        // it is not opened to write: that would copy all of it into memory
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).context("cannot make /tailbed in the root file system");
        }
        _ => {}
    }
    mount_bind("/proc/self/exe", "/tailbed").context("cannot show this program as /tailbed in the root file system")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_known_by_its_serial_number() {
        let folder = tempfile::tempdir().unwrap();
        for (name, serial) in [("vda", Some("other\n")), ("vdb", Some("tailbed-root")), ("sr0", None)] {
            fs::create_dir(folder.path().join(name)).unwrap();
            if let Some(serial) = serial {
                fs::write(folder.path().join(name).join("serial"), serial).unwrap();
            }
        }
        assert_eq!(find(folder.path()).as_deref(), Some("vdb"));
        fs::write(folder.path().join("vdb/serial"), "another").unwrap();
        assert_eq!(find(folder.path()), None);
    }

    #[test]
    fn what_is_wrong_with_a_disk_is_told_apart() {
        assert!(of_disk("/dev/vda", Errno::NODEV).contains("the kernel has no ext4"));
        assert!(of_disk("/dev/vda", Errno::INVAL).contains("no ext4 file system on the disk /dev/vda"));
        assert!(of_disk("/dev/vda", Errno::UCLEAN).contains("is damaged"));
        assert!(of_disk("/dev/vda", Errno::NOMEM).contains("cannot mount"));
    }
}
