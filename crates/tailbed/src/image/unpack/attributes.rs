//! What a file has besides its content: owner, mode, extended attributes, time.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::Path;

use anyhow::Context;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags, fsetxattr, utimensat};
use tar::Entry;

/// Prefix of extended attributes in a pax header (star(1), "SCHILY.xattr").
const PAX_XATTR: &[u8] = b"SCHILY.xattr.";

/// What an archive says of an entry.
pub(super) struct Attributes {
    user: u32,
    group: u32,
    mode: u32,
    modified: i64,
    extended: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Attributes {
    /// Reads them off an entry.
    pub(super) fn of<R: Read>(entry: &mut Entry<'_, R>) -> anyhow::Result<Self> {
        let header = entry.header();
        let fields = header.as_old();
        let number = |value: std::io::Result<u64>, field: &[u8], what: &str| match value {
            // some programs leave fields blank that are zero
            Err(_) if field.iter().all(|byte| matches!(byte, 0 | b' ')) => Ok(0),
            other => other.with_context(|| format!("its {what} is garbled")),
        };
        let id = |value, field: &[u8], what: &str| {
            let value = number(value, field, what)?;
            u32::try_from(value).with_context(|| format!("its {what} {value} is too large"))
        };
        let (user, group) = (id(header.uid(), &fields.uid, "owner")?, id(header.gid(), &fields.gid, "group")?);
        let mode = id(header.mode().map(u64::from), &fields.mode, "mode")? & 0o7777;
        let modified = number(header.mtime(), &fields.mtime, "time")?;
        let mut extended = Vec::new();
        for extension in entry.pax_extensions().context("its pax header is garbled")?.into_iter().flatten() {
            let extension = extension.context("its pax header is garbled")?;
            if let Some(name) = extension.key_bytes().strip_prefix(PAX_XATTR) {
                extended.push((name.to_owned(), extension.value_bytes().to_owned()));
            }
        }
        Ok(Self { user, group, mode, modified: i64::try_from(modified).unwrap_or(i64::MAX), extended })
    }

    /// Those of a link: it has an owner and a time.
    pub(super) fn give_to_link(&self, path: &Path, owners: bool) -> anyhow::Result<()> {
        if owners {
            lchown(path, Some(self.user), Some(self.group))
                .with_context(|| format!("cannot give {} its owner", path.display()))?;
        }
        self.give_time(path)
    }

    /// Those of anything else. The mode comes after the owner, whose change clears the set-user-ID bit and capabilities (chown(2)).
    pub(super) fn give(&self, path: &Path, owners: bool) -> anyhow::Result<()> {
        if owners {
            lchown(path, Some(self.user), Some(self.group))
                .with_context(|| format!("cannot give {} its owner", path.display()))?;
        }
        fs::set_permissions(path, Permissions::from_mode(self.mode))
            .with_context(|| format!("cannot give {} its mode", path.display()))?;
        self.give_time(path)
    }

    /// Extended attributes that mean the same on every host: capabilities, POSIX access lists, and the user's own. Labels and overlay
    /// marks belong to the host that wrote them. Without all users, the kernel takes capabilities from nobody.
    pub(super) fn give_extended(&self, file: &File, path: &Path, owners: bool) -> anyhow::Result<()> {
        for (name, value) in &self.extended {
            let name = String::from_utf8_lossy(name);
            let system = name == "security.capability" || name.starts_with("system.posix_acl_");
            if (owners && system) || name.starts_with("user.") {
                fsetxattr(file.as_fd(), &*name, value, XattrFlags::empty())
                    .with_context(|| format!("cannot give {} the extended attribute {name}", path.display()))?;
            }
        }
        Ok(())
    }

    fn give_time(&self, path: &Path) -> anyhow::Result<()> {
        let time = Timespec { tv_sec: self.modified, tv_nsec: 0 };
        utimensat(CWD, path, &Timestamps { last_access: time, last_modification: time }, AtFlags::SYMLINK_NOFOLLOW)
            .with_context(|| format!("cannot give {} its time", path.display()))
    }
}
