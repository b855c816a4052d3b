//! The streams of a run, each by itself: its packets are those of its flows.

use tailbed_format::flow::{FlowCounts, Volume};
use tailbed_format::packet::PacketRecord;
use tailbed_format::stream::{StreamFlows, StreamSummary};

use crate::counter::Counter;
use crate::interval::distribution;

/// One summary for each of the counters of [`crate::tally::Tally::by_stream`]; `misdelivered` is what the measuring agent says.
pub fn summaries(
    streams: &[StreamFlows],
    latencies: &[Counter],
    flows: &[FlowCounts],
    misdelivered: &[u64],
) -> Vec<StreamSummary> {
    let one = |(number, (stream, latency)): (usize, (&StreamFlows, &Counter))| {
        let own = flows.iter().filter(|flow| stream.flows.contains(&flow.flow));
        StreamSummary {
            name: stream.name.clone(),
            counts: own.fold(nothing(stream.flows.start), add),
            misdelivered: misdelivered.get(number).copied().unwrap_or(0),
            latency: distribution(latency),
            volume: None,
        }
    };
    streams.iter().zip(latencies).enumerate().map(one).collect()
}

/// Counts the bytes of each stream. `length` gives a packet's bytes without check sequence, by flow and sequence number; `duration` is
/// that of the counted part, ns.
pub fn count_bytes(
    summaries: &mut [StreamSummary],
    records: &[PacketRecord],
    streams: &[StreamFlows],
    length: impl Fn(u32, u64) -> u32,
    duration: u64,
) {
    /// IEEE 802.3-2022, 3.2.9.
    const FRAME_CHECK_SEQUENCE: u64 = 4;
    let mut volumes = vec![Volume { sent: 0, received: 0, duration }; summaries.len()];
    for record in records.iter().filter(|record| record.departure.due >= 0) {
        let volume = StreamFlows::find(streams, record.departure.flow).and_then(|stream| volumes.get_mut(stream));
        let Some(volume) = volume else { continue };
        let bytes = u64::from(length(record.departure.flow, record.departure.sequence)) + FRAME_CHECK_SEQUENCE;
        volume.sent += bytes;
        volume.received += if record.received.is_some() { bytes } else { 0 };
    }
    for (summary, volume) in summaries.iter_mut().zip(volumes) {
        summary.volume = Some(volume);
    }
}

/// The streams of all valid runs of a cell, from those of each run and its latencies; runs of a cell have the same streams.
pub fn pooled<'a>(runs: impl Iterator<Item = (&'a [StreamSummary], &'a [Counter])>) -> Vec<StreamSummary> {
    let mut all: Vec<(StreamSummary, Counter)> = Vec::new();
    for (streams, latencies) in runs {
        for (number, (stream, latency)) in streams.iter().zip(latencies).enumerate() {
            match all.get_mut(number) {
                None => all.push((stream.clone(), latency.clone())),
                Some((sum, pooled)) => {
                    sum.counts = add(sum.counts, &stream.counts);
                    sum.misdelivered += stream.misdelivered;
                    sum.volume = sum.volume.zip(stream.volume).map(|(sum, volume)| Volume {
                        sent: sum.sent + volume.sent,
                        received: sum.received + volume.received,
                        duration: sum.duration + volume.duration,
                    });
                    pooled.merge(latency);
                }
            }
        }
    }
    all.into_iter().map(|(stream, latency)| StreamSummary { latency: distribution(&latency), ..stream }).collect()
}

fn nothing(flow: u32) -> FlowCounts {
    FlowCounts { flow, sent: 0, received: 0, lost: 0, duplicates: 0, reordered: 0 }
}

fn add(sum: FlowCounts, counts: &FlowCounts) -> FlowCounts {
    FlowCounts {
        flow: sum.flow,
        sent: sum.sent + counts.sent,
        received: sum.received + counts.received,
        lost: sum.lost + counts.lost,
        duplicates: sum.duplicates + counts.duplicates,
        reordered: sum.reordered + counts.reordered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::match_packets;
    use crate::tally::Tally;
    use proptest::prelude::*;
    use tailbed_format::packet::{Arrival, Departure};

    fn streams(flows: &[u32]) -> Vec<StreamFlows> {
        let mut next = 0;
        let range = |(number, count): (usize, &u32)| {
            let start = next;
            next += count;
            StreamFlows { name: format!("s{number}"), flows: start..next }
        };
        flows.iter().enumerate().map(range).collect()
    }

    proptest! {
        /// Each stream's figures are those of its own packets, and all of them together are the run's; two runs pooled hold both.
        #[test]
        fn each_stream_speaks_for_itself(packets in proptest::collection::vec((0u32..6, proptest::option::of(0i64..1_000)), 1..200)) {
            let streams = streams(&[1, 3, 2]);
            let departure = |(number, (flow, _)): (usize, &(u32, _))| Departure {
                flow: *flow, sequence: number as u64, due: i64::try_from(number).unwrap(), sent: i64::try_from(number).unwrap(),
            };
            let departures: Vec<_> = packets.iter().enumerate().map(departure).collect();
            let arrivals: Vec<_> = departures.iter().zip(&packets).filter_map(|(departure, (_, latency))| {
                let at = departure.sent + (*latency)?;
                Some(Arrival { flow: departure.flow, sequence: departure.sequence, kernel: at, user: at })
            }).collect();
            let matched = match_packets(&departures, &arrivals, packets.len() as u64);
            let counters = Tally::of(&matched.records, &streams).by_stream;
            let mut found = summaries(&streams, &counters, &matched.flows, &[0, 7, 0]);
            count_bytes(&mut found, &matched.records, &streams, |flow, _| 60 + flow, 1_000);
            for (stream, own) in streams.iter().zip(&found) {
                let mine: Vec<_> = packets.iter().filter(|packet| stream.flows.contains(&packet.0)).collect();
                let received = mine.iter().filter(|packet| packet.1.is_some()).count() as u64;
                prop_assert_eq!((own.counts.sent, own.counts.received), (mine.len() as u64, received));
                prop_assert_eq!(own.counts.lost, own.counts.sent - received);
                prop_assert_eq!(own.latency.maximum, mine.iter().filter_map(|packet| packet.1).max().map(i64::cast_unsigned));
                let bytes: u64 = mine.iter().map(|packet| u64::from(64 + packet.0)).sum();
                prop_assert_eq!(own.volume.unwrap().sent, bytes);
            }
            prop_assert_eq!(found.iter().map(|stream| stream.counts.sent).sum::<u64>(), packets.len() as u64);
            prop_assert_eq!(found[1].misdelivered, 7);
            let twice = pooled([(&found[..], &counters[..]), (&found[..], &counters[..])].into_iter());
            for (once, twice) in found.iter().zip(&twice) {
                prop_assert_eq!((twice.counts.sent, twice.latency.count), (2 * once.counts.sent, 2 * once.latency.count));
                prop_assert_eq!((twice.misdelivered, twice.latency.maximum), (2 * once.misdelivered, once.latency.maximum));
            }
        }
    }

    #[test]
    fn one_stream_needs_no_summary_of_its_own() {
        assert!(Tally::new(&streams(&[5])).by_stream.is_empty());
    }
}
