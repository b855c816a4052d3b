//! Zip archives (PKWARE's APPNOTE.TXT 6.3.10), deflated, with the 64-bit sizes of section 4.5.3 throughout, so that no file is too large.

use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Version needed to read 64-bit sizes: 4.5 (section 4.4.3.2).
const VERSION: u16 = 45;
/// Method of compression: deflate (4.4.5).
const DEFLATE: u16 = 8;
/// Names are UTF-8 (4.4.4, bit 11).
const UTF8: u16 = 1 << 11;
/// 1980-01-01, the earliest date there is: an archive of the same files is the same.
const DATE: u16 = 1 << 5 | 1;
/// What 32-bit sizes hold when the 64-bit ones count.
const ELSEWHERE: u32 = u32::MAX;
/// A plain file, readable by all, as Unix has it in the upper half of the external attributes (4.4.15).
const PLAIN_FILE: u32 = 0o100_644 << 16;

/// An archive that is being written.
pub(super) struct Zip<W: Write + Seek> {
    file: W,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    sum: u32,
    packed: u64,
    length: u64,
    at: u64,
}

impl<W: Write + Seek> Zip<W> {
    /// Begins at the start of an empty file.
    pub(super) fn new(file: W) -> Self {
        Self { file, entries: Vec::new() }
    }

    /// Adds all that `source` has, under a name with `/` between folders.
    pub(super) fn add(&mut self, name: &str, source: &mut impl Read) -> io::Result<()> {
        let at = self.file.stream_position()?;
        let mut entry = Entry { name: name.to_owned(), sum: 0, packed: 0, length: 0, at };
        self.file.write_all(&local(&entry)?)?;
        let begin = self.file.stream_position()?;
        let mut crc = Crc::new();
        let mut packer = DeflateEncoder::new(&mut self.file, Compression::default());
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            crc.update(&buffer[..read]);
            packer.write_all(&buffer[..read])?;
            entry.length += read as u64;
        }
        packer.finish()?;
        let end = self.file.stream_position()?;
        (entry.packed, entry.sum) = (end - begin, crc.sum());
        // now that the sizes are known, the header again
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(&local(&entry)?)?;
        self.file.seek(SeekFrom::Start(end))?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes the directory at the end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let start = self.file.stream_position()?;
        for entry in &self.entries {
            self.file.write_all(&central(entry)?)?;
        }
        let end = self.file.stream_position()?;
        let count = self.entries.len() as u64;
        let mut tail = Bytes::default();
        // 4.3.14: the 64-bit end of the directory, 44 bytes after this length
        tail.u32(0x0606_4b50).u64(44).u16(VERSION).u16(VERSION).u32(0).u32(0).u64(count).u64(count).u64(end - start).u64(start);
        // 4.3.15: where that is
        tail.u32(0x0706_4b50).u32(0).u64(end).u32(1);
        // 4.3.16: the end, with everything elsewhere
        tail.u32(0x0605_4b50).u16(0).u16(0).u16(u16::MAX).u16(u16::MAX).u32(ELSEWHERE).u32(ELSEWHERE).u16(0);
        self.file.write_all(&tail.0)?;
        self.file.flush()
    }
}

fn name_length(entry: &Entry) -> io::Result<u16> {
    u16::try_from(entry.name.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("{} is too long a name", entry.name)))
}

/// 4.3.7: what stands before a file.
fn local(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut bytes = Bytes::default();
    bytes.u32(0x0403_4b50).u16(VERSION).u16(UTF8).u16(DEFLATE).u16(0).u16(DATE).u32(entry.sum).u32(ELSEWHERE).u32(ELSEWHERE);
    bytes.u16(name_length(entry)?).u16(20).text(&entry.name).u16(1).u16(16).u64(entry.length).u64(entry.packed);
    Ok(bytes.0)
}

/// 4.3.12: what stands of it in the directory.
fn central(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut bytes = Bytes::default();
    bytes.u32(0x0201_4b50).u16(3 << 8 | VERSION).u16(VERSION).u16(UTF8).u16(DEFLATE).u16(0).u16(DATE).u32(entry.sum);
    bytes.u32(ELSEWHERE).u32(ELSEWHERE).u16(name_length(entry)?).u16(28).u16(0).u16(0).u16(0).u32(PLAIN_FILE).u32(ELSEWHERE);
    bytes.text(&entry.name).u16(1).u16(24).u64(entry.length).u64(entry.packed).u64(entry.at);
    Ok(bytes.0)
}

/// Numbers in the order of bytes that zip has, least first.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(&mut self, number: u16) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn u32(&mut self, number: u32) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn u64(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend(text.as_bytes());
        self
    }
}
