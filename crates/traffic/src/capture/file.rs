//! A file that is there whole or not at all, however its writing ends.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

/// A file under way: without a name where the file system can have such (`O_TMPFILE`, open(2)), so that nothing of it is left even when
/// this process is killed; else with one that says that it is not whole.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    path: PathBuf,
    /// The name it has for now.
    partial: Option<PathBuf>,
    length: u64,
}

impl Draft {
    /// Begins a file that must not exist yet, and has the file system set so many bytes aside for it where it can.
    ///
    /// # Errors
    /// When the file exists, cannot be made, or there is no room for it.
    pub(super) fn begin(path: &Path, expected: u64) -> io::Result<Self> {
        if path.exists() {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let unnamed = rustix::fs::openat(CWD, folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::from(0o666));
        let draft = match unnamed {
            Ok(file) => Self { file: file.into(), path: path.to_owned(), partial: None, length: 0 },
            // file systems without such files say either; some kernels did not know the flag and saw a folder
            Err(Errno::OPNOTSUPP | Errno::ISDIR) => Self::named(path)?,
            Err(error) => return Err(error.into()),
        };
        match rustix::fs::fallocate(&draft.file, FallocateFlags::KEEP_SIZE, 0, expected.max(1)) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(draft),
            Err(error) => Err(error.into()),
        }
    }

    fn named(path: &Path) -> io::Result<Self> {
        let partial = path.with_extension("partial");
        Ok(Self { file: File::create(&partial)?, path: path.to_owned(), partial: Some(partial), length: 0 })
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Gives the file its name, and what was set aside and not needed back.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        if let Some(partial) = self.partial.take() {
            return fs::rename(partial, &self.path);
        }
        let name = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        Ok(rustix::fs::linkat(CWD, name, CWD, &self.path, AtFlags::SYMLINK_FOLLOW)?)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What cannot be removed says by its name that it is not whole.
        if let Some(partial) = &self.partial {
            fs::remove_file(partial).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tailbed-draft-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_whole_and_nothing_of_one_that_is_not() {
        let folder = folder("whole");
        let path = folder.join("a.pcapng");
        for make in [|path: &Path| Draft::begin(path, 1 << 20), |path: &Path| Draft::named(path)] {
            let mut draft = make(&path).unwrap();
            draft.write(b"half").unwrap();
            drop(draft);
            assert!(names(&folder).is_empty());
            let mut draft = make(&path).unwrap();
            draft.write(b"all ").unwrap();
            draft.write(b"of it").unwrap();
            assert_eq!(draft.length(), 9);
            assert!(!path.exists());
            draft.finish().unwrap();
            assert_eq!((names(&folder), fs::read(&path).unwrap()), (vec!["a.pcapng".to_owned()], b"all of it".to_vec()));
            fs::remove_file(&path).unwrap();
        }
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = folder("there");
        let path = folder.join("a.pcapng");
        fs::write(&path, "precious").unwrap();
        assert_eq!(Draft::begin(&path, 1).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_file(&path).unwrap();
        let draft = Draft::begin(&path, 1).unwrap();
        fs::write(&path, "precious").unwrap();
        assert_eq!(draft.finish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        fs::remove_dir_all(&folder).unwrap();
    }
}
