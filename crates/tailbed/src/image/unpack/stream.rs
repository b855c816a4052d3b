//! The bytes of a tar archive out of a file, whatever it is compressed with. The content says which, not the name.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};
use flate2::bufread::MultiGzDecoder;

/// Opens a file and decompresses it.
pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut magic = Vec::new();
    Read::by_ref(&mut file).take(6).read_to_end(&mut magic).with_context(|| format!("cannot read {}", path.display()))?;
    file.rewind().with_context(|| format!("cannot read {}", path.display()))?;
    match magic.as_slice() {
        [] => bail!("{} is empty", path.display()),
        // RFC 1952, 2.3.1
        [0x1f, 0x8b, ..] => Ok(Box::new(MultiGzDecoder::new(BufReader::new(file)))),
        // RFC 8878, 3.1.1 and 3.1.2: a frame, or one to be skipped
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Ok(Box::new(zstd::Decoder::new(file).with_context(|| format!("cannot decompress {}", path.display()))?))
        }
        // The .xz File Format, 2.1.1.1
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Ok(Box::new(Xz::start(file, path)?)),
        [b'B', b'Z', b'h', ..] => {
            bail!("{} is compressed with bzip2, which is not known here; use zstd, gzip or xz", path.display())
        }
        _ => Ok(Box::new(BufReader::with_capacity(1 << 16, file))),
    }
}

/// The program xz at work: its format has no small decoder of ours.
struct Xz {
    child: Child,
    output: ChildStdout,
}

impl Xz {
    fn start(file: File, path: &Path) -> anyhow::Result<Self> {
        let started = Command::new("xz")
            .args(["--decompress", "--stdout"])
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match started {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("{} is compressed with xz, and the program xz is not installed (package xz-utils)", path.display())
            }
            other => other.context("cannot start xz")?,
        };
        let output = child.stdout.take().context("xz has no output")?;
        Ok(Self { child, output })
    }
}

impl Read for Xz {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.output.read(buffer)?;
        if count == 0 && !buffer.is_empty() && !self.child.wait()?.success() {
            let mut said = String::new();
            if let Some(mut errors) = self.child.stderr.take() {
                errors.read_to_string(&mut said)?;
            }
            return Err(io::Error::other(said.trim().to_owned()));
        }
        Ok(count)
    }
}

impl Drop for Xz {
    /// Left early, it would wait for a reader for ever.
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Counts what passes by.
pub(super) struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R> Counted<R> {
    /// Nothing has been read yet.
    pub(super) fn new(inner: R) -> Self {
        Self { inner, count: 0 }
    }

    /// Bytes read.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}
