//! Longest prefix match by a compressed multiway trie.
//!
//! Poptrie (Asai and Ohara, *Poptrie: A Compressed Trie with Population Count for Fast and Scalable Software IP Routing Table
//! Lookup*, SIGCOMM 2015), with direct pointing by 18 bits and nodes of 6 bits; equal neighbouring leaves are one.
//!
//! Here it holds the few prefixes of more than 24 bits; see [`super::Forwarding`]. Memory is bounded by their number: 1 MiB, and at most
//! three nodes of 24 bytes with their leaves for each.

use tailbed_format::function::Prefix;

/// Bits that the first table is indexed by.
const DIRECT: u32 = 18;

/// Bits that a node is indexed by: as many as make one word of bits.
const STRIDE: u32 = 6;

/// Bits of a whole walk: at least those of an address.
const BITS: u32 = DIRECT + 3 * STRIDE;

/// Marks an entry of the first table that is a value, not a node's number.
const VALUE: u32 = 1 << 31;

/// 64 ways on from a point of the trie.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// Which ways lead to a node.
    nodes: u64,
    /// Of the ways that lead to a leaf: those with another leaf than the one before.
    leaves: u64,
    /// Number of the first leaf.
    first_leaf: u32,
    /// Number of the first of those nodes.
    first_child: u32,
}

/// A table of values by IPv4 prefix. 0 stands for no value.
#[derive(Debug, Clone)]
pub(super) struct Poptrie {
    direct: Box<[u32]>,
    nodes: Vec<Node>,
    leaves: Vec<u16>,
}

/// Prefixes with their values, in ascending order: a prefix stands before those within it.
type Sorted<'a> = &'a [(Prefix, u16)];

impl Poptrie {
    /// The table of these prefixes. Where one is there twice the later counts.
    pub(super) fn new(routes: &[(Prefix, u16)]) -> Self {
        let mut sorted = routes.to_vec();
        sorted.sort_by_key(|(prefix, _)| *prefix);
        let mut trie = Self { direct: Box::default(), nodes: Vec::new(), leaves: Vec::new() };
        let level = Level::new(&sorted, 0, DIRECT, 0);
        let mut direct: Vec<u32> = level.values.iter().map(|value| VALUE | u32::from(*value)).collect();
        for (way, below) in level.below {
            direct[way] = trie.append(1);
            trie.fill(direct[way], below, DIRECT, level.values[way]);
        }
        trie.direct = direct.into();
        trie.nodes.shrink_to_fit();
        trie.leaves.shrink_to_fit();
        trie
    }

    /// The value of the longest prefix that holds an address; 0 when there is none.
    #[inline]
    pub(super) fn lookup(&self, address: u32) -> u16 {
        let key = u64::from(address) << (BITS - 32);
        let mut entry = self.direct[(address >> (32 - DIRECT)) as usize];
        if entry & VALUE != 0 {
            #[allow(clippy::cast_possible_truncation, reason = "a value has 16 bits")]
            return entry as u16;
        }
        let mut shift = BITS - DIRECT - STRIDE;
        loop {
            let node = &self.nodes[entry as usize];
            let way = (key >> shift) & 63;
            // the bits of all ways up to this one
            let upto = (2u64 << way).wrapping_sub(1);
            if node.nodes >> way & 1 == 0 {
                let leaf = node.first_leaf + (node.leaves & upto).count_ones() - 1;
                return self.leaves[leaf as usize];
            }
            entry = node.first_child + (node.nodes & upto).count_ones() - 1;
            shift -= STRIDE;
        }
    }

    /// Bytes it takes.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.direct) + size_of_val(self.nodes.as_slice()) + size_of_val(self.leaves.as_slice())
    }

    /// Makes room for nodes; the number of the first.
    fn append(&mut self, nodes: usize) -> u32 {
        let first = self.nodes.len();
        self.nodes.resize(first + nodes, Node::default());
        number(first)
    }

    /// Fills a node at this depth from the prefixes that are longer; `inherited` is the value of the longest that is not.
    fn fill(&mut self, node: u32, routes: Sorted<'_>, depth: u32, inherited: u16) {
        let level = Level::new(routes, depth, STRIDE, inherited);
        let nodes = level.below.iter().fold(0, |bits, (way, _)| bits | 1 << way);
        let first_leaf = number(self.leaves.len());
        let mut leaves = 0;
        let mut last = None;
        for (way, &value) in level.values.iter().enumerate() {
            if nodes >> way & 1 == 0 && last != Some(value) {
                leaves |= 1 << way;
                self.leaves.push(value);
                last = Some(value);
            }
        }
        let first_child = self.append(level.below.len());
        self.nodes[node as usize] = Node { nodes, leaves, first_leaf, first_child };
        for (child, (way, below)) in (first_child..).zip(&level.below) {
            self.fill(child, below, depth + STRIDE, level.values[*way]);
        }
    }
}

/// A number of a node or leaf: there are at most three for each route, and a million routes.
#[allow(clippy::cast_possible_truncation, reason = "far below 2^31")]
fn number(at: usize) -> u32 {
    at as u32
}

/// What lies at each way on from a point of the trie.
struct Level<'a> {
    /// The value of the longest prefix that ends here or above.
    values: Vec<u16>,
    /// The ways on which longer prefixes lie, with these.
    below: Vec<(usize, Sorted<'a>)>,
}

impl<'a> Level<'a> {
    fn new(routes: Sorted<'a>, depth: u32, stride: u32, inherited: u16) -> Self {
        let mut level = Self { values: vec![inherited; 1 << stride], below: Vec::new() };
        let end = depth + stride;
        #[allow(clippy::cast_possible_truncation, reason = "a way has at most 18 bits")]
        let way = |prefix: Prefix| (u64::from(prefix.address()) << (BITS - 32) >> (BITS - end)) as usize & ((1 << stride) - 1);
        let is_below = |prefix: Prefix| u32::from(prefix.length()) > end;
        let mut rest = routes;
        while let Some((&(prefix, value), after)) = rest.split_first() {
            let first = way(prefix);
            if is_below(prefix) {
                // A prefix that covers this way stands before all those within it, so the way's value is final.
                let length = rest.partition_point(|(other, _)| is_below(*other) && way(*other) == first);
                let (below, after) = rest.split_at(length.max(1));
                level.below.push((first, below));
                rest = after;
            } else {
                let covered = 1 << (end - u32::from(prefix.length()));
                level.values[first..first + covered].fill(value);
                rest = after;
            }
        }
        level
    }
}

#[cfg(test)]
mod tests {
    use super::super::generated;
    use super::*;
    use proptest::prelude::*;
    use tailbed_format::function::Port;

    /// As the definition says: the longest prefix that holds the address, the later of two equal ones.
    fn longest(routes: &[(Prefix, u16)], address: u32) -> u16 {
        let held = routes.iter().filter(|(prefix, _)| prefix.holds(address));
        held.max_by_key(|(prefix, _)| prefix.length()).map_or(0, |(_, value)| *value)
    }

    fn routes() -> impl Strategy<Value = Vec<(Prefix, u16)>> {
        // few bits that differ, so that prefixes lie within each other
        let address = (any::<u32>(), 0u32..4).prop_map(|(bits, kind)| match kind {
            0 => bits,
            1 => 0x0a00_0000 | bits & 0x0003_00ff,
            2 => 0x0a00_0000 | bits & 0xff,
            _ => 0xffff_ff00 | bits,
        });
        let route = (address, 0u8..=32, 1u16..9).prop_map(|(address, length, value)| (Prefix::of(address, length), value));
        proptest::collection::vec(route, 0..60)
    }

    proptest! {
        #[test]
        fn it_finds_what_the_definition_finds(routes in routes(), addresses in proptest::collection::vec(any::<u32>(), 50)) {
            let trie = Poptrie::new(&routes);
            let ends = routes.iter().flat_map(|(prefix, _)| {
                let last = prefix.address() | u32::MAX.checked_shr(prefix.length().into()).unwrap_or(0);
                [prefix.address(), last, last.wrapping_add(1), prefix.address().wrapping_sub(1)]
            });
            for address in addresses.into_iter().chain(ends) {
                prop_assert_eq!(trie.lookup(address), longest(&routes, address), "{}", std::net::Ipv4Addr::from(address));
            }
            prop_assert!(trie.size() <= (1 << 20) + routes.len() * 96 + 256);
        }
    }

    #[test]
    fn memory_is_bounded_by_the_routes() {
        for count in [16, 10_000, 1_000_000] {
            let routes: Vec<_> =
                generated(count, 3).iter().map(|route| (route.prefix, 1 + u16::from(route.port == Port::Out))).collect();
            let trie = Poptrie::new(&routes);
            println!("{count} routes take {} bytes", trie.size());
            assert!(trie.size() <= (1 << 20) + routes.len() * 32, "{count}: {}", trie.size());
            for (prefix, value) in routes.iter().filter(|(prefix, _)| prefix.length() == 32) {
                assert_eq!(trie.lookup(prefix.address()), *value);
            }
        }
    }
}
