//! Which modules a guest's kernel needs, in the order in which they load (modules.dep(5)).

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tailbed_plan::step::Machine;

/// The drivers of the devices we give a machine, by the names the kernel has for them, and what a root file system on a disk takes.
pub(super) fn wanted(machine: Machine, root: bool) -> Vec<&'static str> {
    let bus = match machine {
        Machine::Q35 => "virtio_pci",
        Machine::Microvm => "virtio_mmio",
    };
    let of_root = ["virtio_blk", "ext4", "overlay"].into_iter().filter(|_| root);
    [bus, "virtio_net", "virtio_console"].into_iter().chain(of_root).collect()
}

/// What depmod(8) has written about a kernel's modules.
struct Lists {
    /// modules.dep: a module's file and all it depends on, the deepest last.
    dependencies: String,
    /// modules.builtin: files that modules would have, had they not been built in.
    built_in: String,
    /// modules.softdep: `softdep NAME pre: …`, what a module asks for by name when it is loaded (modprobe.d(5)).
    soft: String,
    /// modules.alias: `alias NAME MODULE`.
    aliases: String,
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
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let (built_in, soft, aliases) = (read("modules.builtin"), read("modules.softdep"), read("modules.alias"));
    let lists = Lists { dependencies, built_in, soft, aliases };
    let order =
        lists.load_order(wanted).with_context(|| format!("the kernel {release} cannot drive what a virtual machine is given"))?;
    Ok(order.iter().map(|module| folder.join(module)).collect())
}

impl Lists {
    /// The paths to load, first to last.
    fn load_order(&self, wanted: &[&str]) -> anyhow::Result<Vec<&str>> {
        let mut order: Vec<&str> = Vec::new();
        for name in wanted {
            let files = self.files_of(name);
            if files.is_empty() && !self.built_in.lines().any(|module| self::name(module) == *name) {
                bail!(
                    "it does not have {name}, neither as a module nor built in; take another kernel, or install all its modules"
                );
            }
            for file in files {
                // in the guest nobody answers when the kernel asks for a module
                let asked_for = self.asked_for_by(&self::name(file)).into_iter().flat_map(|name| self.files_of(name));
                for path in asked_for.chain([file]) {
                    if !order.contains(&path) {
                        order.push(path);
                    }
                }
            }
        }
        Ok(order)
    }

    /// The files of a module and of all it depends on, the deepest first; none when there is no such module.
    fn files_of(&self, name: &str) -> Vec<&str> {
        let lines = self.dependencies.lines().filter_map(|line| line.split_once(':'));
        let wanted = self::name(name);
        let line = lines.into_iter().find(|(module, _)| self::name(module) == wanted);
        line.map_or_else(Vec::new, |(module, needs)| needs.split_whitespace().rev().chain([module]).collect())
    }

    /// The modules that one asks for without depending on them. Where a name stands for several, as `crypto-crc32c` does, the one that runs on every
    /// processor is taken, `…_generic`; what is not there is built in, or is done without.
    fn asked_for_by(&self, name: &str) -> Vec<&str> {
        let lines = self.soft.lines().filter_map(|line| line.strip_prefix("softdep ")?.split_once(' '));
        let words = lines.filter(|(module, _)| self::name(module) == name).flat_map(|(_, words)| {
            let words = words.split_whitespace().skip_while(|word| *word != "pre:").skip(1);
            words.take_while(|word| *word != "post:")
        });
        let module = |word: &'_ str| {
            let aliases = self.aliases.lines().filter_map(|line| line.strip_prefix("alias ")?.split_once(' '));
            aliases.filter(|(alias, _)| *alias == word).map(|(_, module)| module).find(|module| module.ends_with("_generic"))
        };
        words.filter_map(|word| if self.files_of(word).is_empty() { module(word) } else { Some(word) }).collect()
    }
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

    fn lists(built_in: &str) -> Lists {
        let (soft, aliases) = (String::new(), String::new());
        Lists { dependencies: DEPENDENCIES.to_owned(), built_in: built_in.to_owned(), soft, aliases }
    }

    #[test]
    fn each_module_comes_once_and_behind_what_it_needs() {
        let lists = lists("kernel/drivers/char/virtio_console.ko\n");
        let order = lists.load_order(&wanted(Machine::Q35, false)).unwrap();
        let order: Vec<_> = order.into_iter().map(name).collect();
        assert_eq!(order, ["virtio_ring", "virtio", "virtio_pci", "failover", "virtio_net"]);
    }

    #[test]
    fn a_driver_that_is_not_there_is_named() {
        let error = lists("").load_order(&wanted(Machine::Microvm, false)).unwrap_err().to_string();
        assert!(error.contains("does not have virtio_mmio"), "{error}");
    }

    const OF_ROOT: &str = "kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko\n\
        kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko\n\
        kernel/fs/jbd2/jbd2.ko:\n\
        kernel/fs/mbcache.ko:\n\
        kernel/arch/x86/crypto/crc32c-intel.ko:\n\
        kernel/crypto/crc32c_generic.ko:\n";

    #[test]
    fn a_root_file_system_takes_what_its_drivers_ask_for_too() {
        let dependencies = [DEPENDENCIES, OF_ROOT].concat();
        let soft = "# made by depmod\nsoftdep ext4 pre: crypto-crc32c virtio-net post: never\nsoftdep other pre: virtio_pci\n"
            .to_owned();
        let aliases = "alias crypto-crc32c crc32c_intel\nalias crypto-crc32c crc32c_generic\nalias never virtio_net\n".to_owned();
        let built_in = "kernel/fs/overlayfs/overlay.ko\n".to_owned();
        let mut lists = Lists { dependencies, built_in, soft, aliases };
        let wanted = &wanted(Machine::Q35, true)[3..];
        let names = |lists: &Lists| lists.load_order(wanted).unwrap().into_iter().map(name).collect::<Vec<_>>();
        let expected =
            ["virtio_ring", "virtio", "virtio_blk", "mbcache", "jbd2", "crc32c_generic", "failover", "virtio_net", "ext4"];
        assert_eq!(names(&lists), expected);
        // built in, it is not in the list of aliases; one that takes a certain processor is not tried
        lists.aliases = "alias crypto-crc32c crc32c_intel\n".to_owned();
        assert!(!names(&lists).contains(&"crc32c_generic".to_owned()) && names(&lists).len() == expected.len() - 1);
        lists.built_in.clear();
        let error = lists.load_order(wanted).unwrap_err().to_string();
        assert!(error.contains("does not have overlay, neither as a module nor built in"), "{error}");
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
