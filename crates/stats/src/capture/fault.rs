//! What can be wrong with a capture, and what to do about it.

use std::fmt;
use std::io;

/// A capture that cannot be used: which, where, why, and the way out.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    /// The capture's name.
    pub name: String,
    /// Number of the packet, from 1 as packet tools count; `None` before the first.
    pub packet: Option<u64>,
    /// Position in the uncompressed capture, bytes.
    pub offset: u64,
    /// What is wrong.
    #[source]
    pub fault: Fault,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(packet) = self.packet {
            write!(f, ", packet {packet}")?;
        }
        write!(f, ", byte {}: {}", self.offset, self.fault)
    }
}

/// What is wrong with a capture.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The stream below failed: a disk, a pipe, or a compressed file that is damaged.
    #[error("cannot be read: {0}; where the file is compressed, test it with `zstd -t` or `gzip -t`")]
    Unreadable(io::Error),
    /// No byte at all.
    #[error("the capture is empty; the capturing program wrote nothing, or the copy failed")]
    Empty,
    /// The first four bytes are of no known format.
    #[error("begins with {} and is neither pcap nor pcapng; give the capture itself, plain or compressed with zstd or gzip", hex(*.0))]
    WrongMagic([u8; 4]),
    /// The end came within the file's header.
    #[error("ends after {there} of the {needed} bytes of its header; copy the capture again")]
    TruncatedHeader {
        /// Bytes there.
        there: usize,
        /// Bytes a header takes.
        needed: usize,
    },
    /// The end came within a packet or block.
    #[error(
        "ends within the packet or block, {there} of {needed} bytes are there; end the capturing program before copying, or keep the whole \
         packets with `editcap OLD NEW`"
    )]
    Truncated {
        /// Bytes there, record header included.
        there: usize,
        /// Bytes needed, as far as can be seen.
        needed: usize,
    },
    /// More bytes than any packet has.
    #[error(
        "says that {captured} bytes were captured, and no packet has more than {most}: the bytes before it are damaged; copy the capture again"
    )]
    AbsurdLength {
        /// Bytes it says were captured.
        captured: u32,
        /// The most there can be.
        most: u32,
    },
    /// More bytes than the capture was told to keep.
    #[error(
        "says that {captured} bytes were captured where the header allows {allowed}: one of the two is damaged; copy the capture again"
    )]
    BeyondSnapLength {
        /// Bytes it says were captured.
        captured: u32,
        /// The snap length of the header.
        allowed: u32,
    },
    /// More bytes captured than the packet had.
    #[error("says that {captured} bytes were captured of a packet of {original}: the record is damaged; copy the capture again")]
    BeyondOriginal {
        /// Bytes it says were captured.
        captured: u32,
        /// Bytes it says the packet had.
        original: u32,
    },
    /// A fraction of a second that is a second or more.
    #[error(
        "its time has {fraction} parts of a second of which there are {parts}: the record is damaged; copy the capture again"
    )]
    Fraction {
        /// The fraction found.
        fraction: u32,
        /// Parts a second has in this file.
        parts: u32,
    },
    /// A packet captured before the one in front of it.
    #[error("was captured {by} ns before the packet in front of it; put the capture in order with `reordercap OLD NEW`")]
    Backwards {
        /// By how much, ns.
        by: u64,
    },
    /// A pcapng block whose length cannot be.
    #[error("a pcapng block of {length} bytes cannot be (whole words, 12 bytes to 16 MiB); copy the capture again")]
    BlockLength {
        /// Length found.
        length: u32,
    },
    /// A pcapng block whose two lengths differ.
    #[error("a pcapng block says {length} bytes at its beginning and {trailer} at its end; copy the capture again")]
    BlockTrailer {
        /// Length at the beginning.
        length: u32,
        /// Length at the end.
        trailer: u32,
    },
    /// A pcapng section header without byte-order magic.
    #[error("a pcapng section header bears {} where its byte order should be; copy the capture again", hex(*.0))]
    ByteOrder([u8; 4]),
    /// Something reaches beyond the end of its pcapng block.
    #[error("{what} reaches beyond the end of its pcapng block; copy the capture again")]
    BeyondBlock {
        /// What does.
        what: &'static str,
    },
    /// A pcapng packet of an interface that was not described.
    #[error(
        "is of interface {id}, and the section describes {known}; the capture was cut or joined badly, join captures with `mergecap`"
    )]
    UnknownInterface {
        /// The interface.
        id: u32,
        /// How many the section describes.
        known: usize,
    },
    /// A pcapng packet without a time.
    #[error("is a simple packet block, which has no time; capture anew with a program that writes enhanced packet blocks")]
    NoTime,
    /// A time that 64-bit nanoseconds since 1970 do not hold.
    #[error("its time is outside the years 1970 to 2554; correct it with `editcap -t SECONDS OLD NEW`")]
    TimeOutOfRange,
    /// The key reaches beyond what was captured of a packet.
    #[error(
        "the key ends at byte {end}, and {captured} of the packet's {original} bytes were captured; capture with a snap length of {end} or \
         more, or give a key that lies within with `--key`"
    )]
    KeyBeyondCaptured {
        /// Where the key ends.
        end: usize,
        /// Bytes captured.
        captured: u32,
        /// Bytes of the packet.
        original: u32,
    },
    /// No packet bears an identifier.
    #[error("none of its {packets} packets bears an identifier of tailbed's; compare bytes with `--key OFFSET:LENGTH`")]
    NothingIdentified {
        /// How many packets.
        packets: u64,
    },
    /// Every packet is shorter than the key's end.
    #[error(
        "all {packets} packets are shorter than the {end} bytes the key reaches to; give a key that lies within with `--key OFFSET:LENGTH`"
    )]
    NothingKeyed {
        /// Where the key ends.
        end: usize,
        /// How many packets.
        packets: u64,
    },
}

fn hex([a, b, c, d]: [u8; 4]) -> String {
    format!("{a:02x}{b:02x}{c:02x}{d:02x}")
}
