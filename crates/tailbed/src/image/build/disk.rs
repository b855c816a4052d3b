//! An image as a virtual machine's disk: one ext4 file system on the whole disk, without partitions and without a boot loader. The
//! machine is started with a kernel and an initial RAM file system from outside (`root=/dev/vda`), so that the kernel stays a factor of
//! the experiment and no disk has to be mounted to make one: mkfs.ext4 fills it from the folder.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::archive;
use super::needs::find;
use super::steps::Steps;

const MEBIBYTE: u64 = 1 << 20;

/// Room for what the machine writes besides what is there, bytes; unused room takes no space on the host.
const ROOM: u64 = 512 * MEBIBYTE;

/// Makes the disk.
pub(super) fn write(rootfs: &Path, work: &Path, path: &Path, digest: &str, steps: &Steps) -> anyhow::Result<()> {
    let raw = work.join("disk.raw");
    let size = (used(rootfs)? * 5 / 4 + ROOM).next_multiple_of(MEBIBYTE);
    let file = File::create_new(&raw).with_context(|| format!("cannot make {}", raw.display()))?;
    file.set_len(size).with_context(|| format!("cannot make {}", raw.display()))?;
    let uuid = uuid(digest);
    let mut make = Command::new(find("mkfs.ext4").context("mkfs.ext4 is not installed")?);
    // features that kernels before 5.15 do not know are left out; what is random otherwise comes from the image's digest
    make.args(["-q", "-F", "-L", "tailbed", "-m", "0", "-O", "^orphan_file,^metadata_csum_seed", "-U", &uuid, "-E"])
        .arg(format!("hash_seed={uuid},root_owner=0:0"))
        .arg("-d")
        .arg(rootfs)
        .arg(&raw)
        .env("E2FSPROGS_FAKE_TIME", archive::MADE.to_string());
    steps.run(&mut make, "mkfs.ext4")?;
    let mut convert = Command::new("qemu-img");
    convert.args(["convert", "-f", "raw", "-O", "qcow2"]).arg(&raw).arg(path);
    steps.run(&mut convert, "qemu-img")?;
    fs::remove_file(&raw).with_context(|| format!("cannot remove {}", raw.display()))
}

/// What the files of a folder take in blocks of 4 KiB, with a block for the name and inode of each.
fn used(path: &Path) -> anyhow::Result<u64> {
    let metadata = fs::symlink_metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    let mut sum = 4096;
    if metadata.is_file() {
        sum += metadata.size().next_multiple_of(4096);
    } else if metadata.is_dir() {
        for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
            sum += used(&entry.with_context(|| format!("cannot list {}", path.display()))?.path())?;
        }
    }
    Ok(sum)
}

/// A UUID (RFC 9562, version 8: made up by the application) out of a digest.
fn uuid(digest: &str) -> String {
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_gives_a_uuid() {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(uuid(digest), "ba7816bf-8f01-8cfe-8a41-4140de5dae22");
    }
}
