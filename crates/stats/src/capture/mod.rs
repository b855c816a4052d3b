//! Packet captures, read as a stream: pcap (microseconds or nanoseconds) and pcapng, in either byte order.
//!
//! A block of the file is read at a time, its packets are found where they lie, and both go to the caller together in a [`Batch`]
//! that is used again for the next block. So a packet costs a few nanoseconds, no allocation and no copy beyond the read itself,
//! and memory does not depend on the length of the file. The pcap-file crate reads the same formats, but hands out one borrowed
//! packet per call, allocates options for each pcapng packet, and its errors name neither packet nor byte; tests use it as a
//! second opinion.
//!
//! Damage is an error, never a guess: a packet is either read as it was written or named as what cannot be read.

use std::io::{ErrorKind, Read};

mod fault;
mod pcap;
mod pcapng;

pub use fault::{Error, Fault};

/// Bytes read at a time: small enough to stay in the second-level cache between reading and looking at packets, large enough that
/// the system call does not matter.
const BLOCK: usize = 64 << 10;

/// Where a packet lies in its batch, and when it was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Capture time, ns since 1970 (or since whatever the capturing clock counts from).
    pub time: u64,
    /// Position of its first byte in [`Batch::bytes`].
    pub start: u32,
    /// Bytes captured.
    pub captured: u32,
    /// Bytes the packet had on the wire.
    pub original: u32,
}

/// A stretch of a capture: consecutive packets and the bytes they lie in.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    packets: Vec<Packet>,
    /// Packets of the capture before this batch.
    before: u64,
    /// Position in the capture of the first of `bytes`.
    offset: u64,
}

impl Batch {
    /// The packets, in the order of the capture.
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }

    /// The bytes that packets point into. Holds bytes before, between and after packets too.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The captured bytes of a packet of this batch.
    pub fn frame(&self, packet: &Packet) -> &[u8] {
        &self.bytes[packet.start as usize..packet.start as usize + packet.captured as usize]
    }

    /// An error about the packet at an index of this batch.
    pub fn error(&self, name: &str, index: usize, fault: Fault) -> Error {
        let start = self.packets.get(index).map_or(0, |packet| u64::from(packet.start));
        Error { name: name.to_owned(), packet: Some(self.before + index as u64 + 1), offset: self.offset + start, fault }
    }
}

/// What is known of a capture once its header was read.
#[derive(Debug)]
enum Format {
    Pcap(pcap::Header),
    Pcapng(pcapng::Section),
}

/// How far a look at some bytes came.
struct Progress {
    /// Bytes done with.
    consumed: usize,
    /// Bytes that what comes next takes in all, as far as can be seen.
    needed: usize,
}

/// A fault and where it lies in the bytes looked at.
type Located = (usize, Fault);

/// Reads a capture from a stream of bytes.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    name: String,
    format: Option<Format>,
    /// Bytes read but not yet handed out: the beginning of the next packet.
    rest: Vec<u8>,
    /// Position in the capture of the first of `rest`.
    offset: u64,
    packets: u64,
    /// Capture time of the last packet.
    last: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// A reader of uncompressed bytes; `name` is what errors call the capture.
    pub fn new(source: R, name: impl Into<String>) -> Self {
        Self { source, name: name.into(), format: None, rest: Vec::new(), offset: 0, packets: 0, last: 0, ended: false }
    }

    /// What errors call the capture.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Packets read so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Reads the next packets into a batch, in place of what it held; `false` at the end of the capture, with an empty batch.
    ///
    /// # Errors
    /// When the stream cannot be read or the capture is damaged; packets of the batch in which the damage lies are not given out.
    pub fn next(&mut self, batch: &mut Batch) -> Result<bool, Error> {
        batch.packets.clear();
        batch.before = self.packets;
        batch.offset = self.offset;
        let room = BLOCK.max(2 * self.rest.len());
        if batch.bytes.len() < room {
            batch.bytes.resize(room, 0);
        }
        let mut filled = self.rest.len();
        batch.bytes[..filled].copy_from_slice(&self.rest);
        self.rest.clear();
        loop {
            filled += self.fill(&mut batch.bytes[filled..])?;
            let progress = self.find_packets(&batch.bytes[..filled], &mut batch.packets).map_err(|(at, fault)| {
                let packet = self.format.is_some().then_some(self.packets + batch.packets.len() as u64 + 1);
                Error { name: self.name.clone(), packet, offset: batch.offset + at as u64, fault }
            })?;
            self.packets += batch.packets.len() as u64;
            self.offset = batch.offset + progress.consumed as u64;
            if !batch.packets.is_empty() {
                self.rest.extend_from_slice(&batch.bytes[progress.consumed..filled]);
                return Ok(true);
            }
            batch.bytes.copy_within(progress.consumed..filled, 0);
            filled -= progress.consumed;
            batch.offset = self.offset;
            if self.ended {
                return if filled == 0 && self.format.is_some() {
                    Ok(false)
                } else {
                    Err(self.cut_short(filled, progress.needed))
                };
            }
            if filled + progress.needed > batch.bytes.len() {
                batch.bytes.resize((filled + progress.needed).next_power_of_two(), 0);
            }
        }
    }

    /// Reads until the buffer is full or the stream ends.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < buffer.len() && !self.ended {
            match self.source.read(&mut buffer[filled..]) {
                Ok(0) => self.ended = true,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let fault = Fault::Unreadable(error);
                    return Err(Error { name: self.name.clone(), packet: None, offset: self.offset + filled as u64, fault });
                }
            }
        }
        Ok(filled)
    }

    fn find_packets(&mut self, bytes: &[u8], packets: &mut Vec<Packet>) -> Result<Progress, Located> {
        let mut header = 0;
        if self.format.is_none() {
            let Some((format, length)) = recognise(bytes)? else {
                return Ok(Progress { consumed: 0, needed: pcap::HEADER });
            };
            self.format = Some(format);
            header = length;
        }
        match &mut self.format {
            Some(Format::Pcap(format)) => pcap::find_packets(format, bytes, header, &mut self.last, packets),
            Some(Format::Pcapng(section)) => pcapng::find_packets(section, bytes, &mut self.last, packets),
            None => Ok(Progress { consumed: 0, needed: pcap::HEADER }),
        }
    }

    fn cut_short(&self, there: usize, needed: usize) -> Error {
        let fault = match (&self.format, there) {
            (None, 0) => Fault::Empty,
            (None, _) => Fault::TruncatedHeader { there, needed },
            (Some(_), _) => Fault::Truncated { there, needed },
        };
        let packet = self.format.is_some().then_some(self.packets + 1);
        Error { name: self.name.clone(), packet, offset: self.offset, fault }
    }
}

/// The format by its first bytes, and how many of them its header takes; `None` when there are too few to tell.
fn recognise(bytes: &[u8]) -> Result<Option<(Format, usize)>, Located> {
    let Some(&magic) = bytes.first_chunk::<4>() else { return Ok(None) };
    if magic == pcapng::SECTION_HEADER {
        return Ok(Some((Format::Pcapng(pcapng::Section::default()), 0)));
    }
    match pcap::Header::parse(bytes) {
        Ok(None) => Ok(None),
        Ok(Some(header)) => Ok(Some((Format::Pcap(header), pcap::HEADER))),
        Err(fault) => Err((0, fault)),
    }
}

/// Notes a packet's time; times must not run backwards, or packets in flight could not be told from lost ones.
#[inline]
fn note(time: u64, last: &mut u64) -> Result<(), Fault> {
    if time < *last {
        return Err(Fault::Backwards { by: *last - time });
    }
    *last = time;
    Ok(())
}

#[cfg(test)]
mod tests;
