//! Disk images: how one is written, and the second disk by which its own system is told to start the agent.
//!
//! cloud-init takes its orders from a disk named `cidata` (its NoCloud data source). QEMU shows the guest a folder of the host as such a
//! disk, read-only, so that nothing has to be written into a file system here.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, bail};
use tailbed_plan::step::VmSpec;

use super::arguments::guest_arguments;
use super::elf;

/// How an image is written, by the names QEMU has for it. Guessing from what the guest could have written is unsafe, so what is not known
/// by its first bytes is taken as raw only when it has the signature of a boot sector.
pub(super) fn format(image: &Path) -> anyhow::Result<&'static str> {
    let file =
        File::open(image).with_context(|| format!("cannot open the disk image {}; is the path right?", image.display()))?;
    let mut start = Vec::new();
    (&file).take(512).read_to_end(&mut start).with_context(|| format!("cannot read the disk image {}", image.display()))?;
    let length = file.metadata()?.len();
    let starts = |magic: &[u8]| start.starts_with(magic);
    if starts(b"QFI\xfb") {
        whole_qcow2(&file, &start, length).with_context(|| format!("the disk image {} is damaged", image.display()))?;
        return Ok("qcow2");
    }
    if starts(b"KDMV") {
        return Ok("vmdk");
    }
    if starts(b"vhdxfile") {
        return Ok("vhdx");
    }
    if start.get(0x40..0x44) == Some(&[0x7f, 0x10, 0xda, 0xbe]) {
        return Ok("vdi");
    }
    if start.get(510..512) == Some(&[0x55, 0xaa]) {
        return Ok("raw");
    }
    bail!(
        "the disk image {} ({length} bytes) is neither qcow2, VMDK, VHDX nor VDI, and does not begin with a boot sector (55 aa at byte \
         510); was it copied whole?",
        image.display()
    )
}

/// How a root file system's disk is written: qcow2 and the like as [`format()`] knows them, or one ext4 file system as it is. What is in a
/// qcow2 is seen by the guest only.
pub(super) fn root_format(root: &Path) -> anyhow::Result<&'static str> {
    if root.is_dir() {
        bail!(
            "the root file system {0} is a folder, and a virtual machine's is a disk: is it {0}/vm.qcow2, as `tailbed image build` makes it?",
            root.display()
        );
    }
    let mut start = Vec::new();
    if let Ok(file) = File::open(root) {
        file.take(2048).read_to_end(&mut start).with_context(|| format!("cannot read the disk {}", root.display()))?;
    }
    // the superblock lies at 1024, `s_magic` at 56 in it (Documentation/filesystems/ext4/super.rst)
    if start.get(1080..1082) == Some(&[0x53, 0xef]) {
        return Ok("raw");
    }
    match format(root)? {
        "raw" => bail!(
            "the disk {} begins with a boot sector; a root file system is one ext4 file system without partitions, which \
             `tailbed image build` makes; image = \"…\" boots disks by their own loader",
            root.display()
        ),
        format => Ok(format),
    }
}

/// Whether all clusters that the image's tables name lie in the file (QEMU, docs/interop/qcow2.txt).
fn whole_qcow2(file: &File, header: &[u8], length: u64) -> anyhow::Result<()> {
    let word = |at: usize| header.get(at..at + 8).and_then(|word| word.try_into().ok()).map(u64::from_be_bytes);
    let half = |at: usize| header.get(at..at + 4).and_then(|half| half.try_into().ok()).map(u32::from_be_bytes);
    let (Some(bits), Some(entries), Some(table)) = (half(20), half(36), word(40)) else { bail!("its header is torn") };
    if !(9..=21).contains(&bits) {
        bail!("its header says that a cluster has 2^{bits} bytes");
    }
    let mut bytes = vec![0; usize::try_from(entries)?.min(1 << 22) * 8];
    if file.read_exact_at(&mut bytes, table).is_err() {
        bail!("it ends, after {length} bytes, before its table of clusters: it was not copied whole");
    }
    let (entries, _) = bytes.as_chunks::<8>();
    let tables = entries.iter().map(|entry| u64::from_be_bytes(*entry) & OFFSET);
    let reaches = |last: u64| {
        if last < length.max(1) {
            return Ok(());
        }
        bail!("it ends after {length} bytes and refers to byte {last}: it was not copied whole")
    };
    reaches(tables.clone().max().unwrap_or(0))?;
    // features of version 3: data in another file (bit 2), entries of twice the length (bit 4)
    let features = word(72).filter(|_| half(4) != Some(2)).unwrap_or(0);
    if features & 1 << 2 != 0 {
        return Ok(());
    }
    let step = if features & 1 << 4 == 0 { 1 } else { 2 };
    let mut bytes = vec![0; 1 << bits];
    for table in tables.filter(|table| *table != 0) {
        if file.read_exact_at(&mut bytes, table).is_err() {
            bail!("it ends, after {length} bytes, in a table of clusters: it was not copied whole");
        }
        let (entries, _) = bytes.as_chunks::<8>();
        let last = entries.iter().step_by(step).map(|entry| cluster(u64::from_be_bytes(*entry), bits)).max();
        reaches(last.unwrap_or(0))?;
    }
    Ok(())
}

/// Bits 9 to 55 of an entry, an offset in the file.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;

/// Where a cluster begins that a table of the second level names; 0 when it lies nowhere or reads as zeros wherever it lies.
fn cluster(entry: u64, bits: u32) -> u64 {
    if entry & 1 << 62 != 0 {
        // compressed: the more bits the size of a cluster has, the fewer has the offset
        return entry & ((1 << (70 - bits)) - 1);
    }
    if entry & 1 == 0 { entry & OFFSET } else { 0 }
}

/// Writes the files of the second disk.
pub(super) fn seed(spec: &VmSpec, folder: &Path) -> anyhow::Result<()> {
    let what = || format!("cannot write {}", folder.display());
    fs::create_dir_all(folder).with_context(what)?;
    let binary = fs::read("/proc/self/exe").context("cannot read this program's own file")?;
    let files: [(&str, Vec<u8>); 4] = [
        ("meta-data", format!("instance-id: {0}\nlocal-hostname: {0}\n", spec.id).into_bytes()),
        // its interfaces are for the traffic: to wait for an address on them is in vain
        ("network-config", b"network:\n  config: disabled\n".to_vec()),
        ("user-data", user_data(spec).into_bytes()),
        ("tailbed", elf::loaded(binary)),
    ];
    files.into_iter().try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes)).with_context(what)
}

/// Starts the agent once the guest's system has come up, whatever of it has failed: until then its services would take the time of the
/// virtual CPUs from what is measured. cloud-init itself, which the system waits for, must not wait for that. The guest ends with its
/// agent, also with one that was killed and so could not end it: the host would wait for it in vain.
fn user_data(spec: &VmSpec) -> String {
    let arguments = guest_arguments(spec).join(" ");
    let mount = "mkdir -p /run/tailbed; mount -o ro LABEL=cidata /run/tailbed || mount -o ro LABEL=CIDATA /run/tailbed";
    let up = "systemctl is-system-running --wait";
    // the shell's status of what a signal has ended is 128 and the signal
    let killed = "s=$?; test $s -gt 128 && echo tailbed: the agent was ended by signal $((s - 128))";
    let end = "poweroff -f || echo o >/proc/sysrq-trigger";
    let start = format!("{up}; /run/tailbed/tailbed {arguments}; {killed}; {end}");
    format!("#cloud-config\nbootcmd:\n  - [ sh, -c, \"{mount}; setsid sh -c '{start}' </dev/null >/dev/console 2>&1 &\" ]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    /// A header, a table with one entry at 0x200, and as many bytes altogether; clusters have 2 KiB.
    fn qcow2(entry: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length.max(0x210)];
        bytes[..4].copy_from_slice(b"QFI\xfb");
        bytes[20..24].copy_from_slice(&11_u32.to_be_bytes());
        bytes[36..40].copy_from_slice(&1_u32.to_be_bytes());
        bytes[40..48].copy_from_slice(&0x200_u64.to_be_bytes());
        bytes[0x200..0x208].copy_from_slice(&(entry | 1 << 63).to_be_bytes());
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn images_are_known_by_their_first_bytes() {
        let mut sector = vec![0; 512];
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        let (_folder, path) = written(&sector);
        assert_eq!(format(&path).unwrap(), "raw");
        let (_folder, path) = written(&qcow2(0x1000, 0x2000));
        assert_eq!(format(&path).unwrap(), "qcow2");
    }

    /// The same, with a table of the second level at 0x1000 whose last entry is this.
    fn filled(entry: u64, length: usize) -> Vec<u8> {
        let mut bytes = qcow2(0x1000, length.max(0x1800));
        bytes[0x17f8..0x1800].copy_from_slice(&entry.to_be_bytes());
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn clusters_lie_in_the_file_or_it_was_not_copied_whole() {
        let checked = |bytes: &[u8]| {
            let (_folder, path) = written(bytes);
            format(&path).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(checked(&filled(1 << 63 | 0x1800, 0x2000)), Ok("qcow2"));
        let cut = checked(&filled(1 << 63 | 0x1800, 0x1800)).unwrap_err();
        assert!(cut.contains("is damaged") && cut.contains("ends after 6144 bytes and refers to byte 6144"), "{cut}");
        assert!(checked(&filled(0, 0x1700)).unwrap_err().contains("in a table of clusters"));
        // one that reads as zeros may lie anywhere; a compressed one has other bits beside its offset
        assert_eq!(checked(&filled(0x8000 | 1, 0x1800)), Ok("qcow2"));
        assert_eq!(checked(&filled(1 << 62 | 1 << 59 | 0x1801, 0x2000)), Ok("qcow2"));
        assert!(checked(&filled(1 << 62 | 1 << 59 | 0x2801, 0x2000)).is_err());
    }

    #[test]
    fn a_root_is_a_disk_without_partitions() {
        let mut plain = vec![0; 4096];
        plain[1080..1082].copy_from_slice(&[0x53, 0xef]);
        let (_folder, path) = written(&plain);
        assert_eq!(root_format(&path).unwrap(), "raw");
        assert!(format(&path).is_err(), "what has no boot sector does not boot by itself");
        let (folder, path) = written(&filled(0, 0x1800));
        assert_eq!(root_format(&path).unwrap(), "qcow2");
        assert!(root_format(folder.path()).unwrap_err().to_string().contains("vm.qcow2"));
        let mut sector = vec![0; 512];
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        let (_folder, path) = written(&sector);
        assert!(root_format(&path).unwrap_err().to_string().contains("without partitions"));
        assert!(root_format(Path::new("/none")).unwrap_err().to_string().contains("cannot open"));
    }

    #[test]
    fn what_was_not_copied_whole_is_told() {
        for (bytes, expected) in [
            (qcow2(0x1000, 0x800), "refers to byte 4096"),
            (qcow2(0x1000, 0x204), "before its table"),
            (b"QFI\xfb".to_vec(), "torn"),
            (b"hello".to_vec(), "neither qcow2"),
            (Vec::new(), "0 bytes"),
        ] {
            let (_folder, path) = written(&bytes);
            let error = format!("{:#}", format(&path).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_seed_starts_the_agent_with_its_interfaces() {
        let spec = super::super::arguments::tests::spec();
        assert!(user_data(&spec).contains("; /run/tailbed/tailbed guest --interface in=02:01:00:00:00:01; s=$?"));
    }
}
