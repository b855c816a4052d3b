//! Captures as streams of plain bytes, whatever they are packed in.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use crate::failure::Failure;

/// First bytes of a zstd frame (RFC 8878, section 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// First bytes of a gzip member (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Windows of up to 128 MiB are unpacked, as the zstd program does without being asked for more.
const ZSTD_WINDOW_LOG: u32 = 27;

/// A capture that can be read.
pub(crate) struct Opened {
    /// What errors call it.
    pub(crate) name: String,
    /// Bytes as they lie on disk, packed or not.
    pub(crate) packed: Box<dyn Read + Send>,
    /// How many there are; `None` for standard input and pipes.
    pub(crate) length: Option<u64>,
}

/// Opens both captures.
///
/// # Errors
/// When one cannot be opened.
pub(super) fn pair(pre: &Path, post: &Path) -> Result<(Opened, Opened), Failure> {
    Ok((open(pre)?, open(post)?))
}

/// Opens a capture; `-` is standard input.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn open(path: &Path) -> Result<Opened, Failure> {
    if path == Path::new("-") {
        return Ok(Opened { name: "standard input".to_owned(), packed: Box::new(io::stdin()), length: None });
    }
    let refused = |error: io::Error| Failure::File(format!("{}: {error}; give a capture that can be read", path.display()));
    let file = File::open(path).map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    if metadata.is_dir() {
        return Err(refused(io::ErrorKind::IsADirectory.into()));
    }
    let length = metadata.is_file().then_some(metadata.len());
    Ok(Opened { name: path.display().to_string(), packed: Box::new(file), length })
}

/// The plain bytes of a stream that may be packed with zstd or gzip, known by its first bytes and not by its name.
///
/// # Errors
/// When the first bytes cannot be read, or there is no memory to unpack.
pub(crate) fn unpacked<'a>(mut packed: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut first = Vec::with_capacity(ZSTD.len());
    packed.by_ref().take(ZSTD.len() as u64).read_to_end(&mut first)?;
    let (zstd, gzip) = (first == ZSTD, first.starts_with(&GZIP));
    let whole = Cursor::new(first).chain(packed);
    if zstd {
        let mut decoder = zstd::Decoder::new(whole)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG)?;
        return Ok(Box::new(decoder));
    }
    if gzip {
        return Ok(Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(64 << 10, whole))));
    }
    Ok(Box::new(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn unpack(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        unpacked(packed).unwrap().read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn packed_or_not_the_bytes_are_the_same() {
        let plain = b"not really a capture".repeat(1000);
        let zstd = zstd::encode_all(plain.as_slice(), 3).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        let gzip = gzip.finish().unwrap();
        for packed in [&plain, &zstd, &gzip, &[gzip.clone(), Vec::new()].concat()] {
            assert_eq!(unpack(packed), plain);
        }
        assert_eq!(unpack(&[zstd.clone(), zstd].concat()), plain.repeat(2));
        assert_eq!(unpack(b""), b"");
        assert_eq!(unpack(b"\x1f"), b"\x1f");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = pair(Path::new("/nowhere/pre.pcap"), Path::new("-")).err().unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().starts_with("/nowhere/pre.pcap: No such file"), "{error}");
    }
}
