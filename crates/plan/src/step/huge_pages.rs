//! Huge pages that a container may have, as steps name them.

use serde::{Deserialize, Serialize};
use tailbed_format::facts::{Cgroup, Hierarchy};
use tailbed_format::unit::Bytes;

/// The most memory in huge pages of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HugePageLimit {
    /// How large each page is, bytes.
    pub page: u64,
    /// How much memory there may be in them, bytes; a multiple of `page`.
    pub limit: u64,
}

impl HugePageLimit {
    /// How the files of the hugetlb controller call the size: `2MB` (`mem_fmt` in mm/hugetlb_cgroup.c).
    pub fn in_group_files(&self) -> String {
        match self.page {
            page if page >= 1 << 30 => format!("{}GB", page >> 30),
            page if page >= 1 << 20 => format!("{}MB", page >> 20),
            page => format!("{}KB", page >> 10),
        }
    }

    /// The files that a control group's limit is written to: of pages in use, and of pages that a mapping has reserved, which a kernel before
    /// 5.7 has not (hugetlb.rst and cgroup-v2.rst in the kernel's documentation).
    pub fn limit_files(&self, hierarchy: Hierarchy<'_>) -> [String; 2] {
        let size = self.in_group_files();
        let file = match hierarchy {
            Hierarchy::First(_) => "limit_in_bytes",
            Hierarchy::Second(_) => "max",
        };
        [format!("hugetlb.{size}.{file}"), format!("hugetlb.{size}.rsvd.{file}")]
    }

    /// Options of mount(8) for a hugetlbfs of this size.
    pub fn mount_options(&self) -> String {
        format!("pagesize={},size={}", self.page, self.limit)
    }

    /// Where a container sees its hugetlbfs, which is the one of that number: `/dev/hugepages`, those after it `/dev/hugepages-1GiB`.
    pub fn inside(&self, number: usize) -> String {
        if number == 0 { "/dev/hugepages".to_owned() } else { format!("/dev/hugepages-{}", Bytes(self.page)) }
    }

    /// The shell lines that limit a group to this.
    pub(super) fn limit_lines(&self, group: &str, hierarchy: Hierarchy<'_>) -> impl Iterator<Item = String> {
        let limit = self.limit;
        self.limit_files(hierarchy).into_iter().map(move |file| format!("echo {limit} > {group}/{file}"))
    }
}

/// The shell lines that limit a group in the hierarchy that counts huge pages, where that is another than the one the rest is in.
pub(super) fn lines_beside(path: &str, limits: &[HugePageLimit], cgroup: &Cgroup) -> Vec<String> {
    let (Some(hierarchy), Cgroup::V1 { .. }, false) = (cgroup.hierarchy_of("hugetlb"), cgroup, limits.is_empty()) else {
        return Vec::new();
    };
    let (Hierarchy::First(root) | Hierarchy::Second(root)) = hierarchy;
    let group = format!("{root}/{path}");
    let mut lines = vec![format!("mkdir -p {group}")];
    if let Hierarchy::Second(_) = hierarchy {
        let parent = path.split('/').next().unwrap_or(path);
        lines.push(format!("for g in {root} {root}/{parent}; do echo +hugetlb > $g/cgroup.subtree_control; done"));
    }
    lines.extend(limits.iter().flat_map(|limit| limit.limit_lines(&group, hierarchy)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_called_as_the_kernel_calls_them() {
        let names = [64 << 10, 2 << 20, 1 << 30].map(|page| HugePageLimit { page, limit: page }.in_group_files());
        assert_eq!(names, ["64KB", "2MB", "1GB"]);
    }
}
