//! A network card's clock beside this host's: ioctl(2) on its device (linux/ptp_clock.h).
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// `struct ptp_clock_time`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Time {
    seconds: i64,
    nanoseconds: u32,
    _reserved: u32,
}

/// Readings of one request, at most `PTP_MAX_SAMPLES`.
const SAMPLES: usize = 25;

/// `struct ptp_sys_offset_precise`: both clocks at one moment, latched by hardware.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Precise {
    card: Time,
    realtime: Time,
    _raw: Time,
    _reserved: [u32; 4],
}

/// `struct ptp_sys_offset_extended`: each reading of the card's clock between two of the host's.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Extended {
    samples: u32,
    clock: libc::clockid_t,
    _reserved: [u32; 2],
    times: [[Time; 3]; SAMPLES],
}

/// `struct ptp_sys_offset`: readings in turn, the host's clock first and last.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Simple {
    samples: u32,
    _reserved: [u32; 3],
    times: [Time; 2 * SAMPLES + 1],
}

/// `_IOC` of asm-generic/ioctl.h, for the type of these requests.
const fn request<T>(direction: u64, number: u64) -> libc::Ioctl {
    const TYPE: u64 = b'=' as u64;
    direction << 30 | (size_of::<T>() as u64) << 16 | TYPE << 8 | number
}

const WRITE: u64 = 1;
const BOTH: u64 = 3;
const SYS_OFFSET: libc::Ioctl = request::<Simple>(WRITE, 5);
const SYS_OFFSET_PRECISE: libc::Ioctl = request::<Precise>(BOTH, 8);
const SYS_OFFSET_EXTENDED: libc::Ioctl = request::<Extended>(BOTH, 9);

/// How far a card's clock is from `CLOCK_REALTIME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The card's minus the host's, ns.
    pub offset: i64,
    /// The offset is right within so much, ns; what the hardware itself is wrong by where it has latched both clocks is not known.
    pub bound: u64,
    /// The request it came by.
    pub by: &'static str,
}

/// A card's clock, opened.
#[derive(Debug)]
pub struct CardClock {
    file: File,
    number: u32,
}

impl CardClock {
    /// Opens the device of a clock by its number.
    ///
    /// # Errors
    /// When it is not there or may not be opened.
    pub fn open(number: u32) -> io::Result<Self> {
        Ok(Self { file: File::open(path(number))?, number })
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Where the device lies.
    pub fn path(&self) -> String {
        path(self.number)
    }

    /// How far it is from `CLOCK_REALTIME`, by the best way that its driver has: latched by hardware, else bracketed by the driver, else by the
    /// kernel; of many readings that with the tightest bracket.
    ///
    /// # Errors
    /// When the driver has none of them.
    pub fn read(&self) -> io::Result<Reading> {
        self.precise().or_else(|_| self.extended()).or_else(|_| self.simple())
    }

    fn precise(&self) -> io::Result<Reading> {
        let mut times = Precise::default();
        self.ask(SYS_OFFSET_PRECISE, &mut times)?;
        Ok(Reading { offset: ns(times.card) - ns(times.realtime), bound: 0, by: "PTP_SYS_OFFSET_PRECISE" })
    }

    fn extended(&self) -> io::Result<Reading> {
        let none = [[Time::default(); 3]; SAMPLES];
        let mut times = Extended { samples: samples(), clock: libc::CLOCK_REALTIME, _reserved: [0; 2], times: none };
        self.ask(SYS_OFFSET_EXTENDED, &mut times)?;
        tightest(times.times.into_iter(), "PTP_SYS_OFFSET_EXTENDED")
    }

    fn simple(&self) -> io::Result<Reading> {
        let none = [Time::default(); 2 * SAMPLES + 1];
        let mut times = Simple { samples: samples(), _reserved: [0; 3], times: none };
        self.ask(SYS_OFFSET, &mut times)?;
        tightest(in_turn(&times.times), "PTP_SYS_OFFSET")
    }

    fn ask<T>(&self, question: libc::Ioctl, answer: &mut T) -> io::Result<()> {
        // SAFETY: the request holds the size of `T`, and the kernel reads and writes no more than that where the pointer leads.
        let result = unsafe { libc::ioctl(self.file.as_raw_fd(), question, &raw mut *answer) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

fn path(number: u32) -> String {
    format!("/dev/ptp{number}")
}

#[allow(clippy::cast_possible_truncation, reason = "25")]
const fn samples() -> u32 {
    SAMPLES as u32
}

fn ns(time: Time) -> i64 {
    time.seconds.wrapping_mul(1_000_000_000).wrapping_add(i64::from(time.nanoseconds))
}

/// Host, card, host from readings that are taken in turn.
fn in_turn(times: &[Time]) -> impl Iterator<Item = [Time; 3]> {
    times.windows(3).step_by(2).filter_map(|window| window.first_chunk().copied())
}

/// The reading between two of the host's clock that lie closest together. A bracket whose end is before its beginning is none.
fn tightest(readings: impl Iterator<Item = [Time; 3]>, by: &'static str) -> io::Result<Reading> {
    let brackets = readings.filter_map(|[before, card, after]| {
        let (before, card, after) = (ns(before), ns(card), ns(after));
        let width = u64::try_from(after.checked_sub(before)?).ok()?;
        let middle = before.checked_add((width / 2).cast_signed())?;
        Some(Reading { offset: card.wrapping_sub(middle), bound: width.div_ceil(2), by })
    });
    brackets.min_by_key(|reading| reading.bound).ok_or_else(|| io::Error::other("its readings make no sense"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: i64) -> Time {
        let nanoseconds = u32::try_from(ns.rem_euclid(1_000_000_000)).unwrap();
        Time { seconds: ns.div_euclid(1_000_000_000), nanoseconds, _reserved: 0 }
    }

    #[test]
    fn the_requests_are_those_of_the_kernel() {
        assert_eq!((SYS_OFFSET, SYS_OFFSET_PRECISE, SYS_OFFSET_EXTENDED), (0x4340_3d05, 0xc040_3d08, 0xc4c0_3d09));
    }

    #[test]
    fn the_tightest_bracket_counts_and_bounds_the_error() {
        const HOUR: i64 = 3_600_000_000_000;
        let reading = |before: i64, card: i64, after: i64| [at(before), at(card), at(after)];
        // one that was held up, one that was not, and one whose clock was set meanwhile
        let readings = [
            reading(HOUR, HOUR + 90_037, HOUR + 90_000),
            reading(HOUR + 1_000_000_000, HOUR + 1_000_037_500, HOUR + 1_000_001_001),
            reading(HOUR + 2, HOUR, HOUR - 5),
        ];
        let read = tightest(readings.into_iter(), "x").unwrap();
        assert_eq!(read, Reading { offset: 37_000, bound: 501, by: "x" });
        assert!(tightest(readings[2..].iter().copied(), "x").is_err());
        // the card's clock may count from anywhere
        assert_eq!(tightest([reading(HOUR, 7, HOUR + 10)].into_iter(), "x").unwrap().offset, 2 - HOUR);
    }

    #[test]
    fn readings_in_turn_share_those_of_the_host() {
        let times: Vec<_> = (0..7).map(at).collect();
        let found: Vec<_> = in_turn(&times).map(|reading| reading.map(ns)).collect();
        assert_eq!(found, [[0, 1, 2], [2, 3, 4], [4, 5, 6]]);
    }

    #[test]
    fn a_clock_that_is_not_there_is_not_opened() {
        let missing = CardClock::open(4_000_000).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
