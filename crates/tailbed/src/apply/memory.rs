//! Links in shared memory: a file in a file system of its own, so that it can neither grow nor lie on a disk, and goes as a whole.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tailbed_format::memory::HUGE_PAGE;
use tailbed_plan::step::MemoryLink;

use super::TakenBack;
use super::environment::FOLDER;

/// Where the kernel tells how many huge pages are free (hugetlbpage.rst in its documentation).
const FREE: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";

/// Whether this host has what the link takes; nothing is touched.
pub(super) fn check(link: &MemoryLink) -> anyhow::Result<()> {
    if !link.hugepages {
        return Ok(());
    }
    if !fs::read_to_string("/proc/filesystems").unwrap_or_default().contains("hugetlbfs") {
        bail!("hugepages = true, and this kernel has no hugetlbfs; leave hugepages out");
    }
    let free: u64 = fs::read_to_string(FREE).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let needed = link.size() / HUGE_PAGE;
    if free < needed {
        bail!(
            "the link takes {needed} huge pages of 2 MiB and {free} are free; reserve them (sysctl vm.nr_hugepages={needed}), or leave \
             hugepages out"
        );
    }
    Ok(())
}

/// Makes it. It is known again by the source of its mount, which is the link's name.
pub(super) fn make(link: &MemoryLink) -> anyhow::Result<()> {
    let folder = link.folder();
    let folder = Path::new(&folder);
    fs::create_dir_all(FOLDER).with_context(|| format!("cannot make {FOLDER}"))?;
    // not one that is there already, whoever made it
    fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let made = fill(link, folder);
    made.map_err(|error| {
        let error = error.context(format!("cannot make the memory link {}", link.id));
        match remove(folder) {
            Ok(()) => error,
            Err(left) => error.context(format!("{left:#}")),
        }
    })
}

fn fill(link: &MemoryLink, folder: &Path) -> anyhow::Result<()> {
    let (kind, page) = if link.hugepages { ("hugetlbfs", "pagesize=2M,") } else { ("tmpfs", "") };
    let options = CString::new(format!("{page}size={}k,mode=700", link.size() >> 10))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let mounted = mount(link.id.as_str(), folder, kind, flags, Some(options.as_c_str()));
    mounted.with_context(|| format!("cannot mount {kind} on {}", folder.display()))?;
    let path = link.path();
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
    let file = file.with_context(|| format!("cannot make {path}"))?;
    // for root of a user namespace, who is nobody here; the folder lets nobody else in
    file.set_permissions(fs::Permissions::from_mode(0o666)).with_context(|| format!("cannot open {path} to others"))?;
    file.set_len(link.size()).with_context(|| format!("cannot make {path} {} bytes long", link.size()))?;
    fallocate(&file, FallocateFlags::empty(), 0, link.memory()).map_err(|error| match error {
        Errno::NOSPC | Errno::NOMEM => io::Error::other(format!("there is no memory for {} bytes of it", link.memory())),
        error => error.into(),
    })?;
    tailbed_traffic::port::memory::lay_out(&file, link.geometry).with_context(|| format!("cannot write {path}"))
}

/// Removes it, if the file system is ours.
pub(super) fn delete(link: &MemoryLink) -> anyhow::Result<TakenBack> {
    let folder = link.folder();
    if !Path::new(&folder).exists() {
        return Ok(TakenBack::Done);
    }
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read the mounts")?;
    if source_of(&mounts, &folder).is_some_and(|source| source != link.id) {
        return Ok(TakenBack::NotOurs(format!("what is mounted on {folder} is not what we mounted there")));
    }
    remove(Path::new(&folder)).map(|()| TakenBack::Done)
}

/// The source of what is mounted there last (proc_pid_mounts(5)); our names hold nothing that would be written otherwise.
fn source_of<'a>(mounts: &'a str, folder: &str) -> Option<&'a str> {
    let of_line = |line: &'a str| line.split_once(' ').filter(|(_, rest)| rest.split(' ').next() == Some(folder));
    mounts.lines().filter_map(of_line).next_back().map(|(source, _)| source)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match unmount(folder, UnmountFlags::DETACH) {
        // not mounted: cut off before it was, or somebody was faster
        Ok(()) | Err(Errno::INVAL) => {}
        Err(error) => return Err(error).with_context(|| format!("cannot unmount {}", folder.display())),
    }
    fs::remove_dir(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    fs::remove_dir(FOLDER).ok();
    Ok(())
}

/// Whether it is still there, for those that have it open would not notice.
pub(crate) fn exists(link: &MemoryLink) -> bool {
    fs::metadata(link.path()).is_ok_and(|metadata| metadata.len() == link.size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_mount_counts() {
        let mounts = "proc /proc proc rw 0 0\ntb-1-link0.memory /run/tailbed/tb-1-link0.memory tmpfs rw 0 0\n\
                      others /run/tailbed/tb-1-link0.memory tmpfs rw 0 0\ntb-1-link1.memory /run/tailbed/tb-1-link1.memory tmpfs rw 0 0\n";
        assert_eq!(source_of(mounts, "/run/tailbed/tb-1-link0.memory"), Some("others"));
        assert_eq!(source_of(mounts, "/run/tailbed/tb-1-link1.memory"), Some("tb-1-link1.memory"));
        assert_eq!(source_of(mounts, "/run/tailbed"), None);
    }
}
