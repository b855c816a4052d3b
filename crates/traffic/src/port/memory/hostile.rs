//! What fuzzing does to the rings: bytes tell what both ends do, and what somebody writes into the file between.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::atomic::Ordering;

use rustix::fs::{MemfdFlags, memfd_create};
use tailbed_format::memory::{Geometry, Side};
use tailbed_format::order::Wait;

use super::layout::{Pair, offset};
use super::mapping::{Mapping, WORD};
use super::{MemoryReceiver, MemorySender, lay_out, needed};
use crate::port::packet_ring::{SHORTEST_SLEEP, WAKE_EARLY};
use crate::port::{Receive, Transmit};
use crate::stop::Stop;

/// Longest frame that is tried: longer than what fits into the smallest slot.
const LONGEST: u16 = 2200;

/// The numbers that tell where a ring stands.
const NUMBERS: [usize; 4] = [offset::SENT, offset::DROPPED, offset::TAKEN, offset::BELL];

/// The first byte tells how many slots there are, whether the ends are under two kernels, and whether the file is cut short before it is
/// opened; each further one what is done next, with the bytes behind it as its values.
pub(crate) fn rings(bytes: &[u8]) -> Result<(), String> {
    let Some((&first, bytes)) = bytes.split_first() else { return Ok(()) };
    let geometry = Geometry { slots: 2 << (first & 3), slot: 2048 };
    let file = new_file(geometry).map_err(|error| format!("no file could be made: {error}"))?;
    if first & 8 != 0 {
        return cut_short(&file, bytes);
    }
    let mut input = Input(bytes);
    let mut link = Link::open(&file, first & 4 != 0)?;
    while let Some(what) = input.byte() {
        link.step(what, &mut input)?;
    }
    link.drain()
}

fn new_file(geometry: Geometry) -> std::io::Result<File> {
    let file: File = memfd_create("rings", MemfdFlags::CLOEXEC)?.into();
    file.set_len(geometry.size())?;
    lay_out(&file, geometry)?;
    Ok(file)
}

/// A file of any length is refused, or long enough for its rings.
fn cut_short(file: &File, bytes: &[u8]) -> Result<(), String> {
    let length = u64::from(Input(bytes).short());
    file.set_len(length).map_err(|error| error.to_string())?;
    let Ok(mapping) = Mapping::of(file) else {
        return if length == 0 { Ok(()) } else { Err(format!("{length} bytes not mapped")) };
    };
    match Pair::read(mapping) {
        Ok(pair) if needed(pair.geometry) > length => Err(format!("{:?} in {length} bytes", pair.geometry)),
        _ => Ok(()),
    }
}

/// What bytes say; zeroes after their end.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn short(&mut self) -> u16 {
        u16::from_le_bytes(std::array::from_fn(|_| self.byte().unwrap_or(0)))
    }

    fn word(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte().unwrap_or(0)))
    }
}

/// One direction: its ends, and as long as nobody else has written, the frames that wait in it.
struct Direction {
    sender: MemorySender,
    receiver: MemoryReceiver,
    /// `None` once somebody else has written.
    expected: Option<VecDeque<Vec<u8>>>,
    dropped: u64,
}

impl Direction {
    /// The receiver first: it begins with what is sent from then on.
    fn open(file: &File, near: bool, apart: bool) -> Result<Self, String> {
        let pair = || Pair::read(Mapping::of(file).map_err(|error| error.to_string())?);
        let (from, to) = if near { (Side::Near, Side::Far) } else { (Side::Far, Side::Near) };
        let receiver = MemoryReceiver::new(pair()?, to, apart);
        let sender = MemorySender::new(pair()?, from);
        Ok(Self { sender, receiver, expected: Some(VecDeque::new()), dropped: 0 })
    }

    fn send(&mut self, frame: Vec<u8>, geometry: Geometry) -> Result<(), String> {
        let fits = frame.len() <= geometry.longest_frame() as usize;
        if self.sender.send(&frame).is_ok() != fits {
            return Err(format!("a frame of {} bytes: taken or refused against the {geometry:?}", frame.len()));
        }
        match &mut self.expected {
            Some(expected) if fits && expected.len() < geometry.slots as usize => expected.push_back(frame),
            Some(_) if fits => self.dropped += 1,
            _ => {}
        }
        Ok(())
    }

    /// Whether a frame came.
    fn receive(&mut self, geometry: Geometry) -> Result<bool, String> {
        let taken = self.receiver.receive(|incoming| (incoming.bytes.to_vec(), incoming.truncated));
        if taken.as_ref().is_some_and(|(bytes, _)| bytes.len() > geometry.longest_frame() as usize) {
            return Err("a frame came that is longer than a slot".to_owned());
        }
        if let Some(expected) = &mut self.expected {
            let wanted = expected.pop_front().map(|frame| (frame, false));
            if taken != wanted {
                return Err(format!("{taken:02x?} came where {wanted:02x?} was sent"));
            }
        }
        Ok(taken.is_some())
    }

    fn drops(&mut self) -> Result<(), String> {
        let told = self.receiver.drops();
        let counted = std::mem::take(&mut self.dropped);
        if self.expected.is_some() && told != counted { Err(format!("{told} drops told, {counted} made")) } else { Ok(()) }
    }
}

/// A link, and somebody who may write into it.
struct Link<'a> {
    file: &'a File,
    hostile: Mapping,
    geometry: Geometry,
    apart: bool,
    directions: [Direction; 2],
    stop: Stop,
}

impl<'a> Link<'a> {
    fn open(file: &'a File, apart: bool) -> Result<Self, String> {
        let map = || Mapping::of(file).map_err(|error| error.to_string());
        let (pair, hostile) = (Pair::read(map()?)?, map()?);
        if needed(pair.geometry) > hostile.length() as u64 {
            return Err(format!("{:?} in {} bytes", pair.geometry, hostile.length()));
        }
        let directions = [Direction::open(file, true, apart)?, Direction::open(file, false, apart)?];
        let stop = Stop::new().map_err(|error| error.to_string())?;
        Ok(Self { file, hostile, geometry: pair.geometry, apart, directions, stop })
    }

    fn step(&mut self, what: u8, input: &mut Input<'_>) -> Result<(), String> {
        let (way, more) = (usize::from(what >> 3 & 1), what >> 4);
        let number = offset::RING * (1 + way) + NUMBERS[usize::from(more & 3)];
        let direction = &mut self.directions[way];
        match what & 7 {
            0 => {
                let length = usize::from(input.short() % LONGEST);
                direction.send((0..length).map(|at| more.wrapping_add(at.to_le_bytes()[0])).collect(), self.geometry)
            }
            1 => (0..=more).try_for_each(|_| direction.receive(self.geometry).map(drop)),
            2 => direction.drops(),
            3 if more & 1 == 0 => {
                direction.receiver.idle(Wait::Block, SHORTEST_SLEEP + WAKE_EARLY, &self.stop);
                Ok(())
            }
            // a file that no longer says what it is may be refused; then the ends that are there go on
            3 => {
                if let Ok(link) = Self::open(self.file, self.apart) {
                    *self = link;
                }
                Ok(())
            }
            4 => {
                self.write(number, input.word());
                Ok(())
            }
            5 => {
                let moved = i64::from(input.byte().unwrap_or(0).cast_signed());
                self.write(number, self.hostile.word(number).load(Ordering::Relaxed).wrapping_add_signed(moved));
                Ok(())
            }
            // what the file says of itself
            6 => {
                self.write(usize::from(more & 3) * WORD, input.word());
                Ok(())
            }
            _ => {
                let words = self.hostile.length() / WORD;
                let place = usize::from(input.short()) | usize::from(more) << 16;
                self.write(place % words * WORD, input.word());
                Ok(())
            }
        }
    }

    fn write(&mut self, offset: usize, value: u64) {
        self.hostile.word(offset).store(value, Ordering::Release);
        for direction in &mut self.directions {
            direction.expected = None;
        }
    }

    /// What waits ends: at most what was seen waiting, and what was said to have come since.
    fn drain(&mut self) -> Result<(), String> {
        for direction in &mut self.directions {
            let mut left = 2 * self.geometry.slots;
            while direction.receive(self.geometry)? {
                left = left.checked_sub(1).ok_or("a ring that nobody sends by any more gives out frames without end")?;
            }
            if direction.receive(self.geometry)? {
                return Err("a ring was empty, nobody sent, and a frame came".to_owned());
            }
        }
        Ok(())
    }
}
