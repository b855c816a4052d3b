//! The packets under way beside a model that keeps every packet for ever.

use super::*;
use proptest::prelude::*;

struct Packet {
    digest: u64,
    time: u64,
    state: u64,
    /// It was waiting when it left the ring.
    late: bool,
}

/// Keeps every packet for ever and says of each whether it would be remembered.
struct Model {
    packets: Vec<Packet>,
    recent: usize,
    window: u64,
}

impl Model {
    fn newest(&mut self, digest: u64, now: u64) -> Option<&mut Packet> {
        let first_recent = self.packets.len().saturating_sub(self.recent);
        let window = self.window;
        let remembered = |(number, packet): &(usize, &mut Packet)| {
            packet.digest == digest && (*number >= first_recent || packet.late && now - packet.time < window)
        };
        self.packets.iter_mut().enumerate().rfind(remembered).map(|(_, packet)| packet)
    }

    fn depart(&mut self, digest: u64, now: u64) -> Departed {
        let found = self.newest(digest, now).map(|packet| {
            let departed = departed(packet.time, packet.state);
            packet.state = AMBIGUOUS;
            departed
        });
        let state = if found.is_some() { AMBIGUOUS } else { WAITING };
        if let Some(leaves) = self.packets.len().checked_sub(self.recent) {
            self.packets[leaves].late = self.packets[leaves].state == WAITING;
        }
        self.packets.push(Packet { digest, time: now, state, late: false });
        found.unwrap_or(Departed::Alone)
    }

    fn arrive(&mut self, digest: u64, now: u64) -> Arrived {
        let window = self.window;
        self.newest(digest, now).map_or(Arrived::Unknown, |packet| arrived(now - packet.time, &mut packet.state, window))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Few keys, short and long memories, steps from nanoseconds to many minutes.
    #[test]
    fn equals_keeping_every_packet(
        recent in 1usize..20,
        window in prop_oneof![1u64..50, Just(5_000_000_000)],
        steps in proptest::collection::vec(
            (any::<bool>(), 1u64..40, prop_oneof![6 => 1u64..10, 2 => 1u64..4_000_000_000, 1 => 1u64..2_000_000_000_000]),
            0..300,
        ),
        crowd in any::<bool>(),
    ) {
        let mut under_way = UnderWay::remembering(u16::try_from(recent).unwrap(), window, 64 << 20);
        let mut model = Model { packets: Vec::new(), recent, window };
        let mut now = 1_700_000_000_000_000_000;
        for (departs, key, step) in steps {
            now += step;
            // Crowded keys differ in the lowest bits only: all of them want the same chain and the same bucket.
            let digest = if crowd { key } else { key.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
            if departs {
                prop_assert_eq!(under_way.depart(digest, now), model.depart(digest, now));
            } else {
                prop_assert_eq!(under_way.arrive(digest, now), model.arrive(digest, now));
            }
        }
        prop_assert_eq!(under_way.given_up(), GivenUp::default());
    }
}

/// More packets than the ring has numbers for by far: chains must not be followed in circles.
#[test]
fn numbers_may_wrap_round() {
    let mut under_way = UnderWay::remembering(4, 1_000, 1 << 20);
    under_way.next = u16::MAX - 10;
    for now in 0..100u64 {
        assert_eq!(under_way.depart(now % 50 + 1, 10_000 * (now + 1)), Departed::Alone);
        assert_eq!(under_way.arrive(now % 50 + 1, 10_000 * (now + 1) + 7), Arrived::First(7));
    }
}
