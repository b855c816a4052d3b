//! Filter rules drawn at random.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tailbed_format::function::{Action, PortRange, Prefix, Rule};

use crate::packet::ipv4;

/// Addresses set aside for benchmarks (RFC 2544, appendix C.2.2), which the load generator's packets have.
const BENCHMARK: u32 = 0xc612_0000;

/// So many rules, all of them to drop, none of which concerns the load generator's packets: one in sixteen looks into every payload, the
/// others at addresses, protocol and ports. The same count and seed give the same everywhere.
pub(super) fn generated(count: u32, seed: u64) -> Vec<Rule> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|number| if number % 16 == 15 { of_payload(&mut random) } else { of_header(&mut random) }).collect()
}

fn of_header(random: &mut ChaCha8Rng) -> Rule {
    let ports = |random: &mut ChaCha8Rng| match random.random_range(0..4u32) {
        0 => None,
        1 => {
            let first: u16 = random.random();
            Some(first..=first.saturating_add(random.random_range(1..1_000)))
        }
        _ => Some(single(random.random())),
    };
    let source = elsewhere(random);
    let destination = elsewhere(random);
    let protocol = if random.random() { ipv4::UDP } else { super::TCP };
    Rule {
        action: Action::Drop,
        protocol: Some(protocol),
        source,
        source_ports: ports(random),
        destination,
        destination_ports: ports(random),
        payload: None,
    }
}

/// Eight random bytes.
fn of_payload(random: &mut ChaCha8Rng) -> Rule {
    Rule {
        action: Action::Drop,
        protocol: None,
        source: Prefix::ALL,
        source_ports: None,
        destination: Prefix::ALL,
        destination_ports: None,
        payload: Some(random.random::<[u8; 8]>().to_vec()),
    }
}

fn single(port: u16) -> PortRange {
    port..=port
}

/// A network of one of four sizes that is not the load generator's.
fn elsewhere(random: &mut ChaCha8Rng) -> Prefix {
    let length = [16, 24, 28, 32][random.random_range(0..4usize)];
    loop {
        let prefix = Prefix::of(random.random(), length);
        if !Prefix::of(BENCHMARK, 15).holds(prefix.address()) {
            return prefix;
        }
    }
}
