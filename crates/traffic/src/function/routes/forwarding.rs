//! The table that packets are forwarded by: one reading for nearly all of them.
//!
//! As in DIR-24-8 (Gupta, Lin, McKeown, *Routing Lookups in Hardware at Memory Access Speeds*, INFOCOM 1998) a first table has an entry for
//! each 24 bits that an address can begin with. An entry is one byte: the answer, or that a longer prefix lies there and the trie is to
//! be asked. A forwarder has few ports, so a byte will do, and the table is 16 MiB instead of 32 or 64, whatever the number of
//! routes. It lies in huge pages: a reading far from the last one then waits for memory only, not for the address's translation.
//!
//! A trie alone takes less memory but two readings that wait for each other: with 10 000 routes and a cold cache it took half as long again.

use tailbed_format::function::Prefix;

use super::Poptrie;
use super::huge_pages::HugePages;
use crate::function::AHEAD;

/// Bits that the first table is indexed by.
const DIRECT: u8 = 24;

/// An entry of the first table where longer prefixes lie.
const ASK: u8 = u8::MAX;

/// Values by IPv4 prefix, 0 to 254. 0 stands for no value.
#[derive(Debug, Clone)]
pub struct Forwarding {
    first: HugePages,
    /// The prefixes of more than 24 bits, and what lies around them.
    longer: Poptrie,
}

impl Forwarding {
    /// The table of these prefixes. Where one is there twice the later counts; 255 is no value.
    pub fn new(routes: &[(Prefix, u8)]) -> Self {
        let mut sorted = routes.to_vec();
        // shorter ones first, so that longer ones are written over them
        sorted.sort_by_key(|(prefix, _)| prefix.length());
        let (short, long) = sorted.split_at(sorted.partition_point(|(prefix, _)| prefix.length() <= DIRECT));
        let mut first = HugePages::zeroed(1 << DIRECT);
        let entries = first.bytes_mut();
        for (prefix, value) in short {
            let start = entry(prefix.address());
            entries[start..start + (1 << (DIRECT - prefix.length()))].fill(*value);
        }
        let around = long.iter().map(|(prefix, _)| {
            let address = prefix.address();
            (Prefix::of(address, DIRECT), u16::from(entries[entry(address)]))
        });
        let beyond: Vec<_> = around.chain(long.iter().map(|(prefix, value)| (*prefix, u16::from(*value)))).collect();
        for (prefix, _) in long {
            entries[entry(prefix.address())] = ASK;
        }
        Self { first, longer: Poptrie::new(&beyond) }
    }

    /// The value of the longest prefix that holds an address; 0 when there is none.
    #[inline]
    pub fn lookup(&self, address: u32) -> u8 {
        self.answer(self.first.bytes()[entry(address)], address)
    }

    /// The values of these addresses, at most [`AHEAD`] of them. All are read from the first table before anything is made of them, so that
    /// the waits for memory pass at the same time.
    #[inline]
    pub fn lookup_each(&self, addresses: &[u32], values: &mut [u8; AHEAD]) {
        let first = self.first.bytes();
        for (value, address) in values.iter_mut().zip(addresses) {
            *value = first[entry(*address)];
        }
        for (value, address) in values.iter_mut().zip(addresses) {
            *value = self.answer(*value, *address);
        }
    }

    /// What an entry of the first table says of an address.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the trie holds bytes")]
    fn answer(&self, entry: u8, address: u32) -> u8 {
        if entry == ASK { self.longer.lookup(address) as u8 } else { entry }
    }

    /// Bytes it takes.
    pub fn size(&self) -> usize {
        self.first.bytes().len() + self.longer.size()
    }
}

/// The place of an address in the first table.
#[inline]
fn entry(address: u32) -> usize {
    (address >> (32 - u32::from(DIRECT))) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the definition says: the longest prefix that holds the address, the later of two equal ones.
    fn longest(routes: &[(Prefix, u8)], address: u32) -> u8 {
        let held = routes.iter().filter(|(prefix, _)| prefix.holds(address));
        held.max_by_key(|(prefix, _)| prefix.length()).map_or(0, |(_, value)| *value)
    }

    fn routes() -> impl Strategy<Value = Vec<(Prefix, u8)>> {
        // few bits that differ, so that prefixes lie within each other
        let address = (any::<u32>(), 0u32..4).prop_map(|(bits, kind)| match kind {
            0 => bits,
            1 => 0x0a00_0000 | bits & 0x0003_00ff,
            2 => 0x0a00_0000 | bits & 0xff,
            _ => 0xffff_ff00 | bits,
        });
        let route = (address, 0u8..=32, 0u8..ASK).prop_map(|(address, length, value)| (Prefix::of(address, length), value));
        proptest::collection::vec(route, 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_finds_what_the_definition_finds(routes in routes(), addresses in proptest::collection::vec(any::<u32>(), 50)) {
            let table = Forwarding::new(&routes);
            let ends = routes.iter().flat_map(|(prefix, _)| {
                let last = prefix.address() | u32::MAX.checked_shr(prefix.length().into()).unwrap_or(0);
                [prefix.address(), last, last.wrapping_add(1), prefix.address().wrapping_sub(1)]
            });
            let addresses: Vec<_> = addresses.into_iter().chain(ends).collect();
            for addresses in addresses.chunks(AHEAD) {
                let expected: Vec<_> = addresses.iter().map(|address| longest(&routes, *address)).collect();
                prop_assert_eq!(addresses.iter().map(|address| table.lookup(*address)).collect::<Vec<_>>(), expected.clone());
                let mut values = [0; AHEAD];
                table.lookup_each(addresses, &mut values);
                prop_assert_eq!(&values[..addresses.len()], expected);
            }
            prop_assert!(table.size() <= (17 << 20) + routes.len() * 2 * 96 + 256);
        }
    }
}
