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
use tailbed_format::capture::{BLOCK, Capture, Captured, RETIRE, Stamps, Tap, TapCount};

use crate::clock::{Clock, Sighting, Tsc};
use crate::port::{BlockRing, Passing, PortError, TapRing};
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
    /// A file cannot be made or written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Everything a capture takes, ready to begin.
#[derive(Debug)]
pub struct Recorder {
    taps: Vec<Tapped>,
    /// ns.
    every: Option<u64>,
    first: Sighting,
    reading: u64,
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
    let taps = order.taps.iter().map(|tap| tapped(tap, order, reading)).collect::<Result<_, _>>()?;
    Ok(Recorder { taps, every: order.every, first, reading })
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

fn tapped(tap: &Tap, order: &Capture, reading: u64) -> Result<Tapped, CaptureError> {
    let path = Path::new(&order.folder).join(&tap.name).with_extension("pcapng");
    let failed = |source| CaptureError::File { path: path.clone(), source };
    let mut draft = Draft::begin(&path, tap.expected.min(order.limit)).map_err(failed)?;
    let mut head = Vec::new();
    let interface =
        pcapng::Interface { name: tap.interface.clone(), description: description(tap, order.stamps), snap: order.snap };
    pcapng::begin(&order.origin, &comment(order.stamps, reading), &interface, &mut head);
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
fn comment(stamps: Stamps, reading: u64) -> String {
    match stamps {
        Stamps::Software => format!(
            "clock: CLOCK_REALTIME of this host. stamps: software, taken by the kernel as it takes a frame over from the interface, before \
             any socket sees it. error: clocks read together within {reading} ns; how long a frame waited before its stamp is not in it: \
             nothing on a virtual link, where it is taken in the sender's call, an interrupt on a network card. A difference of two stamps \
             of this host has no error of the clock's offset."
        ),
        Stamps::Hardware => format!(
            "clock: the network card's own, not set by this host. stamps: hardware, taken by the card as a frame passes its plug. error: \
             that of the card, see its data sheet; this host's clocks read together within {reading} ns."
        ),
    }
}

/// Opens the ring where the interface lies. Namespaces belong to threads: only a thread that ends with the work changes its own; the socket
/// stays where it was made.
fn open_in(tap: &Tap, ring: &BlockRing) -> Result<TapRing, CaptureError> {
    let (from, to) = (tap.from.clone(), tap.to.clone());
    let open = || TapRing::open(&tap.interface, ring);
    let opened = match &tap.namespace {
        None => open(),
        Some(namespace) => {
            let inside = || {
                let file = File::open(Path::new(NAMESPACES).join(namespace))?;
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
                Ok(open())
            };
            let opened: io::Result<_> = std::thread::scope(|scope| {
                let thread = std::thread::Builder::new().name("namespace".to_owned()).spawn_scoped(scope, inside)?;
                thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace panicked")))
            });
            let (from, to) = (from.clone(), to.clone());
            opened.map_err(|source| CaptureError::Namespace { from, to, namespace: namespace.clone(), source })?
        }
    };
    opened.map_err(|source| CaptureError::Tap { from, to, source: Box::new(source) })
}

impl Recorder {
    /// Records until the flag is raised and everything that had passed by then is in the files, which appear when this returns.
    ///
    /// # Errors
    /// When a file cannot be written; then none of those not yet whole is left.
    pub fn run(mut self, stop: &Stop) -> Result<Captured, CaptureError> {
        while !stop.is_raised() {
            sleep(&mut [PollFd::new(stop, PollFlags::IN)], self.every);
            if self.every.is_some() {
                self.taps.iter_mut().try_for_each(Tapped::empty_ring)?;
            }
        }
        self.taps.iter_mut().try_for_each(Tapped::empty_ring_for_good)?;
        let last = Tsc.sight_tightest(64);
        let shift = offset(last).wrapping_sub(offset(self.first));
        let time = [self.first.realtime, last.realtime];
        let taps = self.taps.into_iter().map(|tapped| tapped.finish(time, shift)).collect::<Result<_, _>>()?;
        Ok(Captured { taps, reading: self.reading, shift })
    }
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

    fn finish(mut self, time: [u64; 2], shift: i64) -> Result<TapCount, CaptureError> {
        let Self { pages, draft, path, count, .. } = &mut self;
        let mut tail = Vec::new();
        let received = count.written + count.left_out + count.dropped;
        let statistics = pcapng::Statistics {
            time,
            received,
            dropped: count.dropped,
            delivered: count.written,
            comment: remark(count, shift),
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
fn remark(count: &TapCount, shift: i64) -> String {
    let mut text = format!("CLOCK_REALTIME moved by {shift} ns against CLOCK_MONOTONIC meanwhile");
    if !count.is_complete() {
        let TapCount { dropped, left_out, .. } = count;
        let _ = write!(
            text,
            "; incomplete: {dropped} frames found no room in the ring, {left_out} were left out at the limit of the file"
        );
    }
    if count.otherwise_stamped > 0 {
        let _ = write!(text, "; {} frames have a later stamp of the kernel's than the others", count.otherwise_stamped);
    }
    text
}
