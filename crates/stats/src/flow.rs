//! The flows of a run, each by itself, and the bytes of all.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use tailbed_format::flow::{FlowCounts, FlowSummary, FlowTable, Volume};
use tailbed_format::order::Measure;
use tailbed_format::packet::PacketRecord;
use tailbed_format::percentile::Percentile;
use tailbed_format::traffic::Flows;

use crate::interval::needed;

/// Every flow with its latencies, in the order of `counts` (ascending); warm-up left out.
///
/// Takes 8 bytes per packet received, and looks at each packet twice.
pub fn summaries(records: &[PacketRecord], counts: &[FlowCounts]) -> Vec<FlowSummary> {
    let place = |flow: u32| match counts.get(flow as usize) {
        // flows are mostly numbered from 0 on
        Some(there) if there.flow == flow => Some(flow as usize),
        _ => counts.binary_search_by_key(&flow, |counts| counts.flow).ok(),
    };
    let latencies = || {
        let counted = records.iter().filter(|record| record.departure.due >= 0);
        counted.filter_map(|record| Some((place(record.departure.flow)?, u64::try_from(record.latency()?).ok()?)))
    };
    let mut ends = vec![0; counts.len()];
    latencies().for_each(|(flow, _)| ends[flow] += 1);
    let mut sum = 0;
    let start = |&packets: &usize| {
        sum += packets;
        sum - packets
    };
    let mut starts: Vec<usize> = ends.iter().map(start).collect();
    let mut sorted = vec![0; sum];
    for (flow, latency) in latencies() {
        sorted[starts[flow]] = latency;
        starts[flow] += 1;
    }
    let mut rest = sorted.as_mut_slice();
    let one = |(counts, packets): (&FlowCounts, usize)| {
        let (own, others) = std::mem::take(&mut rest).split_at_mut(packets);
        rest = others;
        own.sort_unstable();
        summary(*counts, own)
    };
    counts.iter().zip(ends).map(one).collect()
}

/// One flow from its latencies, ascending.
fn summary(counts: FlowCounts, latencies: &[u64]) -> FlowSummary {
    let n = latencies.len() as u64;
    let at = |percentile: &Percentile| {
        let enough = needed(*percentile).is_some_and(|needed| n >= needed);
        let rank = usize::try_from(percentile.rank(n)).ok()?.checked_sub(1)?;
        latencies.get(rank).copied().filter(|_| enough)
    };
    FlowSummary {
        counts,
        minimum: latencies.first().copied(),
        percentiles: Percentile::REPORTED.iter().map(at).collect(),
        maximum: latencies.last().copied(),
    }
}

/// What of the flows goes into the run's summary; `None` when there is but one, of which the run itself says all.
pub fn table(summaries: &[FlowSummary]) -> Option<FlowTable> {
    if summaries.len() < 2 {
        return None;
    }
    let mut worst: Vec<&FlowSummary> = summaries.iter().collect();
    worst.sort_by_key(|flow| (Reverse(flow.counts.lost), Reverse(flow.maximum), flow.counts.flow));
    worst.truncate(FlowTable::SHOWN);
    Some(FlowTable { count: summaries.len() as u64, worst: worst.into_iter().cloned().collect() })
}

/// All flows as CSV, with what their packets have in their headers; times in ns. A value that is not there is left out. Where there are
/// several streams each flow's is named first.
pub fn csv(summaries: &[FlowSummary], order: &Measure) -> String {
    let streams: Vec<_> = order.flows_by_stream().into_iter().zip(order.streams()).collect();
    let several = streams.len() > 1;
    let titles: Vec<_> = Percentile::REPORTED.iter().map(|percentile| format!("{percentile}_ns")).collect();
    let mut text = format!(
        "{}flow,outer_vlan,vlan,source,destination,source_port,destination_port,sent,received,lost,duplicates,reordered,min_ns,{},max_ns\n",
        if several { "stream," } else { "" },
        titles.join(",")
    );
    for summary in summaries {
        let Some((range, stream)) = streams.iter().find(|(range, _)| range.flows.contains(&summary.counts.flow)) else {
            continue;
        };
        if several {
            let _ = write!(text, "{},", range.name);
        }
        row(summary, &stream.shape.flows, summary.counts.flow - range.flows.start, &mut text);
    }
    text
}

/// A row of what there is to say of a flow, which is number `own` of its stream.
fn row(summary: &FlowSummary, flows: &Flows, own: u32, text: &mut String) {
    let FlowSummary { counts, minimum, percentiles, maximum } = summary;
    let FlowCounts { flow, sent, received, lost, duplicates, reordered } = *counts;
    let value = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
    let (vlan, outer) = match flows.tags.as_slice() {
        [] => (None, None),
        [tag] => (Some(tag), None),
        [outer, tag, ..] => (Some(tag), Some(outer)),
    };
    let [vlan, outer] = [vlan, outer].map(|tag| value(tag.map(|tag| tag.id.of(own).into())));
    let [source, destination] = [flows.source, flows.destination].map(|rule| Ipv4Addr::from(rule.of(own)));
    let [from, to] = [flows.source_port, flows.destination_port].map(|rule| rule.of(own));
    let times: Vec<_> = [minimum].into_iter().chain(percentiles).chain([maximum]).map(|time| value(*time)).collect();
    let _ = writeln!(
        text,
        "{flow},{outer},{vlan},{source},{destination},{from},{to},{sent},{received},{lost},{duplicates},{reordered},{}",
        times.join(",")
    );
}

/// The bytes on the wire of the counted packets. `length` gives a packet's bytes without check sequence, by flow and sequence number;
/// `duration` is that of the counted part, ns.
pub fn volume(records: &[PacketRecord], length: impl Fn(u32, u64) -> u32, duration: u64) -> Volume {
    /// IEEE 802.3-2022, 3.2.9.
    const FRAME_CHECK_SEQUENCE: u64 = 4;
    let mut volume = Volume { sent: 0, received: 0, duration };
    for record in records.iter().filter(|record| record.departure.due >= 0) {
        let bytes = u64::from(length(record.departure.flow, record.departure.sequence)) + FRAME_CHECK_SEQUENCE;
        volume.sent += bytes;
        volume.received += if record.received.is_some() { bytes } else { 0 };
    }
    volume
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::match_packets;
    use proptest::prelude::*;
    use tailbed_format::mac::MacAddress;
    use tailbed_format::order::{Path, Schedule, Scheduling, Wait};
    use tailbed_format::packet::{Arrival, Departure};
    use tailbed_format::stream::Stream;
    use tailbed_format::traffic::{Rule, Shape, Tag};

    fn run(packets: &[(u32, Option<u64>)]) -> (Vec<PacketRecord>, Vec<FlowCounts>) {
        let mut departures = Vec::new();
        let mut arrivals = Vec::new();
        for (number, &(flow, latency)) in (0_i64..).zip(packets) {
            let sequence = packets[..usize::try_from(number).unwrap()].iter().filter(|(other, _)| *other == flow).count() as u64;
            departures.push(Departure { flow, sequence, due: number, sent: number });
            let arrival = |latency: u64| number + i64::try_from(latency).unwrap();
            arrivals.extend(latency.map(arrival).map(|at| Arrival { flow, sequence, kernel: at, user: at }));
        }
        let matched = match_packets(&departures, &arrivals, packets.len() as u64);
        (matched.records, matched.flows)
    }

    proptest! {
        /// Each flow's figures are those of its own packets, and all of them together are the run's.
        #[test]
        fn each_flow_speaks_for_itself(packets in proptest::collection::vec((0u32..4, proptest::option::of(0u64..1_000)), 1..300)) {
            let (records, counts) = run(&packets);
            let found = summaries(&records, &counts);
            for flow in &found {
                let id = flow.counts.flow;
                let mut own: Vec<_> = packets.iter().filter(|packet| packet.0 == id).filter_map(|packet| packet.1).collect();
                own.sort_unstable();
                prop_assert_eq!((flow.minimum, flow.maximum), (own.first().copied(), own.last().copied()));
                prop_assert_eq!(flow.counts.received, own.len() as u64);
                let median = (own.len() >= 20).then(|| own[own.len().div_ceil(2) - 1]);
                prop_assert_eq!(flow.percentiles[0], median);
            }
            prop_assert_eq!(found.iter().map(|flow| flow.counts.sent).sum::<u64>(), packets.len() as u64);
            let bytes = volume(&records, |flow, _| 60 + flow, 1_000_000_000);
            prop_assert_eq!(bytes.sent, packets.iter().map(|packet| 64 + u64::from(packet.0)).sum::<u64>());
            let received = packets.iter().filter(|packet| packet.1.is_some());
            prop_assert_eq!(bytes.received, received.map(|packet| 64 + u64::from(packet.0)).sum::<u64>());
        }
    }

    fn order(flows: Flows) -> Measure {
        Measure {
            name: String::new(),
            path: Path::Interfaces { transmit: "tx".to_owned(), receive: "rx".to_owned() },
            ports: tailbed_format::port::Ports::LATENCY,
            frame: 60,
            source: MacAddress::local(1, 1),
            destination: MacAddress::local(1, 2),
            shown: false,
            sockets: Vec::new(),
            tag: 1,
            schedule: Schedule { rate: 1, warm_up: 0, duration: 1 },
            shape: Shape { flows, ..Shape::default() },
            drain: 0,
            gap: 0,
            scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block },
            more: Vec::new(),
        }
    }

    #[test]
    fn the_worst_flows_are_shown_and_all_are_written() {
        let packets: Vec<_> = (0..30).map(|n| (n % 15, if n == 3 { None } else { Some(u64::from(n) * 10) })).collect();
        let (records, counts) = run(&packets);
        let found = summaries(&records, &counts);
        let table = table(&found).unwrap();
        let worst: Vec<_> = table.worst.iter().map(|flow| flow.counts.flow).collect();
        assert_eq!((table.count, worst), (15, vec![3, 14, 13, 12, 11, 10, 9, 8, 7, 6]));
        let tags = vec![Tag { ethertype: 0x8100, id: Rule { first: 100, count: 4, every: 1 } }];
        let order = order(Flows { count: 15, tags, ..Flows::default() });
        let one = csv(&found, &order);
        assert_eq!(one.lines().count(), 16);
        assert_eq!(one.lines().nth(4), Some("3,,103,198.18.0.1,198.19.0.1,49152,9,2,1,1,0,0,180,,,,,,,,180"));
        // the same flows as those of two streams: the second's begin anew
        let Measure { frame, source, destination, ref schedule, ref shape, .. } = order;
        let shape = |count| Shape { flows: Flows { count, ..shape.flows.clone() }, ..shape.clone() };
        let name = "back".to_owned();
        let (transmit, receive, schedule) = ("rx".to_owned(), "tx".to_owned(), schedule.clone());
        let back = Stream { name, transmit, receive, frame, source, destination, schedule, shape: shape(12) };
        let both = csv(&found, &Measure { name: "forth".to_owned(), shape: shape(3), more: vec![back], ..order.clone() });
        assert!(both.starts_with("stream,flow,"), "{both}");
        assert!(both.lines().nth(3).unwrap().starts_with("forth,2,,102,"), "{both}");
        assert_eq!(both.lines().nth(4), Some("back,3,,100,198.18.0.1,198.19.0.1,49152,9,2,1,1,0,0,180,,,,,,,,180"));
    }

    #[test]
    fn one_flow_needs_no_table() {
        let (records, counts) = run(&[(0, Some(1)), (0, Some(2))]);
        assert_eq!(super::table(&summaries(&records, &counts)), None);
    }

    #[test]
    fn a_volume_is_a_rate() {
        let volume = Volume { sent: 125_000_000, received: 0, duration: 2_000_000_000 };
        assert!((volume.rate(volume.sent) - 5e8).abs() < 1.0);
    }
}
