//! One of the two captures: its packets with the digests of their keys.

use std::io::Read;

use super::key::Key;
use crate::capture::{Batch, Error, Fault, Packet, Reader};

/// Digest of a packet that is too short to have the key.
const NO_KEY: u64 = 0;

/// What matching needs to know of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    /// Capture time, ns.
    pub(super) time: u64,
    digest: u64,
}

impl Stamp {
    fn new(packet: &Packet, digest: u64) -> Self {
        Self { time: packet.time, digest }
    }

    /// The digest, or `None` when the packet is too short to have the key.
    #[inline]
    pub(super) fn digest(self) -> Option<u64> {
        (self.digest != NO_KEY).then_some(self.digest)
    }
}

/// Packets of a capture and the digests of their keys.
#[derive(Debug, Clone, Default)]
pub struct Keyed {
    batch: Batch,
    stamps: Vec<Stamp>,
    unkeyed: u64,
}

impl Keyed {
    pub(super) fn stamps(&self) -> &[Stamp] {
        &self.stamps
    }

    /// How many packets are too short to have the key.
    pub(super) fn unkeyed(&self) -> u64 {
        self.unkeyed
    }

    pub(super) fn frame(&self, at: usize) -> &[u8] {
        self.batch.frame(&self.batch.packets()[at])
    }

    /// Reads the next packets of a capture in place of these, and digests them; `false` at the end of the capture.
    ///
    /// A packet that on the wire was shorter than the key is traffic of another kind: it is counted and has no digest.
    ///
    /// # Errors
    /// When the capture is damaged, or bytes of the key were not captured.
    pub fn read(&mut self, reader: &mut Reader<impl Read>, key: &Key) -> Result<bool, Error> {
        self.stamps.clear();
        self.unkeyed = 0;
        let more = reader.next(&mut self.batch)?;
        let (bytes, packets) = (self.batch.bytes(), self.batch.packets());
        if packets.iter().any(|packet| (packet.captured as usize) < key.end()) {
            self.read_short(reader.name(), key)?;
        } else if key.is_usual() {
            self.stamps.extend(packets.iter().map(|packet| Stamp::new(packet, key.usual_digest(bytes, packet.start as usize))));
        } else {
            self.stamps.extend(packets.iter().map(|packet| Stamp::new(packet, key.digest(bytes, packet.start as usize))));
        }
        Ok(more)
    }

    /// Reads the next packets of a capture in place of these, known by what `digest` makes of their captured bytes and their length; `false` at
    /// the end of the capture. A packet without a digest is traffic of another kind.
    ///
    /// # Errors
    /// When the capture is damaged.
    pub fn read_by(
        &mut self,
        reader: &mut Reader<impl Read>,
        mut digest: impl FnMut(&[u8], u32) -> Option<u64>,
    ) -> Result<bool, Error> {
        self.stamps.clear();
        self.unkeyed = 0;
        let more = reader.next(&mut self.batch)?;
        for packet in self.batch.packets() {
            let digest = digest(self.batch.frame(packet), packet.original);
            self.unkeyed += u64::from(digest.is_none());
            self.stamps.push(Stamp::new(packet, digest.map_or(NO_KEY, |digest| digest.max(1))));
        }
        Ok(more)
    }

    /// Where some packets are short; in all but odd captures none is.
    #[cold]
    fn read_short(&mut self, name: &str, key: &Key) -> Result<(), Error> {
        let end = key.end();
        for (index, &Packet { time, start, captured, original }) in self.batch.packets().iter().enumerate() {
            let digest = if captured as usize >= end {
                key.digest(self.batch.bytes(), start as usize)
            } else if (original as usize) < end {
                self.unkeyed += 1;
                NO_KEY
            } else {
                return Err(self.batch.error(name, index, Fault::KeyBeyondCaptured { end, captured, original }));
            };
            self.stamps.push(Stamp { time, digest });
        }
        Ok(())
    }
}

/// Where the packets of one capture come from: read at once, or by another thread.
pub trait Side {
    /// What errors call the capture.
    fn name(&self) -> &str;

    /// The next packets; `None` at the end. `spent` is a batch no longer needed, to be filled again.
    ///
    /// # Errors
    /// As [`Keyed::read`].
    fn next(&mut self, spent: Keyed) -> Result<Option<Keyed>, Error>;
}

/// Reads and digests a capture when its packets are asked for.
#[derive(Debug)]
pub struct Direct<'a, R> {
    reader: Reader<R>,
    key: &'a Key,
}

impl<'a, R: Read> Direct<'a, R> {
    /// A side that reads from `reader`.
    pub fn new(reader: Reader<R>, key: &'a Key) -> Self {
        Self { reader, key }
    }
}

impl<R: Read> Side for Direct<'_, R> {
    fn name(&self) -> &str {
        self.reader.name()
    }

    fn next(&mut self, mut spent: Keyed) -> Result<Option<Keyed>, Error> {
        Ok(spent.read(&mut self.reader, self.key)?.then_some(spent))
    }
}
