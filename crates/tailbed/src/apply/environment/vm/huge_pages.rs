//! Memory of virtual machines from hugetlbfs (Documentation/admin-guide/mm/hugetlbpage.rst).

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};

/// Where hugetlbfs is mounted, with as many pages free there as the machine takes.
pub(super) fn mount_for(memory: u64) -> anyhow::Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read the mounts")?;
    let (mount, page) = find(&mounts).context(
        "hugepages = true, and hugetlbfs is not mounted; mount -t hugetlbfs none /dev/hugepages, or leave hugepages out",
    )?;
    let free = format!("/sys/kernel/mm/hugepages/hugepages-{}kB/free_hugepages", page >> 10);
    let free: u64 = fs::read_to_string(&free).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let needed = memory.div_ceil(page);
    if !memory.is_multiple_of(page) {
        bail!("the machine's memory is no multiple of a huge page's {} KiB; change memory", page >> 10);
    }
    if free < needed {
        bail!(
            "the machine takes {needed} huge pages of {} KiB and {free} are free; reserve them (sysctl vm.nr_hugepages={needed}), or \
             leave hugepages out",
            page >> 10
        );
    }
    Ok(mount)
}

/// The first mount, and the size of its pages.
fn find(mounts: &str) -> Option<(PathBuf, u64)> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (mount, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        if kind != "hugetlbfs" {
            return None;
        }
        let size = options.split(',').find_map(|option| option.strip_prefix("pagesize="));
        Some((PathBuf::from(mount), size.and_then(bytes).unwrap_or(2 << 20)))
    })
}

/// A size as the kernel writes it: `2M`, `1024M`, `1G`.
fn bytes(text: &str) -> Option<u64> {
    let number: u64 = text.trim_end_matches(|character: char| character.is_ascii_alphabetic()).parse().ok()?;
    let shift = match text.chars().last()? {
        'K' => 10,
        'M' => 20,
        'G' => 30,
        _ => 0,
    };
    Some(number << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_and_its_page_size_are_found() {
        let mounts = "proc /proc proc rw 0 0\nnone /dev/hugepages hugetlbfs rw,relatime,pagesize=1024M 0 0\n";
        assert_eq!(find(mounts), Some(("/dev/hugepages".into(), 1 << 30)));
        assert_eq!(find("none /mnt hugetlbfs rw 0 0\n"), Some(("/mnt".into(), 2 << 20)));
        assert_eq!(find("proc /proc proc rw 0 0\n"), None);
    }
}
