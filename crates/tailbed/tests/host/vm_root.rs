//! Virtual machines with a root file system on a disk: scripts run in it, nothing written is kept, and what is wrong with a disk is told.

use std::fs;
use std::path::{Path, PathBuf};

use crate::image::tools;
use crate::support::{Lab, results, system, traces};
use crate::vm::{fails, kernel, machines};

/// A disk that is one ext4 file system as it is, with busybox in it.
fn disk(lab: &Lab) -> PathBuf {
    let (folder, path) = (lab.path("root"), lab.path("root.raw"));
    // neither mount points nor /tailbed are there: they are made in memory
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::copy("/bin/busybox", folder.join("bin/busybox")).unwrap();
    std::os::unix::fs::symlink("busybox", folder.join("bin/sh")).unwrap();
    fs::write(folder.join("mark"), "from the disk\n").unwrap();
    let make = format!("mkfs.ext4 -q -F -L tailbed -d {} {} 16M > /dev/null", folder.display(), path.display());
    system(&format!("PATH=$PATH:/sbin:/usr/sbin; {make}"));
    path
}

/// The same disk with other bytes at a place in it, as qcow2.
fn spoilt(lab: &Lab, disk: &Path, name: &str, at: u64, bytes: &[u8]) -> PathBuf {
    use std::os::unix::fs::FileExt;
    let (raw, path) = (lab.path("spoilt.raw"), lab.path(name));
    fs::copy(disk, &raw).unwrap();
    fs::File::options().write(true).open(&raw).unwrap().write_all_at(bytes, at).unwrap();
    system(&format!("qemu-img convert -f raw -O qcow2 {} {}", raw.display(), path.display()));
    path
}

#[test]
fn scripts_run_in_a_root_on_a_disk_that_machines_share_and_none_changes() {
    let Some(lab) = machines() else { return };
    if !tools(&["busybox", "mkfs.ext4", "qemu-img"]) {
        return;
    }
    let before = traces();
    let disk = disk(&lab);
    let content = fs::read(&disk).unwrap();
    let node = |name: &str, machine: &str| {
        let script = "#!/bin/sh -e\ntest ! -e /written\necho x > /written\ntest -x /tailbed\ntest -e /proc/self -a -e /sys/class/net\n\
            /bin/busybox cat /mark /written > $TAILBED_RESULTS/seen\n\
            /bin/busybox grep ' / ' /proc/mounts >> $TAILBED_RESULTS/seen\n";
        let root = disk.display();
        format!(
            "[nodes.{name}]\nenvironment = \"vm\"\nsetup = '''{script}'''\n\
             [nodes.{name}.vm]\naccel = \"tcg\"\nmachine = \"{machine}\"\nroot = \"{root}\"\n\n"
        )
    };
    let nodes = [node("a", "q35"), node("b", "microvm")].concat();
    lab.experiment("host", "300ms", &nodes);
    let results = results(&lab.run(&["run", "experiment.toml", "--json", "--set", "traffic.rate=200pps"]));
    assert_eq!(traces(), before);
    let run = &results["summary"]["runs"][1];
    assert!(run["counts"]["received"].as_u64().unwrap() > 30, "{run}");
    let folder = lab.path(results["results"].as_str().unwrap()).join("runs").join(run["run"].as_str().unwrap());
    for name in ["a", "b"] {
        let seen = fs::read_to_string(folder.join(format!("results-{name}/seen"))).unwrap();
        assert!(seen.starts_with("from the disk\nx\n") && seen.contains("\noverlay / overlay rw,nodev"), "{name}: {seen}");
    }
    assert!(fs::read(&disk).unwrap() == content, "the disk was written to");
}

#[test]
fn what_is_wrong_with_a_disk_is_told() {
    let Some(lab) = machines() else { return };
    if !tools(&["busybox", "mkfs.ext4", "qemu-img"]) {
        return;
    }
    let root = |path: &Path| format!("root = \"{}\"", path.display());
    let disk = disk(&lab);
    // before anything is touched
    fails(&lab, "root = \"/none/disk.qcow2\"", 3, "cannot open the disk image /none/disk.qcow2");
    fails(&lab, &root(&lab.path("root")), 3, "is a folder");
    let whole = fs::read(spoilt(&lab, &disk, "cut.qcow2", 0, &[])).unwrap();
    fs::write(lab.path("cut.qcow2"), &whole[..whole.len() / 2]).unwrap();
    fails(&lab, &root(&lab.path("cut.qcow2")), 3, "it was not copied whole");
    // by the guest: the magic number of the superblock, and the descriptors of the first group in the block behind it
    let no_file_system = spoilt(&lab, &disk, "none.qcow2", 1080, &[0; 2]);
    fails(&lab, &root(&no_file_system), 1, "in the guest: there is no ext4 file system on the disk /dev/vda");
    let torn = spoilt(&lab, &disk, "torn.qcow2", descriptors(&disk), &[0xff; 64]);
    fails(&lab, &root(&torn), 1, "in the guest: the ext4 file system on the disk /dev/vda is damaged");
}

/// Where the descriptors of groups begin: in the block behind the superblock's, which is the first where blocks are larger than 1 KiB
/// (Documentation/filesystems/ext4/super.rst, `s_log_block_size` at 24).
fn descriptors(disk: &Path) -> u64 {
    let start = fs::read(disk).unwrap();
    let block = 1024_u64 << u32::from_le_bytes(start[1048..1052].try_into().unwrap());
    if block == 1024 { 2048 } else { block }
}

#[test]
fn a_kernel_without_a_driver_of_disks_is_told_by_the_guest() {
    let Some(lab) = machines() else { return };
    if !tools(&["busybox", "mkfs.ext4"]) {
        return;
    }
    // the same kernel under a release that has no folder of modules: as one that should have all built in
    let Some(mut image) = kernel().and_then(|kernel| fs::read(kernel).ok()) else { return };
    let at = usize::from(u16::from_le_bytes([image[0x20e], image[0x20f]])) + 0x200;
    image[at] = b'0';
    let path = lab.path("vmlinuz");
    fs::write(&path, image).unwrap();
    let settings = format!("kernel = \"{}\"\nroot = \"{}\"", path.display(), disk(&lab).display());
    fails(&lab, &settings, 1, "in the guest: there is no disk with the serial number tailbed-root");
}
