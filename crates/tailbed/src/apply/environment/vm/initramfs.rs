//! The initial RAM file system of a guest (Documentation/filesystems/ramfs-rootfs-initramfs.rst): this binary as /init, and the modules
//! its kernel needs, numbered in the order in which they load.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use cpio::newc::{Builder, ModeFileType, trailer};

use super::{elf, modules};
use crate::guest::MODULES;

/// Writes one for a guest with so much memory, bytes. The file appears whole or not at all.
///
/// The guest holds the archive and what it unpacks of it at once. Where both would take more than half of its memory, as those of a
/// build without optimization do, the archive is packed: to unpack it takes the guest longer, and so it is not done needlessly.
pub(super) fn write(path: &Path, modules: &[PathBuf], memory: u64) -> anyhow::Result<()> {
    let binary = fs::read("/proc/self/exe").context("cannot read this program's own file")?;
    let mut files = vec![("init".to_owned(), elf::loaded(binary))];
    for (number, module) in modules.iter().enumerate() {
        let name = modules::name(&module.to_string_lossy());
        files.push((format!("{}/{number:02}-{name}.ko", MODULES.trim_start_matches('/')), modules::read(module)?));
    }
    let partial = path.with_extension("partial");
    let out = BufWriter::new(File::create(&partial)?);
    let size: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let written = if size as u64 > memory / 4 { packed(&files, out) } else { archive(&files, out) };
    written.and_then(|()| fs::rename(&partial, path)).with_context(|| format!("cannot write {}", path.display()))
}

fn archive(files: &[(String, Vec<u8>)], mut out: impl Write) -> io::Result<()> {
    let mut number = 0;
    let mut entry = |name: &str, kind: ModeFileType, permissions: u32| {
        number += 1;
        Builder::new(name).ino(number).nlink(1).mode(permissions).set_mode_file_type(kind)
    };
    for folder in ["dev", "proc", "sys", "run", "tmp", MODULES.trim_start_matches('/')] {
        entry(folder, ModeFileType::Directory, 0o755).write(&mut out, 0).finish()?;
    }
    // what /init's standard output goes to before devtmpfs is mounted: character device 5:1 (console(4))
    let console = entry("dev/console", ModeFileType::Char, 0o600).rdev_major(5).rdev_minor(1);
    console.write(&mut out, 0).finish()?;
    for (name, bytes) in files {
        let size = u32::try_from(bytes.len()).map_err(|_| io::Error::other(format!("{name} is larger than 4 GiB")))?;
        let mut file = entry(name, ModeFileType::Regular, 0o755).write(&mut out, size);
        file.write_all(bytes)?;
        file.finish()?;
    }
    trailer(&mut out)?;
    out.flush()
}

/// The archive as a frame of zstd, which Linux reads where it has CONFIG_RD_ZSTD (5.9 and later).
fn packed(files: &[(String, Vec<u8>)], out: impl Write) -> io::Result<()> {
    // the fastest: the frame is read once
    let mut frame = zstd::stream::write::Encoder::new(out, 1)?;
    archive(files, &mut frame)?;
    frame.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_packed_where_the_guest_has_little_room() {
        let folder = tempfile::tempdir().unwrap();
        let (small, large) = (folder.path().join("small"), folder.path().join("large"));
        write(&large, &[], 1 << 40).unwrap();
        write(&small, &[], 1 << 20).unwrap();
        let (large, small) = (fs::read(large).unwrap(), fs::read(small).unwrap());
        assert!(small.len() < large.len() / 2, "{} {}", small.len(), large.len());
        assert!(zstd::stream::decode_all(small.as_slice()).unwrap() == large, "the same archive");
    }

    #[test]
    fn an_archive_holds_what_the_kernel_looks_for() {
        let mut bytes = Vec::new();
        archive(&[("init".to_owned(), b"program".to_vec()), ("modules/00-a.ko".to_owned(), b"module".to_vec())], &mut bytes)
            .unwrap();
        let mut rest = bytes.as_slice();
        let mut names = Vec::new();
        loop {
            let reader = cpio::newc::Reader::new(rest).unwrap();
            if reader.entry().is_trailer() {
                break;
            }
            names.push((reader.entry().name().to_owned(), reader.entry().mode()));
            rest = reader.finish().unwrap();
        }
        assert!(names.contains(&("init".to_owned(), 0o100_755)), "{names:?}");
        assert!(names.contains(&("dev/console".to_owned(), 0o020_600)), "{names:?}");
        assert_eq!(names.last().unwrap().0, "modules/00-a.ko");
    }
}
