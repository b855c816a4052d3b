//! Looking for all payloads of all rules at once, and only in packets for which it matters.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use tailbed_format::function::Rule;

use super::TableError;

/// The payloads that rules look for: one automaton finds all of them in one pass (Aho and Corasick, *Efficient String Matching*, 1975).
#[derive(Debug)]
pub(super) struct Payloads {
    automaton: AhoCorasick,
    /// By rule: which of the payloads; `None` for rules without one.
    wanted: Vec<Option<u32>>,
    count: usize,
}

/// Which payloads the packet at hand holds, once it was looked at.
#[derive(Debug, Clone)]
pub(super) struct Found {
    bits: Box<[u64]>,
    known: bool,
}

impl Found {
    /// The next packet.
    #[inline]
    pub(super) fn forget(&mut self) {
        self.known = false;
    }
}

impl Payloads {
    /// The payloads of these rules.
    pub(super) fn new(rules: &[Rule]) -> Result<Self, TableError> {
        let mut numbers: HashMap<&[u8], u32> = HashMap::new();
        let mut texts: Vec<&[u8]> = Vec::new();
        let mut wanted = Vec::with_capacity(rules.len());
        for rule in rules {
            wanted.push(rule.payload.as_deref().map(|text| {
                *numbers.entry(text).or_insert_with(|| {
                    texts.push(text);
                    u32::try_from(texts.len() - 1).unwrap_or(u32::MAX)
                })
            }));
        }
        let automaton = AhoCorasick::new(&texts).map_err(|error| TableError::Payloads(error.to_string()))?;
        Ok(Self { automaton, wanted, count: texts.len() })
    }

    /// Room for what will be found.
    pub(super) fn none(&self) -> Found {
        Found { bits: vec![0; self.count.div_ceil(64)].into(), known: false }
    }

    /// Whether a rule's payload, if it has one, is in this one.
    #[inline]
    pub(super) fn holds(&self, rule: usize, payload: &[u8], found: &mut Found) -> bool {
        let Some(wanted) = self.wanted[rule] else { return true };
        if !found.known {
            self.look(payload, found);
        }
        found.bits[wanted as usize / 64] >> (wanted % 64) & 1 == 1
    }

    fn look(&self, payload: &[u8], found: &mut Found) {
        found.bits.fill(0);
        for hit in self.automaton.find_overlapping_iter(payload) {
            let pattern = hit.pattern().as_usize();
            found.bits[pattern / 64] |= 1 << (pattern % 64);
        }
        found.known = true;
    }
}
