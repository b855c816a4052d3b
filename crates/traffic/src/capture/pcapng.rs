//! Writing pcapng (draft-ietf-opsawg-pcapng): one section, one interface, times in nanoseconds. The reader is in `tailbed_stats::capture`.

use tailbed_format::capture::Origin;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// The length of a section that is not said.
const UNKNOWN_LENGTH: [u8; 8] = [0xff; 8];

/// Ethernet among the link types of the registry that pcap and pcapng share.
const ETHERNET: u16 = 1;

const OPTION_END: u16 = 0;
const COMMENT: u16 = 1;
const SECTION_HARDWARE: u16 = 2;
const SECTION_SYSTEM: u16 = 3;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_TEXT: u16 = 3;
const INTERFACE_RESOLUTION: u16 = 9;
const INTERFACE_SYSTEM: u16 = 12;
const STARTED: u16 = 2;
const ENDED: u16 = 3;
const RECEIVED: u16 = 4;
const DROPPED: u16 = 5;
const DELIVERED: u16 = 8;

/// Ticks of 10^-9 s (`if_tsresol`).
const NANOSECONDS: u8 = 9;

/// An option's value is at most this long; longer texts are cut.
const LONGEST_OPTION: usize = 16 << 10;

/// Bytes of an enhanced packet block around the packet: type, length, interface, time, two lengths, length again.
const AROUND_PACKET: usize = 32;

/// What is said of the one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// `if_name`.
    pub name: String,
    /// `if_description`.
    pub description: String,
    /// Bytes kept of each packet.
    pub snap: u32,
}

/// What is said at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// When the capture began, and when these were counted, ns since 1970.
    pub time: [u64; 2],
    /// Packets that passed the interface's filter.
    pub received: u64,
    /// Packets that found no room.
    pub dropped: u64,
    /// Packets in the file.
    pub delivered: u64,
    /// What else there is to say of it.
    pub comment: String,
}

/// The beginning of a file: section header and interface description.
pub fn begin(origin: &Origin, comment: &str, interface: &Interface, out: &mut Vec<u8>) {
    block(out, SECTION_HEADER, |out| {
        word(out, BYTE_ORDER);
        half(out, 1);
        half(out, 0);
        out.extend_from_slice(&UNKNOWN_LENGTH);
        for (code, text) in [
            (COMMENT, comment),
            (SECTION_HARDWARE, &origin.hardware),
            (SECTION_SYSTEM, &origin.system),
            (SECTION_APPLICATION, &origin.application),
        ] {
            option(out, code, text.as_bytes());
        }
        option(out, OPTION_END, &[]);
    });
    block(out, INTERFACE_DESCRIPTION, |out| {
        half(out, ETHERNET);
        half(out, 0);
        word(out, interface.snap);
        option(out, INTERFACE_NAME, interface.name.as_bytes());
        option(out, INTERFACE_TEXT, interface.description.as_bytes());
        option(out, INTERFACE_RESOLUTION, &[NANOSECONDS]);
        option(out, INTERFACE_SYSTEM, origin.system.as_bytes());
        option(out, OPTION_END, &[]);
    });
}

/// Bytes that a packet of which so many were kept takes in a file.
pub const fn packet_length(kept: usize) -> usize {
    AROUND_PACKET + kept.next_multiple_of(4)
}

/// A packet. Its bytes come in parts, to be put one after the other; `original` counts those that were cut off too.
#[inline]
pub fn packet(out: &mut Vec<u8>, time: u64, parts: [&[u8]; 3], original: u32) {
    let kept: usize = parts.iter().map(|part| part.len()).sum();
    let (high, low) = halves(time);
    let (length, kept) = (as_word(packet_length(kept)), as_word(kept));
    for field in [ENHANCED_PACKET, length, 0, high, low, kept, original.max(kept)] {
        word(out, field);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    pad(out, kept as usize);
    word(out, length);
}

/// The end of a file.
pub fn end(statistics: &Statistics, out: &mut Vec<u8>) {
    block(out, INTERFACE_STATISTICS, |out| {
        let [began, ended] = statistics.time.map(halves);
        for field in [0, ended.0, ended.1] {
            word(out, field);
        }
        if !statistics.comment.is_empty() {
            option(out, COMMENT, statistics.comment.as_bytes());
        }
        for (code, (high, low)) in [(STARTED, began), (ENDED, ended)] {
            half(out, code);
            half(out, 8);
            word(out, high);
            word(out, low);
        }
        for (code, count) in [(RECEIVED, statistics.received), (DROPPED, statistics.dropped), (DELIVERED, statistics.delivered)] {
            option(out, code, &count.to_ne_bytes());
        }
        option(out, OPTION_END, &[]);
    });
}

fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    word(out, kind);
    word(out, 0);
    body(out);
    let length = as_word(out.len() - start + 4);
    word(out, length);
    out[start + 4..start + 8].copy_from_slice(&length.to_ne_bytes());
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(LONGEST_OPTION)];
    half(out, code);
    half(out, u16::try_from(value.len()).unwrap_or(0));
    out.extend_from_slice(value);
    pad(out, value.len());
}

fn pad(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&[0; 3][..length.next_multiple_of(4) - length]);
}

fn word(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_ne_bytes());
}

fn half(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_ne_bytes());
}

/// No block of ours comes near the limit: a packet has at most 64 KiB, options 16 KiB each.
fn as_word(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[allow(clippy::cast_possible_truncation, reason = "the two halves of 64 bits")]
fn halves(time: u64) -> (u32, u32) {
    ((time >> 32) as u32, time as u32)
}
