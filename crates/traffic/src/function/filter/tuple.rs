//! Tuple space search: rules that look at the same bits share a hash table (Srinivasan, Suri, Varghese, *Packet Classification using
//! Tuple Space Search*, SIGCOMM 1999; tried in the order of their first rules as in Pfaff and others, *The Design and Implementation of
//! Open vSwitch*, NSDI 2015, section 5.2).
//!
//! Thousands of rules have tens of tuples, so a packet takes tens of look-ups whatever the number of rules. Ranges of ports, and payloads,
//! are compared rule by rule among those of the same key; a list of rules that differ in nothing else is searched from end to end.

use std::collections::BTreeMap;

use tailbed_format::function::{Prefix, Rule};

use super::Packet;

/// Rules that look at the same bits.
#[derive(Debug)]
pub(super) struct Tuple {
    shape: Shape,
    first_rule: usize,
    /// Open addressing with linear probing, at most half full; a power of two.
    slots: Vec<Slot>,
    /// Rules of each key, ascending, one key's after another's.
    rules: Vec<u32>,
}

/// Which bits rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    source: u8,
    destination: u8,
    protocol: bool,
    /// A single port, source and destination.
    ports: (bool, bool),
}

/// A key and where its rules lie; none for an empty slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u128,
    first: u32,
    last: u32,
}

/// The rules by tuple, in the order of the tuples' first rules.
pub(super) fn tuples(rules: &[Rule]) -> Vec<Tuple> {
    let mut by_shape: BTreeMap<Shape, BTreeMap<u128, Vec<u32>>> = BTreeMap::new();
    for (number, rule) in (0..).zip(rules) {
        let shape = Shape::of(rule);
        by_shape.entry(shape).or_default().entry(shape.key_of(rule)).or_default().push(number);
    }
    let mut tuples: Vec<_> = by_shape.into_iter().map(|(shape, keys)| Tuple::new(shape, keys)).collect();
    tuples.sort_by_key(|tuple| tuple.first_rule);
    tuples
}

impl Tuple {
    fn new(shape: Shape, keys: BTreeMap<u128, Vec<u32>>) -> Self {
        let mut tuple = Self {
            shape,
            first_rule: keys.values().flatten().min().map_or(usize::MAX, |first| *first as usize),
            slots: vec![Slot::default(); (2 * keys.len()).next_power_of_two()],
            rules: Vec::new(),
        };
        for (key, rules) in keys {
            let first = number(tuple.rules.len());
            tuple.rules.extend(rules);
            let last = number(tuple.rules.len());
            let mut at = place(key, tuple.slots.len());
            while tuple.slots[at].first != tuple.slots[at].last {
                at = (at + 1) & (tuple.slots.len() - 1);
            }
            tuple.slots[at] = Slot { key, first, last };
        }
        tuple
    }

    /// The least number of its rules.
    #[inline]
    pub(super) fn first_rule(&self) -> usize {
        self.first_rule
    }

    /// The rules whose key the packet has, ascending.
    #[inline]
    pub(super) fn candidates(&self, packet: &Packet<'_>) -> &[u32] {
        let Some(key) = self.shape.key_in(packet) else { return &[] };
        let mut at = place(key, self.slots.len());
        loop {
            let slot = &self.slots[at];
            if slot.first == slot.last {
                return &[];
            }
            if slot.key == key {
                return &self.rules[slot.first as usize..slot.last as usize];
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

/// Where the search for a key begins. Multiplication spreads its bits to the upper ones (Knuth, volume 3, section 6.4), by 2^64 over the
/// golden ratio.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "both halves are wanted")]
fn place(key: u128, slots: usize) -> usize {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (key as u64 ^ ((key >> 64) as u64).wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    (mixed >> 32) as usize & (slots - 1)
}

#[allow(clippy::cast_possible_truncation, reason = "there are at most some hundred thousand rules")]
fn number(at: usize) -> u32 {
    at as u32
}

impl Shape {
    fn of(rule: &Rule) -> Self {
        let single = |range: &Option<tailbed_format::function::PortRange>| {
            range.as_ref().is_some_and(|range| range.start() == range.end())
        };
        Self {
            source: rule.source.length(),
            destination: rule.destination.length(),
            protocol: rule.protocol.is_some(),
            ports: (single(&rule.source_ports), single(&rule.destination_ports)),
        }
    }

    fn key_of(self, rule: &Rule) -> u128 {
        let port = |wanted: bool, range: &Option<tailbed_format::function::PortRange>| {
            range.as_ref().filter(|_| wanted).map_or(0, |range| *range.start())
        };
        let ports = (port(self.ports.0, &rule.source_ports), port(self.ports.1, &rule.destination_ports));
        key(rule.source.address(), rule.destination.address(), rule.protocol.unwrap_or(0), ports)
    }

    /// `None` when it looks at ports and the packet has none.
    #[inline]
    fn key_in(self, packet: &Packet<'_>) -> Option<u128> {
        let ports = match (packet.ports, self.ports) {
            (_, (false, false)) => (0, 0),
            (Some((source, destination)), (first, second)) => (source * u16::from(first), destination * u16::from(second)),
            (None, _) => return None,
        };
        let source = Prefix::of(packet.source, self.source).address();
        let destination = Prefix::of(packet.destination, self.destination).address();
        Some(key(source, destination, packet.protocol * u8::from(self.protocol), ports))
    }
}

#[inline]
fn key(source: u32, destination: u32, protocol: u8, ports: (u16, u16)) -> u128 {
    u128::from(source) << 72
        | u128::from(destination) << 40
        | u128::from(protocol) << 32
        | u128::from(ports.0) << 16
        | u128::from(ports.1)
}
