//! The frames of a load: one buffer for each length, in which a packet's flow and number are written before it is sent.

mod replayed;

use tailbed_format::order::Measure;
use tailbed_format::recording::Recording;
use tailbed_format::traffic::{Flows, Mix, Pattern};

use super::identifier::{self, Identifier};
use super::template::{self, Head, WrongLength};
use super::{ethernet, ipv4, udp, vlan};
use replayed::Replayed;

pub use replayed::{NotReplayable, check};

/// All frames of a load. Those of one flow differ in the sequence number alone; those of several also in VLANs, addresses, ports and
/// the checksum of the IPv4 header. Recorded ones are sent as they are, but for the identifier.
#[derive(Debug, Clone)]
pub struct Frames {
    /// By length.
    buffers: Vec<Vec<u8>>,
    /// The one written last.
    written: usize,
    /// For each packet of a cycle its buffer; empty when there is but one.
    cycle: Vec<u16>,
    flows: Flows,
    /// The number of the first flow in the identifiers.
    first: u32,
    /// Where the IPv4 header begins.
    packet: usize,
    /// In place of all this.
    replayed: Option<Replayed>,
}

/// The frames of a load cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoFrames {
    /// A length is out of range.
    #[error(transparent)]
    Length(#[from] WrongLength),
    /// A recorded frame cannot be sent again.
    #[error(transparent)]
    Recording(#[from] NotReplayable),
}

/// Where the identifier lies behind the beginning of the IPv4 header.
const IDENTIFIER: usize = ipv4::HEADER + udp::HEADER;

impl Frames {
    /// Builds the buffers. The recording is only looked at when the order is to replay it.
    ///
    /// # Errors
    /// When a length is out of range, or a recorded frame cannot be sent again.
    pub fn new(order: &Measure, recording: Recording) -> Result<Self, NoFrames> {
        let shape = &order.shape;
        let replays = matches!(shape.pattern, Pattern::Replay(_));
        let replayed = replays.then(|| Replayed::new(recording, order)).transpose()?;
        let cycle = shape.mix.cycle();
        let lengths =
            if cycle.is_empty() { vec![order.frame] } else { shape.mix.shares.iter().map(|share| share.frame).collect() };
        let buffer = |length: u32| {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let head = Head { source: order.source, destination: order.destination, tag: order.tag, length };
            template::frame(&head, &shape.flows)
        };
        let buffers = lengths.into_iter().map(buffer).collect::<Result<_, WrongLength>>()?;
        let packet = ethernet::HEADER + shape.flows.tags.len() * vlan::TAG;
        Ok(Self { buffers, written: 0, cycle, flows: shape.flows.clone(), first: 0, packet, replayed })
    }

    /// The same frames, but the identifiers number the flows from `first` on, not from 0.
    #[must_use]
    pub fn numbered_from(mut self, first: u32) -> Self {
        self.first = first;
        let at = self.packet + IDENTIFIER;
        for buffer in &mut self.buffers {
            number(&mut buffer[at..], first);
        }
        if let Some(replayed) = &mut self.replayed {
            replayed.number(first);
        }
        self
    }

    /// Writes the frame of a packet by its flow and its number in it.
    #[inline]
    pub fn write(&mut self, flow: u32, sequence: u64) {
        if let Some(replayed) = &mut self.replayed {
            return replayed.write(sequence);
        }
        self.written = match self.cycle.len() {
            0 => 0,
            cycle => usize::from(self.cycle[Mix::place(flow, sequence, cycle)]),
        };
        let buffer = &mut self.buffers[self.written];
        if self.flows.count > 1 {
            address(buffer, &self.flows, self.packet, flow);
            number(&mut buffer[self.packet + IDENTIFIER..], self.first.wrapping_add(flow));
        }
        let at = self.packet + IDENTIFIER;
        buffer[at + identifier::SEQUENCE.start..at + identifier::SEQUENCE.end].copy_from_slice(&sequence.to_be_bytes());
    }

    /// The frame written last.
    #[inline]
    pub fn written(&self) -> &[u8] {
        match &self.replayed {
            None => &self.buffers[self.written],
            Some(replayed) => replayed.written(),
        }
    }
}

/// Writes all of the headers that depends on the flow.
#[inline]
fn address(frame: &mut [u8], flows: &Flows, packet: usize, flow: u32) {
    vlan::rewrite(frame, &flows.tags, flow);
    let packet = &mut frame[packet..];
    ipv4::set_addresses(packet, flows.source.of(flow), flows.destination.of(flow));
    udp::set_ports(&mut packet[ipv4::HEADER..], flows.source_port.of(flow), flows.destination_port.of(flow));
}

/// Writes the number of the flow into an identifier.
#[inline]
fn number(identifier: &mut [u8], flow: u32) {
    identifier[identifier::FLOW].copy_from_slice(&flow.to_be_bytes());
}

/// Which flow and number in it the packets have, one after the other.
#[derive(Debug, Clone)]
pub struct Numbering {
    flows: u32,
    flow: u32,
    sequence: u64,
}

impl Numbering {
    /// From the first packet on.
    pub fn new(flows: &Flows) -> Self {
        Self { flows: flows.count.max(1), flow: 0, sequence: 0 }
    }

    /// The number among all packets of one that is known by its identifier; `None` when no packet of these flows has it.
    #[inline]
    pub fn number(flows: u32, found: &Identifier) -> Option<u64> {
        if found.flow >= flows.max(1) {
            return None;
        }
        found.sequence.checked_mul(u64::from(flows.max(1)))?.checked_add(u64::from(found.flow))
    }

    /// Flow and number in it of the packet with a number among all.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a remainder of a division by a number of 32 bits")]
    pub fn place(flows: u32, number: u64) -> (u32, u64) {
        let flows = u64::from(flows.max(1));
        ((number % flows) as u32, number / flows)
    }
}

impl Iterator for Numbering {
    type Item = (u32, u64);

    #[inline]
    fn next(&mut self) -> Option<(u32, u64)> {
        let place = (self.flow, self.sequence);
        self.flow += 1;
        if self.flow >= self.flows {
            self.flow = 0;
            self.sequence += 1;
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests;
