//! A machine that boots a disk image through firmware and a boot loader, and starts the agent as cloud-init would.
//!
//! The image is made here, of Debian's cloud kernel, busybox and syslinux: its first process is a minimal cloud-init, which takes its
//! orders from the disk named `cidata` (cloud-init's NoCloud data source) and runs their `bootcmd`. What is tried is ours: the seed, how
//! the image is attached, and the agent in a guest that has a system of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{emulators, machines};
use crate::deaths::eater;
use crate::image::tools;
use crate::support::{Lab, results, system, traces};

/// The first process of the image's system.
const INIT: &str = r#"#!/bin/busybox sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module"; done
mount -o ro -t vfat LABEL=cidata /mnt || echo there is no disk named cidata
# of the module bootcmd, what a list of words is: a program and its arguments, here always those of a shell
if grep -qx '#cloud-config' /mnt/user-data && grep -qx 'bootcmd:' /mnt/user-data; then
    sed -n 's/^  - \[ sh, -c, "\(.*\)" \]$/\1/p' /mnt/user-data > /bootcmd
fi
umount /mnt
sh /bootcmd
while :; do sleep 1000; done
"#;

/// What the system's first process, the boot command and the tests' scripts call.
const APPLETS: &str = "sh mount umount insmod grep sed echo test sleep mkdir setsid poweroff tail kill";

/// What the kernel needs for our devices and for the file system of the seed, in the order in which it is loaded; what is built in is not
/// there.
const MODULES: [&str; 8] =
    ["virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1"];

/// A kernel and its release, a cloud kernel where there is one: it has what guests need and little else.
fn kernel() -> Option<(PathBuf, String)> {
    let images = fs::read_dir("/boot").into_iter().flatten().flatten().map(|entry| entry.path());
    let release = |path: &PathBuf| path.to_str()?.strip_prefix("/boot/vmlinuz-").map(str::to_owned);
    let releases = images.filter_map(|path| release(&path).map(|release| (path, release)));
    releases.max_by_key(|(_, release)| (release.contains("-cloud-"), release.clone()))
}

/// The files of modules and of those they need, each after what it needs (modules.dep(5)).
fn module_files(release: &str) -> Vec<PathBuf> {
    let folder = Path::new("/lib/modules").join(release);
    let needs = fs::read_to_string(folder.join("modules.dep")).unwrap();
    let stem = |path: &str| Path::new(path).file_name().unwrap().to_string_lossy().split('.').next().unwrap().to_owned();
    let lines: Vec<_> = needs.lines().filter_map(|line| line.split_once(':')).collect();
    let mut files = Vec::new();
    for (module, needed) in MODULES.iter().filter_map(|name| lines.iter().find(|(file, _)| stem(file) == *name)) {
        // what is needed is listed last to first
        files.extend(needed.split_whitespace().rev().chain([*module]).map(|file| folder.join(file)));
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}

/// Makes the disk image: a FAT file system without partitions, its boot sector syslinux's.
fn bootable(lab: &Lab, kernel: &Path, release: &str) -> PathBuf {
    let root = lab.path("root");
    for folder in ["bin", "modules", "proc", "sys", "dev", "mnt", "run", "tmp"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
    for applet in APPLETS.split(' ') {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    fs::write(root.join("init"), INIT).unwrap();
    for (number, file) in module_files(release).iter().enumerate() {
        let decompress = match file.extension().and_then(|ending| ending.to_str()) {
            Some("xz") => "xz -dc",
            Some("zst") => "zstd -dc",
            _ => "cat",
        };
        system(&format!("{decompress} {} > {}/modules/{number:02}", file.display(), root.display()));
    }
    let boot = "DEFAULT linux\nLABEL linux\n KERNEL vmlinuz\n INITRD initrd\n APPEND console=ttyS0 quiet panic=-1\n";
    fs::write(lab.path("syslinux.cfg"), boot).unwrap();
    system(&format!(
        "cd {} && chmod +x root/init && (cd root && find . | busybox cpio -o -H newc | gzip -1) > initrd 2>/dev/null && \
         truncate -s $(($(stat -c %s initrd) + $(stat -Lc %s {kernel}) + 4194304)) disk.raw && \
         mformat -i disk.raw -T $(($(stat -c %s disk.raw) / 512)) -h 16 -s 63 :: && \
         mcopy -i disk.raw {kernel} ::vmlinuz && mcopy -i disk.raw initrd syslinux.cfg :: && \
         syslinux --install disk.raw && qemu-img convert -f raw -O qcow2 disk.raw disk.qcow2",
        lab.folder.path().display(),
        kernel = kernel.display(),
    ));
    lab.path("disk.qcow2")
}

#[test]
fn a_disk_image_boots_by_itself_and_its_agent_forwards_and_its_death_is_told() {
    let Some(lab) = machines() else { return };
    if !tools(&["syslinux", "mcopy", "qemu-img", "busybox", "gzip"]) {
        return;
    }
    let (kernel, release) = kernel().unwrap();
    let before = traces();
    let image = bootable(&lab, &kernel, &release);
    let whole = fs::read(&image).unwrap();
    let settings = format!("image = \"{}\"\nboot_timeout = \"2min\"\n", image.display());
    super::experiment(&lab, &settings);
    let results = results(&lab.run(&["run", "experiment.toml", "--json"]));
    assert_eq!((traces(), emulators()), (before.clone(), Vec::new()));
    let run = &results["summary"]["runs"][1];
    assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
    assert!(run["counts"]["received"].as_u64().unwrap() > 500, "{run}");
    let rule = &run["forwarders"][0]["rules"][0];
    assert_eq!(rule["received"], rule["sent"], "{rule}");
    assert!(fs::read(&image).unwrap() == whole, "the image was written to");

    // what a script of the guest's system kills: the agent, and itself by want of memory
    fs::write(lab.path("kill.sh"), "#!/bin/sh\nkill -9 $PPID\nsleep 1000\n").unwrap();
    let deaths = [
        ("kill.sh", "in the guest: the agent was ended by signal 9"),
        (eater(&lab), "the setup of dut was ended by signal 9 (out of memory: limit 192MiB; a larger `memory` is the way out)"),
    ];
    super::experiment(&lab, &format!("{settings}memory = \"192MiB\""));
    for (script, words) in deaths {
        let output = lab.run(&["run", "experiment.toml", "--set", &format!("nodes.dut.setup={script}")]);
        let said = super::said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!((traces(), emulators()), (before.clone(), Vec::new()));
    }
}
