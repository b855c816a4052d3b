//! The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks, several interfaces, each with its own resolution of time.

use super::{Fault, Located, Packet, Progress, note};

/// Type of a section header block, the same in either byte order.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const INTERFACE_DESCRIPTION: u32 = 1;
/// The packet block of old files; a 16-bit interface and drop count in place of the 32-bit interface.
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const OPTION_END: u16 = 0;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;

/// Type, length, and length again.
const LEAST_BLOCK: u32 = 12;
/// The longest block Wireshark reads, too.
const LONGEST_BLOCK: u32 = 16 << 20;
/// Fields of an enhanced packet block in front of the packet, after type and length.
const PACKET_FIELDS: usize = 20;

/// What is known of the current section.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

/// How one interface counts time.
#[derive(Debug, Clone, Copy)]
struct Interface {
    scale: Scale,
    /// `if_tsoffset` in ns.
    offset: i128,
}

/// How many nanoseconds a tick is (`if_tsresol`).
#[derive(Debug, Clone, Copy)]
enum Scale {
    Times(u64),
    /// Finer than a nanosecond: times cut to whole ones.
    Over(u128),
    /// Ticks of 2^-n s.
    Binary(u32),
}

impl Interface {
    /// Capture time in ns since 1970.
    #[inline]
    fn time(&self, ticks: u64) -> Option<u64> {
        if self.offset == 0
            && let Scale::Times(factor) = self.scale
        {
            return ticks.checked_mul(factor);
        }
        let ns = match self.scale {
            Scale::Times(factor) => u128::from(ticks) * u128::from(factor),
            Scale::Over(divisor) => u128::from(ticks) / divisor,
            Scale::Binary(bits) => (u128::from(ticks) * 1_000_000_000) >> bits,
        };
        u64::try_from(i128::try_from(ns).ok()? + self.offset).ok()
    }
}

impl Section {
    fn word(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn half(&self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    /// The 32-bit word at a position; zero beyond the end, which callers rule out beforehand.
    fn at(&self, bytes: &[u8], position: usize) -> u32 {
        bytes.get(position..).and_then(<[u8]>::first_chunk::<4>).map_or(0, |word| self.word(*word))
    }

    /// A section header tells the byte order, its own included, and makes all interfaces before it unknown.
    fn begin(&mut self, header: &[u8; 12]) -> Result<(), Fault> {
        let magic = [header[8], header[9], header[10], header[11]];
        self.big_endian = match (u32::from_le_bytes(magic), u32::from_be_bytes(magic)) {
            (BYTE_ORDER, _) => false,
            (_, BYTE_ORDER) => true,
            _ => return Err(Fault::ByteOrder(magic)),
        };
        self.interfaces.clear();
        Ok(())
    }

    fn describe(&mut self, body: &[u8]) -> Result<(), Fault> {
        let mut options = body.get(8..).ok_or(Fault::BeyondBlock { what: "an interface description" })?;
        // Microseconds unless the interface says otherwise.
        let mut interface = Interface { scale: Scale::Times(1_000), offset: 0 };
        while let Some(header) = options.first_chunk::<4>() {
            let code = self.half([header[0], header[1]]);
            let length = usize::from(self.half([header[2], header[3]]));
            if code == OPTION_END {
                break;
            }
            let value = options.get(4..4 + length).ok_or(Fault::BeyondBlock { what: "an option" })?;
            match (code, value) {
                (OPTION_RESOLUTION, &[resolution]) => interface.scale = scale(resolution),
                (OPTION_OFFSET, value) => {
                    let seconds = value.first_chunk::<8>().map_or(0, |seconds| {
                        if self.big_endian { i64::from_be_bytes(*seconds) } else { i64::from_le_bytes(*seconds) }
                    });
                    interface.offset = i128::from(seconds) * 1_000_000_000;
                }
                _ => {}
            }
            options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
        self.interfaces.push(interface);
        Ok(())
    }

    /// An enhanced packet block, or an obsolete one. `position` is where its body lies.
    #[inline]
    fn packet(&self, body: &[u8], position: usize, id: u32) -> Result<Packet, Fault> {
        let beyond = Fault::BeyondBlock { what: "the packet" };
        if body.len() < PACKET_FIELDS {
            return Err(beyond);
        }
        let ticks = u64::from(self.at(body, 4)) << 32 | u64::from(self.at(body, 8));
        let (captured, original) = (self.at(body, 12), self.at(body, 16));
        let known = self.interfaces.len();
        let interface = self.interfaces.get(id as usize).ok_or(Fault::UnknownInterface { id, known })?;
        if captured as usize > body.len() - PACKET_FIELDS {
            return Err(beyond);
        }
        if captured > original {
            return Err(Fault::BeyondOriginal { captured, original });
        }
        let time = interface.time(ticks).ok_or(Fault::TimeOutOfRange)?;
        let start = u32::try_from(position + PACKET_FIELDS).unwrap_or(u32::MAX);
        Ok(Packet { time, start, captured, original })
    }
}

/// `if_tsresol`: ticks of 10^-n s, or of 2^-n s where the highest bit is set.
fn scale(resolution: u8) -> Scale {
    let exponent = u32::from(resolution & 0x7f);
    match (resolution & 0x80, exponent) {
        (0, 0..=9) => Scale::Times(10u64.pow(9 - exponent)),
        // Beyond 10^38 the divisor does not fit; nor would any tick count reach a nanosecond.
        (0, _) => Scale::Over(10u128.checked_pow(exponent - 9).unwrap_or(u128::MAX)),
        _ => Scale::Binary(exponent),
    }
}

/// Finds the packets in the whole blocks at the beginning of the bytes.
pub(super) fn find_packets(
    section: &mut Section,
    bytes: &[u8],
    last: &mut u64,
    packets: &mut Vec<Packet>,
) -> Result<Progress, Located> {
    let mut at = 0;
    loop {
        let Some(header) = bytes.get(at..).and_then(<[u8]>::first_chunk::<12>) else {
            return Ok(Progress { consumed: at, needed: LEAST_BLOCK as usize });
        };
        let begins_section = header[..4] == SECTION_HEADER;
        if begins_section {
            section.begin(header).map_err(|fault| (at, fault))?;
        }
        let length = section.word([header[4], header[5], header[6], header[7]]);
        if !(LEAST_BLOCK..=LONGEST_BLOCK).contains(&length) || !length.is_multiple_of(4) {
            return Err((at, Fault::BlockLength { length }));
        }
        let end = at + length as usize;
        let Some(block) = bytes.get(at..end) else {
            return Ok(Progress { consumed: at, needed: length as usize });
        };
        let trailer = section.at(block, block.len() - 4);
        if trailer != length {
            return Err((at, Fault::BlockTrailer { length, trailer }));
        }
        let body = &block[8..block.len() - 4];
        let kind = section.word([header[0], header[1], header[2], header[3]]);
        let packet = match kind {
            _ if begins_section => Ok(None),
            ENHANCED_PACKET => section.packet(body, at + 8, section.at(body, 0)).map(Some),
            OBSOLETE_PACKET => {
                let id = section.half([header[8], header[9]]);
                section.packet(body, at + 8, u32::from(id)).map(Some)
            }
            SIMPLE_PACKET => Err(Fault::NoTime),
            INTERFACE_DESCRIPTION => section.describe(body).map(|()| None),
            // Name resolution, statistics, and whatever the future brings.
            _ => Ok(None),
        };
        if let Some(packet) = packet.map_err(|fault| (at, fault))? {
            note(packet.time, last).map_err(|fault| (at, fault))?;
            packets.push(packet);
        }
        at = end;
    }
}
