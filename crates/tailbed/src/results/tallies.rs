//! The packets of many runs, counted on all cores with bounded memory.
//!
//! Row groups are what can be read by itself, so a run's are divided among threads, and runs of few row groups are counted side by side. A
//! wave is as many parts as there are threads; what it counted is joined in order and handed on before the next begins.

use std::num::NonZero;
use std::ops::Range;
use std::panic;
use std::path::Path;
use std::sync::Once;
use std::thread;

use anyhow::{Context, anyhow};
use tailbed_format::stream::StreamFlows;
use tailbed_stats::tally::Tally;

use super::packets::Packets;

/// A file of packets to be counted.
pub(crate) struct Source<'a> {
    /// The file.
    pub(crate) path: &'a Path,
    /// Which flows each stream has; nobody asks where there is but one.
    pub(crate) streams: &'a [StreamFlows],
}

/// Part of a file.
struct Part<'p, 'a> {
    source: usize,
    packets: &'p Packets,
    groups: Range<usize>,
    streams: &'a [StreamFlows],
}

/// Name of the threads that read.
const READER: &str = "records";

/// As many as the machine runs at once.
pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// What a file amounts to so far.
type Joined<'a> = Option<anyhow::Result<Tally<'a>>>;

/// Counts every file; `each` is called with its place and what it amounts to, or what is wrong with it, in the order of `sources`.
pub(crate) fn count<'a>(sources: &[Source<'a>], threads: usize, mut each: impl FnMut(usize, anyhow::Result<Tally<'a>>)) {
    let threads = threads.max(1);
    let mut joined: Vec<Joined<'a>> = Vec::with_capacity(sources.len());
    let mut opened = Vec::with_capacity(sources.len());
    for source in sources {
        let (packets, broken) = match Packets::open(source.path) {
            Ok(packets) => (Some(packets), None),
            Err(error) => (None, Some(Err(error))),
        };
        opened.push(packets);
        joined.push(broken);
    }
    let parts = opened.iter().zip(sources).enumerate().filter_map(|(source, (packets, &Source { streams, .. }))| {
        let packets = packets.as_ref()?;
        Some(spans(packets.groups(), threads).map(move |groups| Part { source, packets, groups, streams }))
    });
    let parts: Vec<Part<'_, 'a>> = parts.flatten().collect();
    let mut given = 0;
    let mut give = |joined: &mut [Joined<'a>], until: usize| {
        while given < until {
            // a file without row groups has no packets
            each(given, joined[given].take().unwrap_or_else(|| Ok(Tally::new(sources[given].streams))));
            given += 1;
        }
    };
    for wave in parts.chunks(threads) {
        for (part, counted) in wave.iter().zip(counted(wave)) {
            let place = &mut joined[part.source];
            *place = Some(match (place.take(), counted) {
                (None, counted) => counted,
                (Some(Ok(mut before)), Ok(after)) => {
                    before.append(&after);
                    Ok(before)
                }
                (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            });
        }
        // the last may go on in the next wave
        give(&mut joined, wave.last().map_or(0, |part| part.source));
    }
    give(&mut joined, sources.len());
}

/// Counts parts side by side; gives what each amounts to, in order.
fn counted<'a>(wave: &[Part<'_, 'a>]) -> Vec<anyhow::Result<Tally<'a>>> {
    hush();
    thread::scope(|scope| {
        let mut begun = Vec::with_capacity(wave.len());
        for part in wave {
            let count = move || part.packets.tally(part.groups.clone(), part.streams);
            begun.push(thread::Builder::new().name(READER.to_owned()).spawn_scoped(scope, count));
        }
        let ended = begun.into_iter().map(|thread| {
            let thread = thread.context("cannot start a thread")?;
            thread.join().unwrap_or_else(|_| Err(anyhow!("it cannot be decoded")))
        });
        ended.collect()
    })
}

/// The decoder gives up on some damaged files by panicking. That is caught, and what is told of the file is enough.
fn hush() {
    static HUSHED: Once = Once::new();
    HUSHED.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if thread::current().name() != Some(READER) {
                usual(panicked);
            }
        }));
    });
}

/// As equal spans as can be, at most so many, none of them empty.
fn spans(groups: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.min(groups);
    (0..parts).map(move |part| groups * part / parts..groups * (part + 1) / parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::packet::{Departure, PacketRecord, Received};

    fn records(count: i64, base: i64) -> Vec<PacketRecord> {
        let record = |number: i64| PacketRecord {
            departure: Departure {
                flow: 0,
                sequence: number.unsigned_abs(),
                due: (number - 3) / 2 * 10,
                sent: (number - 3) * 5 + 2,
            },
            received: (number % 11 != 0)
                .then_some(Received { kernel: number * 5 + base + number % 97, user: number * 5 + base + 200 }),
        };
        (0..count).map(record).collect()
    }

    #[test]
    fn every_file_is_counted_in_order_whatever_the_number_of_threads() {
        let folder = tempfile::tempdir().unwrap();
        let path = |number: usize| folder.path().join(format!("{number}.parquet"));
        // of three row groups, of one, broken, of none, of two
        let runs = [records(250, 0), records(40, 900), Vec::new(), Vec::new(), records(101, 7)];
        for (number, records) in runs.iter().enumerate() {
            super::super::packets::write_in_groups(&path(number), records, |_, _| 60, 100).unwrap();
        }
        std::fs::write(path(2), "PAR1").unwrap();
        let paths: Vec<_> = (0..runs.len()).map(path).collect();
        let sources: Vec<_> = paths.iter().map(|path| Source { path, streams: &[] }).collect();
        for threads in [1, 2, 3, 8] {
            let mut places = Vec::new();
            count(&sources, threads, |place, tally| {
                places.push(place);
                let Ok(tally) = tally else {
                    assert_eq!(place, 2);
                    return;
                };
                let expected = Tally::of(&runs[place], &[]);
                assert_eq!((tally.sent, tally.received), (expected.sent, expected.received), "{place} by {threads}");
                assert!(tally.latency.iter().eq(expected.latency.iter()));
                assert!(tally.lateness().iter().eq(expected.lateness().iter()));
                assert_eq!(tally.worst.records(), expected.worst.records());
            });
            assert_eq!(places, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn spans_cover_all_groups_once() {
        for (groups, parts) in [(0, 3), (1, 3), (7, 3), (3, 3), (5, 1)] {
            let spans: Vec<_> = spans(groups, parts).collect();
            assert!(spans.len() <= parts && spans.iter().all(|span| !span.is_empty()));
            assert!(spans.into_iter().flatten().eq(0..groups));
        }
    }
}
