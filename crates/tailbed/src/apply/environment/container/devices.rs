//! Device nodes passed into a container.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use tailbed_plan::step::ContainerSpec;
use tailbed_traffic::bpf::Device;

use super::pci;

/// A device node of the host.
pub(in crate::apply::environment) struct Node {
    pub(in crate::apply::environment) path: PathBuf,
    /// `c` or `b`.
    pub(in crate::apply::environment) kind: &'static str,
    pub(in crate::apply::environment) major: u32,
    pub(in crate::apply::environment) minor: u32,
    mode: u32,
    group: u32,
}

impl Node {
    /// Reads a node; `None` for what is not one.
    fn read(path: &Path) -> std::io::Result<Option<Self>> {
        let metadata = fs::metadata(path)?;
        let kind = match metadata.file_type() {
            kind if kind.is_char_device() => "c",
            kind if kind.is_block_device() => "b",
            _ => return Ok(None),
        };
        let (major, minor) = (libc::major(metadata.rdev()), libc::minor(metadata.rdev()));
        let mode = metadata.permissions().mode() & 0o7777;
        Ok(Some(Self { path: path.to_owned(), kind, major, minor, mode, group: metadata.gid() }))
    }

    /// config-linux.md, "Devices".
    fn device(&self) -> Value {
        json!({
            "path": self.path, "type": self.kind, "major": self.major, "minor": self.minor, "fileMode": self.mode,
            "uid": 0, "gid": if self.group < IDS { self.group } else { 0 },
        })
    }

    /// config-linux.md, "Allowed Device list".
    fn rule(&self) -> Value {
        json!({ "allow": true, "type": self.kind, "major": self.major, "minor": self.minor, "access": "rwm" })
    }
}

/// Group ids that exist in a user namespace of ours.
const IDS: u32 = super::identity::COUNT;

/// Nodes passed into a container, and what its control group allows: those and the ones every container has (config-linux.md, "Default
/// Devices"). Nothing is forbidden to a privileged one.
pub(super) fn of(spec: &ContainerSpec) -> anyhow::Result<(Vec<Value>, Option<Vec<Value>>)> {
    if spec.confinement.privileged {
        let mut nodes = Vec::new();
        collect(Path::new("/dev"), &mut nodes).context("cannot look through /dev")?;
        return Ok((nodes.iter().map(Node::device).collect(), None));
    }
    let nodes = named(&spec.devices)?;
    let nothing_else = json!({ "allow": false, "access": "rwm" });
    let rules = std::iter::once(nothing_else).chain(nodes.iter().map(Node::rule)).collect();
    Ok((nodes.iter().map(Node::device).collect(), Some(rules)))
}

/// Whether all that are named are there.
pub(super) fn check(devices: &[String]) -> anyhow::Result<()> {
    named(devices).map(drop)
}

/// The nodes of what an experiment names: paths, and addresses of PCI devices; each once.
pub(in crate::apply::environment) fn named(devices: &[String]) -> anyhow::Result<Vec<Node>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for device in devices {
        let more = if device.starts_with('/') { vec![PathBuf::from(device)] } else { pci::nodes(device, Path::new("/sys"))? };
        paths.extend(more);
    }
    paths.sort();
    paths.dedup();
    paths.iter().map(|path| existing(path)).collect()
}

/// What a container may open where a program decides on it, and no file of its control group. `None` where nothing is forbidden.
pub(super) fn allowed(spec: &ContainerSpec) -> anyhow::Result<Option<Vec<Device>>> {
    if spec.confinement.privileged {
        return Ok(None);
    }
    let always = ALWAYS.map(|(major, minor)| Device { block: false, major, minor });
    let named = named(&spec.devices)?;
    let named = named.iter().map(|node| Device { block: node.kind == "b", major: node.major, minor: Some(node.minor) });
    Ok(Some(always.into_iter().chain(named).collect()))
}

/// What every container has (config-linux.md, "Default Devices"), and its terminals: null, zero, full, random, urandom; tty, console, ptmx;
/// pts (admin-guide/devices.txt in the kernel's documentation).
pub(in crate::apply::environment) const ALWAYS: [(u32, Option<u32>); 9] =
    [(1, Some(3)), (1, Some(5)), (1, Some(7)), (1, Some(8)), (1, Some(9)), (5, Some(0)), (5, Some(1)), (5, Some(2)), (136, None)];

fn existing(path: &Path) -> anyhow::Result<Node> {
    match Node::read(path) {
        Ok(Some(node)) => Ok(node),
        Ok(None) => bail!("{} is not a device node", path.display()),
        Err(error) => Err(error).with_context(|| format!("cannot pass in the device {}", path.display())),
    }
}

/// Folders whose nodes belong to one mount of theirs, which a container has of its own.
const OWN: [&str; 4] = ["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/hugepages"];

/// Files that a container has of its own.
const MADE: [&str; 3] = ["/dev/ptmx", "/dev/console", "/dev/tty"];

fn collect(folder: &Path, nodes: &mut Vec<Node>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() && !OWN.iter().any(|own| Path::new(own) == path) {
            collect(&path, nodes)?;
        } else if (kind.is_char_device() || kind.is_block_device()) && !MADE.iter().any(|made| Path::new(made) == path) {
            nodes.extend(Node::read(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_and_what_is_none_is_refused() {
        let null = existing(Path::new("/dev/null")).unwrap();
        assert_eq!((null.kind, null.major, null.minor), ("c", 1, 3));
        assert_eq!(null.rule()["access"], "rwm");
        assert!(existing(Path::new("/dev/shm")).is_err_and(|error| error.to_string().contains("not a device node")));
        assert!(existing(Path::new("/dev/no-such")).is_err_and(|error| error.to_string().contains("/dev/no-such")));
    }
}
