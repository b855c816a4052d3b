//! Huge pages, devices and masks of /sys as LXC is told of them (lxc.container.conf(5)).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tailbed_format::facts::{Cgroup, Hierarchy};
use tailbed_plan::step::Hardware;

use super::config::field;
use crate::apply::environment::container::{ALWAYS, device_nodes};
use crate::apply::environment::hardware::{CPUS, Covers, Shown};

/// The lines of its configuration. Entries are mounted in their order, after what the template has mounted below /sys and /dev.
/// What they need on the host is made in `folder`.
pub(super) fn lines(hardware: &Hardware, covers: &Covers, cgroup: &Cgroup, folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut lines = pages(hardware, cgroup);
    lines.extend(devices(hardware, cgroup)?);
    if !covers.cores.is_empty() {
        let cores = inside(Path::new(CPUS));
        let places =
            places(&covers.cores, &folder.join("cores")).context("cannot make the places for what is shown of the cores")?;
        lines.push(format!("lxc.mount.entry = {} {cores} none bind,ro 0 0", field(&places)));
        lines.extend(covers.cores.iter().map(shown));
    }
    lines.extend(covers.pci.iter().map(shown));
    Ok(lines)
}

/// A folder with a place for each of what is shown. LXC mounts afresh what it is told to mount again, so nothing that it makes places in can
/// be made read-only afterwards.
fn places(cores: &[Shown], folder: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    for Shown { source, target } in cores {
        let place = folder.join(target.file_name().unwrap_or_default());
        if source.is_dir() { fs::create_dir_all(place)? } else { fs::write(place, "")? }
    }
    Ok(folder.to_owned())
}

/// Each size's hugetlbfs, of which no more can be taken than its size, and the limit of the container's own group where LXC has one that counts huge
/// pages: with version 1 that is a group of ours.
fn pages(hardware: &Hardware, cgroup: &Cgroup) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, limit) in hardware.hugepages.iter().enumerate() {
        let (target, options) = (limit.inside(number), limit.mount_options());
        let target = target.trim_start_matches('/');
        lines.push(format!("lxc.mount.entry = hugetlbfs {target} hugetlbfs {options},mode=755,nosuid,nodev,create=dir 0 0"));
        if let (Cgroup::V2 { .. }, Some(_)) = (cgroup, cgroup.hierarchy_of("hugetlb")) {
            let files = limit.limit_files(Hierarchy::Second("")).into_iter();
            lines.extend(files.map(|file| format!("lxc.cgroup2.{file} = {}", limit.limit)));
        }
    }
    lines
}

/// Nodes that are passed in, and that nothing else can be opened, whoever makes a node for it.
fn devices(hardware: &Hardware, cgroup: &Cgroup) -> anyhow::Result<Vec<String>> {
    let prefix = match cgroup {
        _ if hardware.devices.is_empty() => return Ok(Vec::new()),
        Cgroup::V1 { .. } => "lxc.cgroup.devices",
        Cgroup::V2 { .. } | Cgroup::None => "lxc.cgroup2.devices",
    };
    let nodes = device_nodes(&hardware.devices)?;
    let minor = |minor: Option<u32>| minor.map_or_else(|| "*".to_owned(), |minor| minor.to_string());
    let always = ALWAYS.iter().map(|(major, number)| format!("c {major}:{}", minor(*number)));
    let named = nodes.iter().map(|node| format!("{} {}:{}", node.kind, node.major, node.minor));
    let rules = always.chain(named).map(|rule| format!("{prefix}.allow = {rule} rwm"));
    let bound = nodes.iter().map(|node| shown(&Shown { source: node.path.clone(), target: node.path.clone() }));
    Ok([format!("{prefix}.deny = a")].into_iter().chain(rules).chain(bound).collect())
}

/// A file or folder of the host's that is bound into the container.
fn shown(shown: &Shown) -> String {
    let kind = if shown.source.is_dir() { "dir" } else { "file" };
    format!("lxc.mount.entry = {} {} none bind,create={kind} 0 0", field(&shown.source), inside(&shown.target))
}

/// A path inside, as an entry has it: from the container's root, without a slash in front.
fn inside(path: &Path) -> String {
    field(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_plan::step::HugePageLimit;

    #[test]
    fn pages_devices_and_cores_are_told_in_lxcs_words() {
        let hugepages = vec![HugePageLimit { page: 2 << 20, limit: 4 << 20 }, HugePageLimit { page: 1 << 30, limit: 1 << 30 }];
        let hardware = Hardware { hugepages, devices: vec!["/dev/zero".to_owned()], ..Hardware::default() };
        let cores = vec![Shown { source: "/dev".into(), target: "/sys/devices/system/cpu/cpu1".into() }];
        let covers = Covers { cores, pci: Some(Shown { source: "/dev".into(), target: "/sys/bus/pci/devices".into() }) };
        let second = Cgroup::V2 { mount: "/sys/fs/cgroup".to_owned(), controllers: vec!["hugetlb".to_owned()] };
        let folder = tempfile::tempdir().unwrap();
        let lines = lines(&hardware, &covers, &second, folder.path()).unwrap();
        let has = |line: &str| assert!(lines.iter().any(|found| found == line), "{line}: {lines:#?}");
        has(
            "lxc.mount.entry = hugetlbfs dev/hugepages hugetlbfs pagesize=2097152,size=4194304,mode=755,nosuid,nodev,create=dir 0 0",
        );
        has("lxc.cgroup2.hugetlb.1GB.rsvd.max = 1073741824");
        has("lxc.cgroup2.devices.deny = a");
        has("lxc.cgroup2.devices.allow = c 136:* rwm");
        has("lxc.cgroup2.devices.allow = c 1:5 rwm");
        has("lxc.mount.entry = /dev/zero dev/zero none bind,create=file 0 0");
        let place = |start: &str| lines.iter().position(|line| line.starts_with(start)).unwrap();
        let entry = "lxc.mount.entry = ";
        let covered = place(&format!("{entry}{}/cores sys/devices/system/cpu none bind,ro", folder.path().display()));
        let core = place(&format!("{entry}/dev sys/devices/system/cpu/cpu1 none bind,create=dir"));
        assert!(covered < core && folder.path().join("cores/cpu1").is_dir());
        let first = Cgroup::V1 { controllers: Vec::new(), unified: None, unified_controllers: Vec::new() };
        assert_eq!(super::lines(&Hardware::default(), &Covers::default(), &first, folder.path()).unwrap(), Vec::<String>::new());
    }
}
