//! Which pair of VLANs has which label, both ways.

use std::hint::black_box;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tailbed_format::function::{Subscriber, Table, subscribers};

use super::{AHEAD, TableError};
use crate::function::entries;
use crate::packet::mpls;

/// VLANs that can be used: 1 to this (IEEE 802.1Q-2022, table 9-2).
const LAST_VLAN: u32 = 4094;

/// Entries for the customer VLANs of one service VLAN.
const CUSTOMERS: usize = 1 << 12;

/// The tables. A label costs two readings upstream and a pair one downstream; 16 KiB per service VLAN in use, and 4 bytes for every label
/// up to the highest.
#[derive(Debug)]
pub(super) struct Subscribers {
    /// By service VLAN: which part of `labels` is its own, counted from 1; 0 for none.
    parts: Box<[u16]>,
    /// By customer VLAN within a part: the label, 0 for none.
    labels: Vec<u32>,
    /// By label: service VLAN in the upper half, customer VLAN in the lower, 0 for none.
    pairs: Vec<u32>,
}

impl Subscribers {
    /// The tables from their lines, made or read.
    pub(super) fn new(table: &Table) -> Result<Self, TableError> {
        let lines = entries(table, generated, subscribers)?;
        let highest = lines.iter().map(|line| line.label).max().unwrap_or(0);
        let mut tables = Self { parts: vec![0; CUSTOMERS].into(), labels: Vec::new(), pairs: vec![0; highest as usize + 1] };
        let mut parts = 0;
        for line in lines {
            let part = &mut tables.parts[usize::from(line.service) % CUSTOMERS];
            if *part == 0 {
                parts += 1;
                *part = parts;
                tables.labels.resize(usize::from(parts) * CUSTOMERS, 0);
            }
            let first = (usize::from(*part) - 1) * CUSTOMERS;
            tables.labels[first + usize::from(line.customer) % CUSTOMERS] = line.label;
            tables.pairs[line.label as usize] = u32::from(line.service) << 16 | u32::from(line.customer);
        }
        Ok(tables)
    }

    /// The label of a pair of VLANs.
    #[inline]
    pub(super) fn label(&self, service: u16, customer: u16) -> Option<u32> {
        let part = usize::from(*self.parts.get(usize::from(service))?).checked_sub(1)?;
        let label = *self.labels.get(part * CUSTOMERS + usize::from(customer))?;
        (label != 0).then_some(label)
    }

    /// The pair of VLANs of a label, service and customer.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "both halves have 16 bits")]
    pub(super) fn pair(&self, label: u32) -> Option<(u16, u16)> {
        let pair = *self.pairs.get(label as usize)?;
        (pair != 0).then_some(((pair >> 16) as u16, pair as u16))
    }

    /// Reads what the lookups of these pairs, the first [`AHEAD`] of them, will read: first where each service VLAN's part is, then the labels.
    #[inline]
    pub(super) fn look_ahead_up(&self, pairs: impl Iterator<Item = (u16, u16)>) {
        let mut at = [usize::MAX; AHEAD];
        for (at, (service, customer)) in at.iter_mut().zip(pairs) {
            let part = self.parts.get(usize::from(service)).copied().unwrap_or(0);
            *at = usize::from(part).wrapping_sub(1).wrapping_mul(CUSTOMERS).wrapping_add(usize::from(customer));
        }
        black_box(at.iter().filter_map(|at| self.labels.get(*at)).fold(0, |read, label| read ^ label));
    }

    /// Reads what the lookups of these labels will read.
    #[inline]
    pub(super) fn look_ahead_down(&self, labels: impl Iterator<Item = u32>) {
        black_box(labels.take(AHEAD).filter_map(|label| self.pairs.get(label as usize)).fold(0, |read, pair| read ^ pair));
    }
}

/// So many subscribers. The first has the VLANs 1 and 1, the next 1 and 2, and so on: 4094 customers to each service VLAN. Labels are those
/// from 16 on, dealt out at random. The same count and seed give the same everywhere.
fn generated(count: u32, seed: u64) -> Vec<Subscriber> {
    let first = mpls::LAST_RESERVED + 1;
    let mut labels: Vec<u32> = (first..first + count).collect();
    labels.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    #[allow(clippy::cast_possible_truncation, reason = "VLANs have 12 bits")]
    let vlan = |number: u32| (number + 1) as u16;
    let line =
        |(number, label): (u32, u32)| Subscriber { service: vlan(number / LAST_VLAN), customer: vlan(number % LAST_VLAN), label };
    (0..).zip(labels).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subscriber_is_found_both_ways() {
        let lines = generated(5_000, 3);
        assert_eq!(lines, generated(5_000, 3));
        assert_eq!((lines[0].service, lines[0].customer), (1, 1));
        assert_eq!((lines[4_094].service, lines[4_094].customer), (2, 1));
        let tables = Subscribers::new(&Table::Generated { count: 5_000, seed: 3 }).unwrap();
        for line in &lines {
            assert_eq!(tables.label(line.service, line.customer), Some(line.label));
            assert_eq!(tables.pair(line.label), Some((line.service, line.customer)));
        }
        assert_eq!(
            (tables.label(2, 4_094), tables.label(3, 1), tables.label(0, 0), tables.label(4_095, 4_095)),
            (None, None, None, None)
        );
        assert_eq!((tables.pair(0), tables.pair(15), tables.pair(5_016), tables.pair(u32::MAX)), (None, None, None, None));
    }

    #[test]
    fn the_most_subscribers_have_a_label_each() {
        let (_, most) = tailbed_format::function::SUBSCRIBERS;
        let lines = generated(most, 1);
        assert_eq!(lines.iter().map(|line| line.label).max(), Some((1 << 20) - 1));
        assert!(lines.iter().all(|line| (1..=4094).contains(&line.service) && (1..=4094).contains(&line.customer)));
    }
}
