//! What goes over the byte stream between the orchestrator and an agent.
//!
//! A message is a frame: a four-byte little-endian length of what follows, one byte of kind, then the body: JSON for
//! [`Command`] and [`Reply`], records as in [`crate::packet`] for blocks. The stream may be a pipe, a unix socket or a serial port.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::capture::Captured;
use crate::function::{Drops, Reason};
use crate::noise::{Loaded, NoiseMeasured};
use crate::order::Order;
use crate::port::Ports;
use crate::program::{Exit, Program, Stream, TerminalSize};
use crate::proof::LoopAccount;
use crate::summary::Gap;

pub use crate::clock::ClockRelation;

/// The protocol's version; both sides must have the same.
pub const PROTOCOL: u32 = 5;

/// No frame is longer than this, so that a stray byte is never taken for a length to allocate.
pub const LONGEST_FRAME: u32 = 64 << 20;

/// From the orchestrator to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Say [`Reply::Hello`] again: to whoever speaks to an agent now that began to speak to another, in the machine this one is a copy of.
    Greet,
    /// Open sockets, pin, lock memory: everything that may fail or take long. Answered by [`Reply::Ready`]. Packets to be replayed have
    /// come before, in [`Frame::Recording`]s.
    Prepare(Box<Order>),
    /// Begin. A measuring agent answers with blocks and [`Reply::Measured`] by itself, one that watches cores with [`Reply::Noise`]; a
    /// forwarder, a timestamper and a neighbour answer nothing until stopped.
    Start,
    /// Stop a forwarder, a timestamper or a neighbour. Answered by [`Reply::Forwarded`], [`Reply::Captured`] or [`Reply::Loaded`].
    Stop,
    /// Run a program besides whatever else goes on. What it prints comes in [`Frame::Stream`]s of the same session, then
    /// [`Reply::Exited`]; what it reads goes the other way.
    Execute {
        /// A number of the orchestrator's choice that no running program has.
        session: u32,
        /// The program.
        program: Program,
    },
    /// The terminal of a session has another size now.
    Resize {
        /// The session.
        session: u32,
        /// The size.
        size: TerminalSize,
    },
    /// Send a signal (signal(7)) to all processes of a session.
    Signal {
        /// The session.
        session: u32,
        /// Its number.
        signal: i32,
    },
    /// Send all files of the node's results folder (`TAILBED_RESULTS` in its programs) as [`Frame::File`]s, then [`Reply::Collected`].
    Collect,
    /// Leave. The end of the stream means the same.
    Quit,
}

/// From an agent to the orchestrator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The first message, unasked, and the answer to [`Command::Greet`].
    Hello {
        /// [`PROTOCOL`] of the agent.
        protocol: u32,
        /// The agent's process id as it sees it itself.
        pid: u32,
    },
    /// Prepared.
    Ready {
        /// What was asked for and not granted, each a sentence: no real-time priority, no locked memory.
        downgrades: Vec<String>,
        /// The ports that were opened, never `auto`; none on a simulated path.
        #[serde(default)]
        ports: Option<Ports>,
    },
    /// A port that was asked for cannot be had here: the kernel's reason and the way out.
    Refused(String),
    /// The measurement is over; its packets came before in blocks.
    Measured(Measured),
    /// The forwarder has stopped.
    Forwarded(Forwarded),
    /// The timestamper has stopped, and its files are whole.
    Captured(Captured),
    /// The cores have been watched.
    Noise(NoiseMeasured),
    /// The neighbour has stopped.
    Loaded(Loaded),
    /// A program has ended, and all it printed was sent.
    Exited {
        /// Its session.
        session: u32,
        /// How.
        exit: Exit,
    },
    /// All files of the results folder were sent.
    Collected {
        /// How many.
        files: u32,
        /// What was left out, each a sentence: too large, not a file.
        left_out: Vec<String>,
    },
    /// The order could not be carried out: the thing, the reason and the way out.
    Failed(String),
}

/// What a measuring agent knows besides its packets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How the clocks were related.
    pub clock: ClockRelation,
    /// Packets the kernel refused to send, with the last error.
    pub send_errors: u64,
    /// The last error of a refused send.
    pub last_send_error: Option<String>,
    /// Of the packets refused, those that the interface had no room for (`EAGAIN`, `EBUSY`, `ENOBUFS`).
    #[serde(default)]
    pub no_room: u64,
    /// Packets the kernel received and had no room in the ring for (`PACKET_STATISTICS`, packet(7)).
    pub receive_drops: u64,
    /// Frames received that are not of this run.
    pub foreign: u64,
    /// Of each stream, where there are several, how many packets came in by the interface of another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misdelivered: Vec<u64>,
    /// Stretches during which the loop saw nothing, longest first, at most 1 000.
    pub gaps: Vec<Gap>,
    /// How many gaps there were, listed or not.
    pub gap_count: u64,
    /// What the kernel counted of the loop.
    #[serde(default)]
    pub account: Option<LoopAccount>,
}

/// What a forwarder counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarded {
    /// One entry per rule, in the order's order.
    pub rules: Vec<RuleCount>,
    /// What the kernel counted of each worker's loop.
    #[serde(default)]
    pub accounts: Vec<LoopAccount>,
}

/// Counters of one direction through a forwarder: received = sent + malformed + refused sends + dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RuleCount {
    /// Frames received.
    pub received: u64,
    /// Frames sent on.
    pub sent: u64,
    /// Frames that are too short for their headers, say wrong lengths, or were longer than a slot of the ring.
    pub malformed: u64,
    /// Frames the kernel refused to send.
    pub send_errors: u64,
    /// Frames the kernel had no room in the ring for.
    pub receive_drops: u64,
    /// Frames the function dropped for other reasons than being malformed.
    #[serde(default, skip_serializing_if = "Drops::is_empty")]
    pub dropped: Drops,
}

impl RuleCount {
    /// Counts a frame that was not sent.
    #[inline]
    pub fn drop(&mut self, reason: Reason) {
        match reason {
            Reason::Malformed => self.malformed += 1,
            reason => self.dropped.count(reason),
        }
    }

    /// The counts of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            received: self.received + other.received,
            sent: self.sent + other.sent,
            malformed: self.malformed + other.malformed,
            send_errors: self.send_errors + other.send_errors,
            receive_drops: self.receive_drops + other.receive_drops,
            dropped: self.dropped.and(&other.dropped),
        }
    }
}

/// A frame read from the stream, body not yet understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// JSON.
    Json(Vec<u8>),
    /// A block of [`crate::packet::Departure`].
    Departures(Vec<u8>),
    /// A block of [`crate::packet::Arrival`].
    Arrivals(Vec<u8>),
    /// A block of a [`crate::recording::Recording`].
    Recording(Vec<u8>),
    /// Bytes of a program.
    Stream {
        /// The session.
        session: u32,
        /// Which way.
        stream: Stream,
        /// The bytes; none at all is the end.
        bytes: Vec<u8>,
    },
    /// A file of the results folder, or a part of it: parts of one file come one after another.
    File {
        /// Its path below the folder, in UTF-8, with `/` between the parts, none of them `..`.
        name: String,
        /// What comes next of it.
        bytes: Vec<u8>,
    },
}

pub(crate) const JSON: u8 = 0;
const DEPARTURES: u8 = 1;
const ARRIVALS: u8 = 2;
const STREAM: u8 = 3;
const FILE: u8 = 4;
const RECORDING: u8 = 5;

fn write_frame(out: &mut impl Write, kind: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 1).ok().filter(|&length| length <= LONGEST_FRAME);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a message is longer than a frame may be"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&[kind])?;
    out.write_all(body)?;
    out.flush()
}

/// Writes a [`Command`] or [`Reply`].
///
/// # Errors
/// When the stream refuses, or the message is longer than [`LONGEST_FRAME`].
pub fn write_message<M: Serialize>(out: &mut impl Write, message: &M) -> io::Result<()> {
    write_frame(out, JSON, &serde_json::to_vec(message)?)
}

/// Writes a block of departures.
///
/// # Errors
/// As [`write_message`].
pub fn write_departures(out: &mut impl Write, block: &[u8]) -> io::Result<()> {
    write_frame(out, DEPARTURES, block)
}

/// Writes a block of arrivals.
///
/// # Errors
/// As [`write_message`].
pub fn write_arrivals(out: &mut impl Write, block: &[u8]) -> io::Result<()> {
    write_frame(out, ARRIVALS, block)
}

/// Writes a block of recorded packets.
///
/// # Errors
/// As [`write_message`].
pub fn write_recording(out: &mut impl Write, block: &[u8]) -> io::Result<()> {
    write_frame(out, RECORDING, block)
}

/// Writes bytes of a program; none at all tell the end.
///
/// # Errors
/// As [`write_message`].
pub fn write_stream(out: &mut impl Write, session: u32, stream: Stream, bytes: &[u8]) -> io::Result<()> {
    let way = match stream {
        Stream::Input => 0,
        Stream::Output => 1,
        Stream::Error => 2,
    };
    let mut body = Vec::with_capacity(bytes.len() + 5);
    body.extend(session.to_le_bytes());
    body.push(way);
    body.extend(bytes);
    write_frame(out, STREAM, &body)
}

/// Writes a file of the results folder, or a part of it.
///
/// # Errors
/// As [`write_message`].
pub fn write_file(out: &mut impl Write, name: &str, bytes: &[u8]) -> io::Result<()> {
    let length =
        u16::try_from(name.len()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a file's name is too long"))?;
    let mut body = Vec::with_capacity(bytes.len() + name.len() + 2);
    body.extend(length.to_le_bytes());
    body.extend(name.as_bytes());
    body.extend(bytes);
    write_frame(out, FILE, &body)
}

fn read_stream(body: &[u8]) -> Option<Frame> {
    let (session, rest) = body.split_first_chunk::<4>()?;
    let (way, bytes) = rest.split_first()?;
    let stream = match way {
        0 => Stream::Input,
        1 => Stream::Output,
        2 => Stream::Error,
        _ => return None,
    };
    Some(Frame::Stream { session: u32::from_le_bytes(*session), stream, bytes: bytes.to_vec() })
}

/// A name that leads out of the folder it is put into is refused here, where it comes in.
fn read_file(body: &[u8]) -> Option<Frame> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    let (name, bytes) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    let name = std::str::from_utf8(name).ok()?;
    let stays = name.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    stays.then(|| Frame::File { name: name.to_owned(), bytes: bytes.to_vec() })
}

/// Reads the next frame; `None` when the stream ended between two frames.
///
/// # Errors
/// When the stream breaks off within a frame, or holds what is not a frame.
pub fn read_frame(input: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut length = [0; 4];
    loop {
        match input.read(&mut length[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    input.read_exact(&mut length[1..])?;
    let length = u32::from_le_bytes(length);
    if length == 0 || length > LONGEST_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes is not one of ours")));
    }
    let mut kind = [0];
    input.read_exact(&mut kind)?;
    let mut body = vec![0; length as usize - 1];
    input.read_exact(&mut body)?;
    match kind[0] {
        JSON => Ok(Some(Frame::Json(body))),
        DEPARTURES => Ok(Some(Frame::Departures(body))),
        ARRIVALS => Ok(Some(Frame::Arrivals(body))),
        RECORDING => Ok(Some(Frame::Recording(body))),
        STREAM => read_stream(&body).map(Some).ok_or_else(|| broken("a program's bytes")),
        FILE => read_file(&body).map(Some).ok_or_else(|| broken("a file")),
        other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of kind {other} is not one of ours"))),
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a frame with {what} is not one of ours"))
}

#[cfg(test)]
mod tests;
