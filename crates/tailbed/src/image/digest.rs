//! SHA-256 of files and of what passes by, as lower-case hexadecimal digits.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

/// A digest being computed.
#[derive(Default)]
pub(super) struct Hasher(Sha256);

impl Hasher {
    /// Takes in more.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Takes in a text in such a way that two lists of texts never run together into the same bytes.
    pub(super) fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    /// The digest of all that was taken in.
    pub(super) fn finish(self) -> String {
        self.0.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}

/// The digest of bytes.
pub(crate) fn of(bytes: &[u8]) -> String {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// The digest of a file.
pub(crate) fn of_file(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut reader = Hashing::new(file);
    io::copy(&mut reader, &mut io::sink()).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(reader.finish())
}

/// The hexadecimal digits of `sha256:…`.
pub(super) fn digits(digest: &str) -> anyhow::Result<&str> {
    let digits = digest.strip_prefix("sha256:").unwrap_or_default();
    if digits.len() != 64 || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        bail!("the digest `{digest}` is not one of SHA-256, the only kind known here");
    }
    Ok(digits)
}

/// Passes bytes on and computes their digest.
pub(super) struct Hashing<R> {
    inner: R,
    hasher: Hasher,
}

impl<R> Hashing<R> {
    /// Nothing has been read yet.
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::default() }
    }

    /// The digest of what was read.
    pub(super) fn finish(self) -> String {
        self.hasher.finish()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180-4's example for "abc"
        assert_eq!(of(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let mut reader = Hashing::new(&b"abc"[..]);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(reader.finish(), of(b"abc"));
    }

    #[test]
    fn only_sha256_is_taken() {
        let right = format!("sha256:{}", of(b""));
        assert_eq!(digits(&right).unwrap(), of(b""));
        for wrong in ["sha512:00", "sha256:", "sha256:../../etc/passwd", "", "abc"] {
            assert!(digits(wrong).is_err(), "{wrong}");
        }
    }
}
