//! A root file system as a tar archive that depends on nothing but its files: names in order, owners as numbers, times as they are,
//! after those that the build itself left behind were replaced.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, lgetxattr, llistxattr, major, minor, utimensat};
use rustix::io::Errno;
use tar::{Builder, EntryType, Header};

use super::steps::Steps;

/// The time of everything that the build itself made: 2020-01-01.
pub(super) const MADE: i64 = 1_577_836_800;

/// Times from here on are the build's own.
pub(super) struct Since(i64);

impl Since {
    /// From now on; file systems may round times down to two seconds.
    pub(super) fn now() -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the host's clock stands before 1970")?;
        Ok(Self(i64::try_from(now.as_secs()).unwrap_or(i64::MAX) - 2))
    }
}

/// Replaces times that tell when the build ran; those that packages brought stay.
pub(super) fn settle(folder: &Path, since: &Since) -> anyhow::Result<()> {
    for path in listed(folder)? {
        let metadata = look(&path)?;
        if metadata.is_dir() {
            settle(&path, since)?;
        } else {
            replace_time(&path, &metadata, since)?;
        }
    }
    replace_time(folder, &look(folder)?, since)
}

fn replace_time(path: &Path, metadata: &Metadata, since: &Since) -> anyhow::Result<()> {
    if metadata.mtime() < since.0 {
        return Ok(());
    }
    let time = Timespec { tv_sec: MADE, tv_nsec: 0 };
    utimensat(CWD, path, &Timestamps { last_access: time, last_modification: time }, AtFlags::SYMLINK_NOFOLLOW)
        .with_context(|| format!("cannot set the time of {}", path.display()))
}

/// Writes the archive.
pub(super) fn write(folder: &Path, output: impl Write, steps: &Steps) -> anyhow::Result<()> {
    let mut writer = Writer { builder: Builder::new(output), names: HashMap::new(), steps };
    writer.add(folder, Path::new("."))?;
    writer.add_folder(folder, Path::new(""))?;
    let mut output = writer.builder.into_inner().context("cannot write the archive")?;
    output.flush().context("cannot write the archive")
}

struct Writer<'a, W: Write> {
    builder: Builder<W>,
    /// The first name of each file that has several.
    names: HashMap<(u64, u64), PathBuf>,
    steps: &'a Steps,
}

impl<W: Write> Writer<'_, W> {
    fn add_folder(&mut self, folder: &Path, name: &Path) -> anyhow::Result<()> {
        for path in listed(folder)? {
            let name = name.join(path.file_name().unwrap_or_default());
            self.add(&path, &name)?;
            if look(&path)?.is_dir() {
                self.add_folder(&path, &name)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, name: &Path) -> anyhow::Result<()> {
        self.steps.go_on()?;
        self.entry(path, name).with_context(|| format!("cannot put {} into the archive", path.display()))
    }

    fn entry(&mut self, path: &Path, name: &Path) -> anyhow::Result<()> {
        let metadata = look(path)?;
        let kind = metadata.file_type();
        if kind.is_socket() {
            return Ok(());
        }
        let mut header = Header::new_ustar();
        let mut extensions: Vec<(String, Vec<u8>)> = Vec::new();
        let mut written = name.as_os_str().as_bytes().to_owned();
        let mut link = None;
        let mut size = 0;
        if kind.is_dir() {
            header.set_entry_type(EntryType::Directory);
            written.push(b'/');
        } else if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            link = Some(fs::read_link(path)?);
        } else if let Some(first) = self.names.get(&(metadata.dev(), metadata.ino())) {
            header.set_entry_type(EntryType::Link);
            link = Some(first.clone());
        } else if kind.is_file() {
            header.set_entry_type(EntryType::Regular);
            size = metadata.size();
        } else if kind.is_char_device() || kind.is_block_device() {
            header.set_entry_type(if kind.is_char_device() { EntryType::Char } else { EntryType::Block });
            header.set_device_major(major(metadata.rdev()))?;
            header.set_device_minor(minor(metadata.rdev()))?;
        } else if kind.is_fifo() {
            header.set_entry_type(EntryType::Fifo);
        } else {
            bail!("it is of no known kind");
        }
        if metadata.nlink() > 1 && !kind.is_dir() {
            self.names.entry((metadata.dev(), metadata.ino())).or_insert_with(|| name.to_owned());
        }
        header.set_mode(metadata.mode() & 0o7777);
        header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
        header.set_size(size);
        for (field, number) in [("uid", metadata.uid()), ("gid", metadata.gid())] {
            // seven octal digits
            let fits = number < 1 << 21;
            let stored = if fits { u64::from(number) } else { 0 };
            if field == "uid" {
                header.set_uid(stored);
            } else {
                header.set_gid(stored);
            }
            if !fits {
                extensions.push((field.to_owned(), number.to_string().into_bytes()));
            }
        }
        let Some(ustar) = header.as_ustar_mut() else { bail!("the archive's format is not ustar") };
        if !put(&mut ustar.name, &written) {
            extensions.push(("path".to_owned(), written));
        }
        if let Some(link) = link {
            let link = link.as_os_str().as_bytes();
            if !put(&mut ustar.linkname, link) {
                extensions.push(("linkpath".to_owned(), link.to_owned()));
            }
        }
        if !kind.is_symlink() && header.entry_type() != EntryType::Link {
            extensions.extend(extended(path)?);
        }
        header.set_cksum();
        self.builder.append_pax_extensions(extensions.iter().map(|(key, value)| (key.as_str(), value.as_slice())))?;
        if size > 0 {
            Ok(self.builder.append(&header, File::open(path)?)?)
        } else {
            Ok(self.builder.append(&header, std::io::empty())?)
        }
    }
}

/// Fills a field of a header; whether all of it found room.
fn put(field: &mut [u8], bytes: &[u8]) -> bool {
    let count = bytes.len().min(field.len());
    field[..count].copy_from_slice(&bytes[..count]);
    count == bytes.len()
}

/// Extended attributes that mean the same on every host.
fn extended(path: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut names = vec![0_u8; 1 << 16];
    let length = match llistxattr(path, &mut names) {
        Ok(length) => length,
        // a file system without them
        Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
        Err(error) => return Err(error).context("cannot list its extended attributes"),
    };
    let mut found = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8_lossy(name);
        if name == "security.capability" || name.starts_with("user.") || name.starts_with("system.posix_acl_") {
            let mut value = vec![0_u8; 1 << 16];
            let length =
                lgetxattr(path, &*name, &mut value).with_context(|| format!("cannot read its extended attribute {name}"))?;
            value.truncate(length);
            found.push((format!("SCHILY.xattr.{name}"), value));
        }
    }
    found.sort();
    Ok(found)
}

fn look(path: &Path) -> anyhow::Result<Metadata> {
    fs::symlink_metadata(path).with_context(|| format!("cannot look at {}", path.display()))
}

/// What stands in a folder, in order of names.
fn listed(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.with_context(|| format!("cannot list {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}
