//! The timestamper: records what passes links into pcapng files, from rings that the kernel fills.
//!
//! One thread empties the rings, puts what is in them into files, and sleeps meanwhile. All memory is taken before the first packet. Where
//! the rings hold all of a run's packets it does not wake before the traffic is over.

mod file;
mod pages;
pub mod pcapng;

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use rustix::time::Timespec;
use tailbed_format::capture::{BLOCK, Capture, Captured, CardClock as Card, RETIRE, Stamps, Tap, TapCount};

use crate::clock::{Clock, Sighting, Tsc};
use crate::port::{BlockRing, Passing, PortError, TapRing};
use crate::stamping::{self, Abilities, CardClock, Reading};
use crate::stop::Stop;
use file::Draft;
use pages::Pages;

/// Where named network namespaces are (ip-netns(8)).
const NAMESPACES: &str = "/run/netns";

/// Nothing could be recorded, or not all of it be written.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// A tap could not be opened.
    #[error("cannot tap the frames from {from} to {to}: {source}")]
    Tap {
        /// Who sends them.
        from: String,
        /// Whom they are for.
        to: String,
        /// Why not.
        source: Box<PortError>,
    },
    /// Its namespace cannot be entered.
    #[error("cannot tap the frames from {from} to {to}: cannot enter the network namespace {namespace}: {source}")]
    Namespace {
        /// Who sends them.
        from: String,
        /// Whom they are for.
        to: String,
        /// The namespace.
        namespace: String,
        /// Why not.
        source: io::Error,
    },
    /// Its interface has no card that could stamp.
    #[error(
        "cannot have stamps of a network card at {interface}: its driver says {said}; leave `stamps` out to have the kernel's"
    )]
    NoCard {
        /// The interface.
        interface: String,
        /// What the driver says, a clause.
        said: String,
    },
    /// Two cards, and nobody who relates their clocks.
    #[error(
        "the tapped interfaces have two clocks, ptp{0} and ptp{1}: a difference of their stamps would be that of the clocks as well; tap ports of \
         one card, or leave `stamps` out to have the kernel's"
    )]
    TwoClocks(u32, u32),
    /// A card's clock cannot be read.
    #[error("cannot read the clock of the network card by /dev/ptp{clock}: {source}")]
    Clock {
        /// Its number.
        clock: u32,
        /// Why not.
        source: io::Error,
    },
    /// A file cannot be made or written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Nobody has asked for what was captured.
    #[error("the capture was left by who had it made: nothing of it is kept")]
    Abandoned,
}

/// Everything a capture takes, ready to begin.
#[derive(Debug)]
pub struct Recorder {
    taps: Vec<Tapped>,
    /// ns.
    every: Option<u64>,
    first: Sighting,
    reading: u64,
    /// Where a card stamps: its clock, and how it stood before.
    card: Option<(CardClock, Reading)>,
}

/// A tap with its ring and its file.
#[derive(Debug)]
struct Tapped {
    blocks: TapRing,
    pages: Pages,
    draft: Draft,
    path: PathBuf,
    limit: u64,
    count: TapCount,
}

/// Opens every tap and begins every file. Frames that pass from now on are in the capture.
///
/// # Errors
/// When a namespace, an interface or a file cannot be opened.
pub fn open(order: &Capture) -> Result<Recorder, CaptureError> {
    let first = Tsc.sight_tightest(64);
    let reading = bracket_in_ns(first);
    let card = if order.stamps == Stamps::Hardware { card_of(&order.taps)? } else { None };
    let said = comment(reading, card.as_ref());
    let taps = order.taps.iter().map(|tap| tapped(tap, order, &said)).collect::<Result<_, _>>()?;
    Ok(Recorder { taps, every: order.every, first, reading, card })
}

/// The bracket of a sighting in ns: the counter's rate is taken from the time since.
fn bracket_in_ns(first: Sighting) -> u64 {
    // a rate that is right to a percent is enough for a bound of some tens of ns
    const OBSERVED: u64 = 1_000_000;
    loop {
        let now = Tsc.sight();
        match first.ticks_per_ns(&now).filter(|rate| *rate > 0.0) {
            Some(rate) if now.monotonic - first.monotonic >= OBSERVED => {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some tens of ns")]
                return (first.bracket as f64 / rate).ceil() as u64;
            }
            _ => std::thread::sleep(Duration::from_nanos(OBSERVED)),
        }
    }
}

/// The one clock of all taps, and how it stands; `None` without a tap.
fn card_of(taps: &[Tap]) -> Result<Option<(CardClock, Reading)>, CaptureError> {
    let mut clock = None;
    for tap in taps {
        let abilities = in_namespace_of(tap, || stamping::abilities(&tap.interface))?;
        let no_card = |said| CaptureError::NoCard { interface: tap.interface.clone(), said };
        let abilities: Abilities = abilities.map_err(|error| no_card(format!("nothing ({error})")))?;
        let number = abilities.stamps_all().ok_or_else(|| no_card(abilities.to_string()))?;
        if let Some(first) = clock.replace(number).filter(|first| *first != number) {
            return Err(CaptureError::TwoClocks(first, number));
        }
    }
    let Some(number) = clock else { return Ok(None) };
    let failed = |source| CaptureError::Clock { clock: number, source };
    let clock = CardClock::open(number).map_err(failed)?;
    let reading = clock.read().map_err(failed)?;
    Ok(Some((clock, reading)))
}

fn tapped(tap: &Tap, order: &Capture, said: &str) -> Result<Tapped, CaptureError> {
    let path = Path::new(&order.folder).join(&tap.name).with_extension("pcapng");
    let failed = |source| CaptureError::File { path: path.clone(), source };
    let mut draft = Draft::begin(&path, tap.expected.min(order.limit)).map_err(failed)?;
    let mut head = Vec::new();
    let interface =
        pcapng::Interface { name: tap.interface.clone(), description: description(tap, order.stamps), snap: order.snap };
    pcapng::begin(&order.origin, said, &interface, &mut head);
    draft.write(&head).map_err(failed)?;
    let ring = BlockRing {
        block: BLOCK,
        blocks: tap.blocks,
        retire: RETIRE,
        snap: order.snap,
        passing: if tap.outgoing { Passing::Outgoing } else { Passing::Incoming },
        hardware: order.stamps == Stamps::Hardware,
    };
    let blocks = open_in(tap, &ring)?;
    Ok(Tapped { blocks, pages: Pages::new(order.snap), draft, path, limit: order.limit, count: TapCount::default() })
}

fn description(tap: &Tap, stamps: Stamps) -> String {
    let where_seen = if tap.outgoing { "as they leave by" } else { "as they come in by" };
    let stamps = match stamps {
        Stamps::Software => "software",
        Stamps::Hardware => "hardware",
    };
    format!("frames from {} to {}, {where_seen} {}; {stamps} stamps", tap.from, tap.to, tap.interface)
}

/// What is to be known of the stamps.
fn comment(reading: u64, card: Option<&(CardClock, Reading)>) -> String {
    match card {
        None => format!(
            "clock: CLOCK_REALTIME of this host. stamps: software, taken by the kernel as it takes a frame over from the interface, before \
             any socket sees it. error: clocks read together within {reading} ns; how long a frame waited before its stamp is not in it: \
             nothing on a virtual link, where it is taken in the sender's call, an interrupt on a network card. A difference of two stamps \
             of this host has no error of the clock's offset."
        ),
        Some((clock, Reading { offset, bound, by })) => format!(
            "clock: {}, the network card's own, not set by this program; {offset} ns ahead of CLOCK_REALTIME of this host when the capture began \
             (within {bound} ns, {by}). stamps: hardware, taken by the card as a frame passes its plug. error: that of the card, see its data \
             sheet; this host's clocks read together within {reading} ns. A difference of two stamps of this clock has no error of its \
             offset.",
            clock.path()
        ),
    }
}

/// Opens the ring where the interface lies; the socket stays where it was made.
fn open_in(tap: &Tap, ring: &BlockRing) -> Result<TapRing, CaptureError> {
    let opened = in_namespace_of(tap, || TapRing::open(&tap.interface, ring))?;
    opened.map_err(|source| CaptureError::Tap { from: tap.from.clone(), to: tap.to.clone(), source: Box::new(source) })
}

/// Does something where the interface of a tap lies. Namespaces belong to threads: only a thread that ends with the work changes its own.
fn in_namespace_of<T: Send>(tap: &Tap, work: impl FnOnce() -> T + Send) -> Result<T, CaptureError> {
    let Some(namespace) = &tap.namespace else { return Ok(work()) };
    let inside = || {
        let file = File::open(Path::new(NAMESPACES).join(namespace))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(work())
    };
    let done: io::Result<_> = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("namespace".to_owned()).spawn_scoped(scope, inside)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace panicked")))
    });
    let (from, to) = (tap.from.clone(), tap.to.clone());
    done.map_err(|source| CaptureError::Namespace { from, to, namespace: namespace.clone(), source })
}

impl Recorder {
    /// Records until the flag is raised and everything that had passed by then is in the files, which appear when this returns.
    ///
    /// # Errors
    /// When a file cannot be written; then none of those not yet whole is left. When whoever had it made is gone: none at all.
    pub fn run(mut self, stop: &Stop) -> Result<Captured, CaptureError> {
        while !stop.is_raised() {
            sleep(&mut [PollFd::new(stop, PollFlags::IN)], self.every);
            if self.every.is_some() {
                self.taps.iter_mut().try_for_each(Tapped::empty_ring)?;
            }
        }
        if stop.is_abandoned() {
            return Err(CaptureError::Abandoned);
        }
        self.taps.iter_mut().try_for_each(Tapped::empty_ring_for_good)?;
        let last = Tsc.sight_tightest(64);
        let shift = offset(last).wrapping_sub(offset(self.first));
        let time = [self.first.realtime, last.realtime];
        let card = self.card.map(card_afterwards).transpose()?;
        let taps = self.taps.into_iter().map(|tapped| tapped.finish(time, shift, card.as_ref())).collect::<Result<_, _>>()?;
        Ok(Captured { taps, reading: self.reading, shift, card })
    }
}

/// Reads a card's clock again.
fn card_afterwards((clock, before): (CardClock, Reading)) -> Result<Card, CaptureError> {
    let after = clock.read().map_err(|source| CaptureError::Clock { clock: clock.number(), source })?;
    Ok(Card {
        device: clock.path(),
        by: after.by.to_owned(),
        before: before.offset,
        after: after.offset,
        bound: before.bound.max(after.bound),
    })
}

/// Realtime minus monotonic, ns.
fn offset(sighting: Sighting) -> i64 {
    sighting.realtime.wrapping_sub(sighting.monotonic).cast_signed()
}

/// Sleeps until one of the descriptors is ready, or for so many ns.
fn sleep(until: &mut [PollFd<'_>], ns: Option<u64>) {
    let timeout = ns.map(|ns| Timespec {
        tv_sec: i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: (ns % 1_000_000_000).cast_signed(),
    });
    // An interrupted sleep is a short one, and the caller looks again in any case.
    let _ = poll(until, timeout.as_ref());
}

impl Tapped {
    /// Takes what the kernel has handed over.
    fn empty_ring(&mut self) -> Result<(), CaptureError> {
        let Self { blocks, pages, draft, path, limit, count } = self;
        loop {
            let taken = blocks.take(|block| {
                for frame in block.frames() {
                    let length = pcapng::packet_length(frame.bytes.len() + 4) + pages.length();
                    if draft.length() + length as u64 > *limit {
                        count.left_out += 1;
                        continue;
                    }
                    pages.add(&frame);
                    count.written += 1;
                    count.otherwise_stamped += u64::from(!frame.as_asked);
                    if pages.is_full() {
                        pages.give_out(false, |bytes| draft.write(bytes))?;
                    }
                }
                Ok(())
            });
            match taken {
                None => return Ok(()),
                Some(written) => written.map_err(|source| CaptureError::File { path: path.clone(), source })?,
            }
        }
    }

    /// Takes what the kernel has counted, whether its block is full or not: one that is open is handed over in time.
    fn empty_ring_for_good(&mut self) -> Result<(), CaptureError> {
        loop {
            self.empty_ring()?;
            let (counted, dropped) = self.blocks.counted();
            self.count.dropped = dropped;
            if self.count.written + self.count.left_out + dropped >= counted {
                return Ok(());
            }
            sleep(&mut [PollFd::new(&self.blocks, PollFlags::IN)], Some(u64::from(RETIRE) * 1_000_000));
        }
    }

    fn finish(mut self, time: [u64; 2], shift: i64, card: Option<&Card>) -> Result<TapCount, CaptureError> {
        let Self { pages, draft, path, count, .. } = &mut self;
        let mut tail = Vec::new();
        let received = count.written + count.left_out + count.dropped;
        let statistics = pcapng::Statistics {
            time,
            received,
            dropped: count.dropped,
            delivered: count.written,
            comment: remark(count, shift, card),
        };
        pcapng::end(&statistics, &mut tail);
        let written = pages.give_out(true, |bytes| draft.write(bytes)).and_then(|()| draft.write(&tail));
        let failed = |source| CaptureError::File { path: path.clone(), source };
        written.map_err(failed)?;
        count.bytes = draft.length();
        let (count, path) = (*count, path.clone());
        self.draft.finish().map_err(|source| CaptureError::File { path, source })?;
        Ok(count)
    }
}

/// What the end of the file says besides the counts.
fn remark(count: &TapCount, shift: i64, card: Option<&Card>) -> String {
    let mut text = format!("CLOCK_REALTIME moved by {shift} ns against CLOCK_MONOTONIC meanwhile");
    if let Some(Card { device, by, before, after, bound }) = card {
        let moved = after.wrapping_sub(*before);
        let _ = write!(text, "; {device} moved by {moved} ns against CLOCK_REALTIME (read within {bound} ns, {by})");
    }
    if !count.is_complete() {
        let TapCount { dropped, left_out, .. } = count;
        let _ = write!(
            text,
            "; incomplete: {dropped} frames found no room in the ring, {left_out} were left out at the limit of the file"
        );
    }
    if count.otherwise_stamped > 0 {
        let instead = if card.is_some() {
            "a stamp of the kernel's in place of the card's"
        } else {
            "a later stamp of the kernel's than the others"
        };
        let _ = write!(text, "; {} frames have {instead}", count.otherwise_stamped);
    }
    text
}
