//! One archive laid over a root file system: its entries made, what it marks as deleted removed.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use tar::{Archive, Entry, EntryType};

use super::attributes::Attributes;
use super::inside::Root;
use super::stream::Counted;
use crate::image::cache::{has_all_users, remove_tree};

/// Prefix of a name that marks another as deleted (OCI image specification, layer.md, "Whiteouts").
const WHITEOUT: &str = ".wh.";

/// Marks everything in its folder as deleted, as far as it comes from layers below.
const OPAQUE: &str = ".wh..wh..opq";

/// What an archive is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Kind {
    /// A layer of an image: names may mark others as deleted, and digests tell whether it is whole.
    Layer,
    /// An archive on its own: names are names, and a missing end mark tells that it is cut short.
    Whole,
}

/// Lays an archive over a root file system; all of the archive is read, to its last byte.
pub(in crate::image) fn apply(reader: impl Read, root: &Root, kind: Kind) -> anyhow::Result<()> {
    let mut archive = Archive::new(Counted::new(reader));
    let mut filling = Filling { root, kind, owners: has_all_users(), made: HashSet::new(), folders: BTreeMap::new() };
    let mut last = PathBuf::new();
    let mut end = 0;
    let position = |last: &Path| {
        if last.as_os_str().is_empty() {
            return "it is no tar archive, or garbled, or cut short".to_owned();
        }
        format!("it is garbled or cut short after the entry {}", last.display())
    };
    for entry in archive.entries().context("it is no tar archive")? {
        let mut entry = entry.with_context(|| position(&last))?;
        let name = entry.path().context("an entry's name is garbled")?.into_owned();
        filling.add(&mut entry, &name).with_context(|| format!("the entry {}", name.display()))?;
        end = entry.raw_file_position() + stored(&entry)?;
        last = name;
    }
    filling.finish()?;
    let mut reader = archive.into_inner();
    if kind == Kind::Whole && reader.count() < end + 512 {
        bail!("{}: its end mark is missing", position(&last));
    }
    io::copy(&mut reader, &mut io::sink()).with_context(|| position(&last))?;
    Ok(())
}

/// Bytes an entry's content takes in the archive, to the next block's beginning.
fn stored<R: Read>(entry: &Entry<'_, R>) -> anyhow::Result<u64> {
    let size = if entry.header().entry_type().is_gnu_sparse() { entry.header().entry_size()? } else { entry.size() };
    size.checked_next_multiple_of(512).context("an entry's size is garbled")
}

/// A root file system while one archive is laid over it.
struct Filling<'a> {
    root: &'a Root,
    kind: Kind,
    owners: bool,
    /// What this archive made, by real path: marks of deletion do not concern it.
    made: HashSet<PathBuf>,
    /// Folders get their attributes at the end: a mode may forbid to fill them, and filling them changes their time.
    folders: BTreeMap<PathBuf, Attributes>,
}

impl Filling<'_> {
    fn add<R: Read>(&mut self, entry: &mut Entry<'_, R>, name: &Path) -> anyhow::Result<()> {
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let file_name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if self.kind == Kind::Layer && file_name.starts_with(WHITEOUT) {
            return self.delete(name, &file_name);
        }
        let attributes = Attributes::of(entry)?;
        let Some(path) = self.root.place(name)? else {
            if !kind.is_dir() {
                bail!("it has no name");
            }
            self.folders.insert(self.root.path().to_owned(), attributes);
            return Ok(());
        };
        self.make_room(&path, kind.is_dir())?;
        self.note(&path);
        match kind {
            EntryType::Directory => self.add_folder(path, attributes)?,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => self.add_file(entry, &path, &attributes)?,
            EntryType::Symlink => {
                symlink(target(entry)?, &path).with_context(|| format!("cannot make the link {}", path.display()))?;
                attributes.give_to_link(&path, self.owners)?;
            }
            EntryType::Link => {
                let existing = self.root.find(&target(entry)?)?;
                fs::hard_link(&existing, &path)
                    .with_context(|| format!("cannot make {} another name of {}", path.display(), existing.display()))?;
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => self.add_node(entry, &path, &attributes)?,
            other => bail!("it is of kind `{}`, which is not known here", char::from(other.as_byte())),
        }
        Ok(())
    }

    /// What stands where an entry is to be made goes away, except that a folder takes up another.
    fn make_room(&mut self, path: &Path, for_folder: bool) -> anyhow::Result<()> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
            Ok(there) if there.is_dir() && for_folder => Ok(()),
            Ok(_) => {
                self.folders.retain(|folder, _| !folder.starts_with(path));
                remove_tree(path).with_context(|| format!("cannot replace {}", path.display()))
            }
        }
    }

    /// Remembers an entry and the folders above it as this archive's.
    fn note(&mut self, path: &Path) {
        for path in path.ancestors().take_while(|above| *above != self.root.path()) {
            if !self.made.insert(path.to_owned()) {
                break;
            }
        }
    }

    fn add_folder(&mut self, path: PathBuf, attributes: Attributes) -> anyhow::Result<()> {
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot make {}", path.display()));
            }
            _ => {}
        }
        self.folders.insert(path, attributes);
        Ok(())
    }

    fn add_file<R: Read>(&mut self, entry: &mut Entry<'_, R>, path: &Path, attributes: &Attributes) -> anyhow::Result<()> {
        if let Some(extensions) = entry.pax_extensions()? {
            for extension in extensions {
                if extension?.key_bytes().starts_with(b"GNU.sparse.") {
                    bail!("it is stored with its holes left out in a form not known here; make the archive without --sparse");
                }
            }
        }
        let cannot = || format!("cannot write {}", path.display());
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(cannot)?;
        let mut left = entry.size();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = entry.read(&mut buffer).context("it is garbled or cut short")?;
            if count == 0 {
                break;
            }
            left = left.saturating_sub(count as u64);
            file.write_all(&buffer[..count]).with_context(cannot)?;
        }
        if left > 0 {
            bail!("it is cut short: {left} bytes of it are missing");
        }
        attributes.give(path, self.owners)?;
        attributes.give_extended(&file, path, self.owners)
    }

    /// Only root may make devices; a container gets those it needs from its runtime.
    fn add_node<R: Read>(&mut self, entry: &Entry<'_, R>, path: &Path, attributes: &Attributes) -> anyhow::Result<()> {
        let header = entry.header();
        let kind = match header.entry_type() {
            EntryType::Char => FileType::CharacterDevice,
            EntryType::Block => FileType::BlockDevice,
            _ => FileType::Fifo,
        };
        if kind != FileType::Fifo && !self.owners {
            return Ok(());
        }
        let number = |part: io::Result<Option<u32>>| Ok::<_, io::Error>(part?.unwrap_or(0));
        let device = makedev(number(header.device_major())?, number(header.device_minor())?);
        mknodat(CWD, path, kind, Mode::RUSR | Mode::WUSR, device)
            .with_context(|| format!("cannot make the special file {}", path.display()))?;
        attributes.give(path, self.owners)
    }

    /// Does what a mark of deletion says.
    fn delete(&mut self, name: &Path, file_name: &str) -> anyhow::Result<()> {
        let folder = name.parent().unwrap_or(Path::new(""));
        if file_name == OPAQUE {
            let Some(folder) = self.root.place(&folder.join("x"))?.and_then(|path| path.parent().map(Path::to_owned)) else {
                return Ok(());
            };
            let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
            return entries.flatten().try_for_each(|entry| self.remove_below(&entry.path()));
        }
        if file_name.starts_with(".wh..wh.") {
            // the union file system that marks come from keeps its own files under such names
            return Ok(());
        }
        let deleted = file_name.strip_prefix(WHITEOUT).unwrap_or_default();
        if deleted.is_empty() || deleted == "." || deleted == ".." {
            bail!("it marks `{deleted}` as deleted, which is no file's name");
        }
        match self.root.place(&folder.join(deleted))? {
            Some(path) => self.remove_below(&path),
            None => Ok(()),
        }
    }

    /// Removes what layers below made.
    fn remove_below(&mut self, path: &Path) -> anyhow::Result<()> {
        if !self.made.contains(path) {
            return remove_tree(path).with_context(|| format!("cannot remove {}", path.display()));
        }
        if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
            let entries = fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
            return entries.flatten().try_for_each(|entry| self.remove_below(&entry.path()));
        }
        Ok(())
    }

    /// Folders get what was said of them, innermost first.
    fn finish(self) -> anyhow::Result<()> {
        for (path, attributes) in self.folders.into_iter().rev() {
            let folder = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
            attributes.give_extended(&folder, &path, self.owners)?;
            attributes.give(&path, self.owners)?;
        }
        Ok(())
    }
}

/// What a link leads to.
fn target<R: Read>(entry: &Entry<'_, R>) -> anyhow::Result<PathBuf> {
    let target = entry.link_name().context("what it links to is garbled")?;
    Ok(target.context("it is a link that does not say to what")?.into_owned())
}
