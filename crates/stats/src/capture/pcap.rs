//! The classic pcap format (draft-ietf-opsawg-pcap; pcap-savefile(5)).

use super::{Fault, Located, Packet, Progress, note};

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;
/// Bytes in front of each packet.
const RECORD: usize = 16;
/// libpcap's MAXIMUM_SNAPLEN: no packet of an Ethernet capture is longer.
const LONGEST: u32 = 262_144;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;

/// What the file header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    big_endian: bool,
    /// Parts of a second in a fraction: 10^6 or 10^9.
    parts: u32,
    /// The most bytes kept of a packet.
    snap_length: u32,
}

impl Header {
    /// `None` when there are too few bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let Some(&magic) = bytes.first_chunk::<4>() else { return Ok(None) };
        let (big_endian, parts) = match (u32::from_le_bytes(magic), u32::from_be_bytes(magic)) {
            (MICROSECONDS, _) => (false, 1_000_000),
            (NANOSECONDS, _) => (false, 1_000_000_000),
            (_, MICROSECONDS) => (true, 1_000_000),
            (_, NANOSECONDS) => (true, 1_000_000_000),
            _ => return Err(Fault::WrongMagic(magic)),
        };
        let Some(header) = bytes.first_chunk::<HEADER>() else { return Ok(None) };
        let word = [header[16], header[17], header[18], header[19]];
        let snap_length = if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) };
        Ok(Some(Self { big_endian, parts, snap_length }))
    }
}

/// Finds the whole packets from `at` on.
pub(super) fn find_packets(
    header: &Header,
    bytes: &[u8],
    at: usize,
    last: &mut u64,
    packets: &mut Vec<Packet>,
) -> Result<Progress, Located> {
    if header.big_endian {
        walk(header, bytes, at, last, packets, u32::from_be_bytes)
    } else {
        walk(header, bytes, at, last, packets, u32::from_le_bytes)
    }
}

#[inline]
fn walk(
    header: &Header,
    bytes: &[u8],
    mut at: usize,
    last: &mut u64,
    packets: &mut Vec<Packet>,
    word: impl Fn([u8; 4]) -> u32,
) -> Result<Progress, Located> {
    // A snap length of zero is written by programs that mean no limit.
    let allowed = if header.snap_length == 0 { LONGEST } else { header.snap_length };
    let nanoseconds = 1_000_000_000 / header.parts;
    loop {
        let Some(record) = bytes.get(at..).and_then(<[u8]>::first_chunk::<RECORD>) else {
            return Ok(Progress { consumed: at, needed: RECORD });
        };
        let field = |n: usize| word([record[n], record[n + 1], record[n + 2], record[n + 3]]);
        let (seconds, fraction, captured, original) = (field(0), field(4), field(8), field(12));
        if captured > allowed.min(LONGEST) || captured > original || fraction >= header.parts {
            return Err((at, damage(header, fraction, captured, original, allowed)));
        }
        let start = at + RECORD;
        let end = start + captured as usize;
        if end > bytes.len() {
            return Ok(Progress { consumed: at, needed: RECORD + captured as usize });
        }
        let time = u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * u64::from(nanoseconds);
        note(time, last).map_err(|fault| (at, fault))?;
        packets.push(Packet { time, start: u32::try_from(start).unwrap_or(u32::MAX), captured, original });
        at = end;
    }
}

#[cold]
fn damage(header: &Header, fraction: u32, captured: u32, original: u32, allowed: u32) -> Fault {
    if captured > LONGEST {
        Fault::AbsurdLength { captured, most: LONGEST }
    } else if captured > allowed {
        Fault::BeyondSnapLength { captured, allowed }
    } else if captured > original {
        Fault::BeyondOriginal { captured, original }
    } else {
        Fault::Fraction { fraction, parts: header.parts }
    }
}
