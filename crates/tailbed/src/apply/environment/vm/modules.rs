//! Which modules a guest's kernel needs, in the order in which they load (modules.dep(5)).

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tailbed_plan::step::Machine;

/// The drivers of the devices we give a machine, by the names the kernel has for them.
pub(super) fn wanted(machine: Machine) -> [&'static str; 3] {
    let bus = match machine {
        Machine::Q35 => "virtio_pci",
        Machine::Microvm => "virtio_mmio",
    };
    [bus, "virtio_net", "virtio_console"]
}

/// The files of the wanted modules and of those they depend on, each behind what it depends on. A kernel that has no folder of modules
/// is taken to have them built in: its guest will tell if not.
pub(super) fn files(release: &str, wanted: &[&str], root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = root.join("lib/modules").join(release);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let path = folder.join("modules.dep");
    let dependencies =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}; `depmod {release}` writes it", path.display()))?;
    let built_in = fs::read_to_string(folder.join("modules.builtin")).unwrap_or_default();
    let order = load_order(&dependencies, &built_in, wanted)
        .with_context(|| format!("the kernel {release} cannot drive what a virtual machine is given"))?;
    Ok(order.iter().map(|module| folder.join(module)).collect())
}

/// The paths to load, first to last. Each line of modules.dep names a module and all it depends on, the deepest last.
fn load_order<'a>(dependencies: &'a str, built_in: &str, wanted: &[&str]) -> anyhow::Result<Vec<&'a str>> {
    let mut order: Vec<&str> = Vec::new();
    for name in wanted {
        let line = dependencies.lines().filter_map(|line| line.split_once(':')).find(|(module, _)| self::name(module) == *name);
        let Some((module, needs)) = line else {
            if built_in.lines().any(|module| self::name(module) == *name) {
                continue;
            }
            bail!("it does not have {name}, neither as a module nor built in; take another kernel, or install all its modules");
        };
        for path in needs.split_whitespace().rev().chain([module]) {
            if !order.contains(&path) {
                order.push(path);
            }
        }
    }
    Ok(order)
}

/// The name the kernel has for the module in a file: `kernel/drivers/net/net-failover.ko.zst` is net_failover.
pub(super) fn name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or_default();
    file.split('.').next().unwrap_or_default().replace('-', "_")
}

/// Reads a module as the kernel takes it, unpacked where a distribution packs its modules.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let what = || format!("cannot read the module {}", path.display());
    let file = File::open(path).with_context(what)?;
    let mut bytes = Vec::new();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("ko") => (&file).read_to_end(&mut bytes).with_context(what)?,
        Some("gz") => flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).with_context(what)?,
        Some("zst") => {
            zstd::stream::read::Decoder::new(file).and_then(|mut file| file.read_to_end(&mut bytes)).with_context(what)?
        }
        _ => bail!(
            "the module {} is packed in a way that is not understood here (plain, .gz and .zst are); unpack it beside, run depmod, or \
             take another kernel",
            path.display()
        ),
    };
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPENDENCIES: &str = "kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko\n\
        kernel/drivers/virtio/virtio_ring.ko:\n\
        kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko\n\
        kernel/drivers/net/virtio-net.ko.zst: kernel/net/failover.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko\n\
        kernel/net/failover.ko:\n";

    #[test]
    fn each_module_comes_once_and_behind_what_it_needs() {
        let order = load_order(DEPENDENCIES, "kernel/drivers/char/virtio_console.ko\n", &wanted(Machine::Q35)).unwrap();
        let order: Vec<_> = order.into_iter().map(name).collect();
        assert_eq!(order, ["virtio_ring", "virtio", "virtio_pci", "failover", "virtio_net"]);
    }

    #[test]
    fn a_driver_that_is_not_there_is_named() {
        let error = load_order(DEPENDENCIES, "", &wanted(Machine::Microvm)).unwrap_err().to_string();
        assert!(error.contains("does not have virtio_mmio"), "{error}");
    }

    #[test]
    fn packed_modules_are_unpacked_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ko.zst");
        fs::write(&path, zstd::stream::encode_all(b"module".as_slice(), 1).unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), b"module");
        let path = folder.path().join("a.ko.xz");
        fs::write(&path, b"").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("packed in a way"));
    }
}
