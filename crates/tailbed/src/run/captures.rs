//! The captures that a campaign replays, read before anything is touched.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use tailbed_format::order::{Measure, Order};
use tailbed_format::recording::Recording;
use tailbed_format::traffic::{Pattern, Replay};
use tailbed_plan::plan::Plan;
use tailbed_stats::capture::{Batch, Reader};
use tailbed_traffic::packet::frames;

use crate::analyze::open::{open, unpacked};
use crate::failure::Failure;

/// Captures of more than this do not fit beside everything else, bytes.
const LARGEST: usize = 1 << 30;

/// More packets than this in one run do not fit into memory, as for every other pattern.
const MOST_PACKETS: u64 = 50_000_000;

/// Bytes that the wire has and a capture has not (IEEE 802.3-2022, 3.2.9).
const FRAME_CHECK_SEQUENCE: usize = 4;

/// Recordings by path.
#[derive(Debug, Default)]
pub(crate) struct Captures(HashMap<String, Arc<Recording>>);

impl Captures {
    /// Reads every capture that a plan names, and writes into the orders what only the capture says: how many packets are due, at which
    /// mean rate, and how long the longest is.
    ///
    /// # Errors
    /// When a capture cannot be read or replayed; the packet is named.
    pub(crate) fn of(plan: &mut Plan) -> Result<Self, Failure> {
        let mut captures = Self::default();
        let agents = plan.runs.iter_mut().flat_map(|run| &mut run.agents);
        for agent in agents {
            let Order::Measure(order) = &mut agent.order else { continue };
            let Pattern::Replay(replay) = order.shape.pattern.clone() else { continue };
            let recording = match captures.0.get(&replay.pcap) {
                Some(recording) => Arc::clone(recording),
                None => Arc::clone(captures.0.entry(replay.pcap.clone()).or_insert(Arc::new(read(&replay.pcap)?))),
            };
            fill_in(order, replay, &recording)?;
        }
        Ok(captures)
    }

    /// What an order is to replay.
    pub(super) fn recording(&self, order: &Order) -> Option<&Recording> {
        let Order::Measure(Measure { shape, .. }) = order else { return None };
        let Pattern::Replay(replay) = &shape.pattern else { return None };
        self.0.get(&replay.pcap).map(Arc::as_ref)
    }

    /// The bytes of a packet without frame check sequence, by its flow and its number in it.
    pub(super) fn lengths(&self, order: &Measure) -> Box<dyn Fn(u32, u64) -> u32> {
        let replayed = match &order.shape.pattern {
            Pattern::Replay(replay) => self.0.get(&replay.pcap),
            _ => None,
        };
        let Some(recording) = replayed else { return Box::new(order.lengths()) };
        let packets = 0..recording.len();
        let lengths: Vec<u32> = packets.map(|packet| u32::try_from(recording.frame(packet).len()).unwrap_or(0)).collect();
        Box::new(move |_, sequence| {
            let packet = usize::try_from(sequence % lengths.len().max(1) as u64).unwrap_or(0);
            lengths.get(packet).copied().unwrap_or(0)
        })
    }
}

fn wrong(pcap: &str, why: impl Display) -> Failure {
    Failure::File(format!("error: {pcap} cannot be replayed: {why}"))
}

fn read(pcap: &str) -> Result<Recording, Failure> {
    let opened = open(Path::new(pcap))?;
    let name = opened.name.clone();
    let plain = unpacked(opened.packed).map_err(|error| wrong(pcap, error))?;
    let mut reader = Reader::new(plain, name);
    let mut batch = Batch::default();
    let mut recording = Recording::default();
    let mut first = None;
    while reader.next(&mut batch).map_err(|error| Failure::File(format!("error: {error}")))? {
        for packet in batch.packets() {
            let number = recording.len() + 1;
            if packet.captured < packet.original {
                let (captured, original) = (packet.captured, packet.original);
                return Err(wrong(
                    pcap,
                    format_args!(
                        "of packet {number} only {captured} of {original} bytes were captured; capture whole packets (tcpdump -s 0)"
                    ),
                ));
            }
            let frame = batch.frame(packet);
            frames::check(number, frame).map_err(|error| wrong(pcap, error))?;
            if recording.bytes() + frame.len() > LARGEST {
                return Err(wrong(pcap, "it holds more than 1 GiB of packets; cut it (editcap -c)"));
            }
            recording.push(packet.time - *first.get_or_insert(packet.time), frame);
        }
    }
    if recording.is_empty() {
        return Err(wrong(pcap, frames::NotReplayable::Nothing));
    }
    Ok(recording)
}

fn fill_in(order: &mut Measure, mut replay: Replay, recording: &Recording) -> Result<(), Failure> {
    let most = usize::try_from(order.frame).unwrap_or(0);
    let length = |packet: usize| recording.frame(packet).len();
    let longest = (0..recording.len()).map(length).max().unwrap_or(0);
    if let Some(packet) = (0..recording.len()).find(|&packet| length(packet) > most) {
        let (wire, allowed) = (longest + FRAME_CHECK_SEQUENCE, most + FRAME_CHECK_SEQUENCE);
        let why =
            format!("packet {} is longer than the {allowed} bytes the links are made for; write frame = {wire}", packet + 1);
        return Err(wrong(&replay.pcap, why));
    }
    let times = recording.times();
    if replay.repeat && times.last().is_none_or(|&last| last == 0) {
        let why = "all its packets have one time, so there is no telling when to begin again; leave `loop` out";
        return Err(wrong(&replay.pcap, why));
    }
    let schedule = &mut order.schedule;
    replay.warm_up_packets = replay.packets_before(schedule.warm_up, &times);
    let all = replay.packets_before(schedule.warm_up.saturating_add(schedule.duration), &times);
    replay.packets = all - replay.warm_up_packets;
    if replay.packets == 0 {
        let why = "none of its packets is due after the warm-up; make it shorter, or add loop = true";
        return Err(wrong(&replay.pcap, why));
    }
    if all > MOST_PACKETS {
        let why = format!("a run would hold {all} packets; at most {MOST_PACKETS} fit into memory; make the duration shorter");
        return Err(wrong(&replay.pcap, why));
    }
    let rate = u128::from(replay.packets) * 1_000_000_000 / u128::from(schedule.duration.max(1));
    schedule.rate = u64::try_from(rate).unwrap_or(u64::MAX).max(1);
    order.frame = u32::try_from(longest).unwrap_or(order.frame);
    order.shape.pattern = Pattern::Replay(replay);
    Ok(())
}
