//! Routes drawn at random.

use std::collections::HashSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tailbed_format::function::{Port, Prefix, Route};

/// Lengths of prefixes with their shares in percent. Like in tables of the Internet's core more than half have 24 bits, most others a few
/// less, and hardly any more; none is shorter than 16, so that a table of any size leaves addresses without a route.
const SHARES: [(u8, u32); 12] =
    [(16, 2), (17, 1), (18, 1), (19, 2), (20, 4), (21, 4), (22, 12), (23, 11), (24, 60), (28, 1), (30, 1), (32, 1)];

/// Addresses set aside for benchmarks (RFC 2544, appendix C.2.2), which the load generator's packets have.
const BENCHMARK: u32 = 0xc612_0000;
const BENCHMARK_LENGTH: u8 = 15;

/// What every table has: the first half of those addresses lies at `in`, where the load generator is, the second at `out`.
pub(super) fn required() -> [Route; 2] {
    let half = |address, port| Route { prefix: Prefix::of(address, BENCHMARK_LENGTH + 1), port };
    [half(BENCHMARK, Port::In), half(BENCHMARK | 1 << 16, Port::Out)]
}

/// So many routes of unicast addresses, to both ports alike, the two that the load generator's packets need first. The same count and seed
/// give the same routes everywhere; all others lie outside of the generator's addresses.
pub fn generated(count: u32, seed: u64) -> Vec<Route> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let benchmark = Prefix::of(BENCHMARK, BENCHMARK_LENGTH);
    let count = count as usize;
    let mut routes: Vec<Route> = required().into_iter().take(count).collect();
    let mut taken: HashSet<Prefix> = HashSet::with_capacity(count);
    while routes.len() < count {
        let prefix = Prefix::of(random.random(), length(random.random_range(0..100)));
        let port = if random.random() { Port::In } else { Port::Out };
        let network = prefix.address() >> 24;
        let unicast = (1..224).contains(&network) && network != 127;
        if unicast && !benchmark.holds(prefix.address()) && taken.insert(prefix) {
            routes.push(Route { prefix, port });
        }
    }
    routes
}

/// The length at a place among a hundred.
fn length(mut place: u32) -> u8 {
    for (length, share) in SHARES {
        match place.checked_sub(share) {
            Some(rest) => place = rest,
            None => return length,
        }
    }
    24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_routes_and_none_is_in_the_way_of_the_generator() {
        assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<u32>(), 100);
        let routes = generated(10_000, 7);
        assert_eq!((routes.len(), &routes), (10_000, &generated(10_000, 7)));
        assert_ne!(routes, generated(10_000, 8));
        assert_eq!(
            routes[..2].iter().map(|route| route.prefix.to_string()).collect::<Vec<_>>(),
            ["198.18.0.0/16", "198.19.0.0/16"]
        );
        let benchmark = Prefix::of(BENCHMARK, BENCHMARK_LENGTH);
        assert!(routes[2..].iter().all(|route| !benchmark.holds(route.prefix.address())));
        let distinct: HashSet<_> = routes.iter().map(|route| route.prefix).collect();
        assert_eq!(distinct.len(), routes.len());
        let long = routes.iter().filter(|route| route.prefix.length() == 24).count();
        assert!((5_500..6_500).contains(&long), "{long}");
    }
}
