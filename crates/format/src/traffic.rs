//! What load there is besides its rate: how packets are spread over time, how long they are, and which flows they belong to.
//!
//! All of it is known before the first packet: the number of a packet, counted from the first of the warm-up, says when it is due,
//! which flow it belongs to and how long it is.

use serde::{Deserialize, Serialize};

/// The shape of the load. The default is the plainest: one flow of equally long packets at a constant rate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Shape {
    /// How packets are spread over time.
    #[serde(default)]
    pub pattern: Pattern,
    /// How long packets are, where they are not all as long as [`crate::order::Measure::frame`] says.
    #[serde(default)]
    pub mix: Mix,
    /// Which flows there are.
    #[serde(default)]
    pub flows: Flows,
}

impl Shape {
    /// Whether it is the plainest.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// How packets are spread over time. Lengths of time are ns, rates packets per second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Packet n is due n / rate after the first.
    #[default]
    Constant,
    /// At the points of a Poisson process, given that exactly rate x duration of them lie in the duration: independent and uniform
    /// over it (Ross, Stochastic Processes, 2nd ed., theorem 2.3.1). The times between packets are exponentially distributed but
    /// for what the fixed number takes away, a share of 1 / packets.
    Poisson {
        /// Seed of the times.
        seed: u64,
    },
    /// Bursts of packets that are all due at one time: the first leaves then, the others as soon as they can.
    Burst {
        /// Packets of a burst, at least 1.
        size: u32,
        /// From the due time of a burst to that of the next, ns; `None` when the rate says: size / rate.
        gap: Option<u64>,
    },
    /// The rate grows or falls evenly from one value to another over the counted part. The warm-up has the first.
    Ramp {
        /// At the origin.
        from: u64,
        /// At the end.
        to: u64,
    },
    /// One rate after another, each for an equal part of the counted part. The warm-up has the first.
    Steps {
        /// The rates, at least one.
        rates: Vec<u64>,
    },
    /// Recorded packets at the times between them when they were recorded, the first at the beginning of the warm-up.
    Replay(Replay),
}

/// Recorded packets, to be sent again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Replay {
    /// The capture's path.
    pub pcap: String,
    /// How much faster than recorded, parts per million.
    pub speed: u64,
    /// Begin again at the end of the capture, until the duration is over. From the last packet to the first again it takes the mean
    /// time between two packets.
    pub repeat: bool,
    /// Packets due before the origin; 0 until the capture has been read.
    pub warm_up_packets: u64,
    /// Packets due from the origin on; 0 until the capture has been read.
    pub packets: u64,
}

impl Replay {
    /// [`Self::speed`] of a replay as it was recorded.
    pub const AS_RECORDED: u64 = 1_000_000;

    /// When packet n is due, ns after the first; `None` when there is none. `times` are those of the recording, likewise.
    pub fn after(&self, n: u64, times: &[u64]) -> Option<u64> {
        let packets = times.len() as u64;
        let round = n.checked_div(packets)?;
        if round > 0 && !self.repeat {
            return None;
        }
        let last = u128::from(*times.last()?);
        let period = last + last / u128::from(packets - 1).max(1);
        let at = period * u128::from(round) + u128::from(times[usize::try_from(n % packets).ok()?]);
        u64::try_from(at * u128::from(Self::AS_RECORDED) / u128::from(self.speed.max(1))).ok()
    }

    /// How many packets are due before `end` ns after the first; more than 2^60 are not counted.
    pub fn packets_before(&self, end: u64, times: &[u64]) -> u64 {
        let due = |n: u64| self.after(n, times).is_some_and(|at| at < end);
        let mut high = times.len() as u64;
        while high > 0 && high < 1 << 60 && due(high) {
            high *= 2;
        }
        let mut low = 0;
        while low < high {
            let middle = low.midpoint(high);
            if due(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// Lengths of packets in a repeating order. Empty: all packets are equally long.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Mix {
    /// The lengths and how often each occurs in a cycle.
    pub shares: Vec<SizeShare>,
}

/// A length and how often it occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SizeShare {
    /// Bytes of the frame without frame check sequence.
    pub frame: u32,
    /// How many packets of each cycle have it.
    pub weight: u32,
}

impl Mix {
    /// The longest cycle, packets.
    pub const LONGEST_CYCLE: u64 = 10_000;

    /// For each packet of a cycle the number of its length in [`Self::shares`]; empty when there are none.
    ///
    /// The lengths are spread as evenly over the cycle as can be: the next packet has the length that is furthest behind its share,
    /// the first of them when several are (smooth weighted round robin). Each cycle holds each length exactly as often as its weight
    /// says. Weights beyond [`Self::LONGEST_CYCLE`] in all give no cycle; plans do not contain them.
    pub fn cycle(&self) -> Vec<u16> {
        let total: u64 = self.shares.iter().map(|share| u64::from(share.weight)).sum();
        if total > Self::LONGEST_CYCLE {
            return Vec::new();
        }
        let mut credit: Vec<i64> = vec![0; self.shares.len()];
        let one = |_| {
            for (credit, share) in credit.iter_mut().zip(&self.shares) {
                *credit += i64::from(share.weight);
            }
            let most = (0..credit.len()).rev().max_by_key(|&at| credit[at])?;
            credit[most] -= i64::try_from(total).unwrap_or(0);
            u16::try_from(most).ok()
        };
        (0..total).filter_map(one).collect()
    }

    /// Where a packet stands in a cycle of that many packets. Each flow has its own cycle, and neighbouring flows are one packet
    /// apart in it: each flow has the mix, and so has all of the load at any time.
    #[inline]
    pub fn place(flow: u32, sequence: u64, cycle: usize) -> usize {
        let place = (sequence + u64::from(flow)) % (cycle.max(1) as u64);
        usize::try_from(place).unwrap_or(0)
    }

    /// The longest frame, bytes without frame check sequence; `None` when there are none.
    pub fn longest(&self) -> Option<u32> {
        self.shares.iter().map(|share| share.frame).max()
    }
}

/// The flows of a load. Packets belong to them in turn: packet n to flow n modulo their number, and is number n / flows in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flows {
    /// How many there are, at least 1.
    pub count: u32,
    /// VLAN tags, the outer one first; at most [`Flows::MOST_TAGS`].
    pub tags: Vec<Tag>,
    /// Source address (IPv4) as a number.
    pub source: Rule,
    /// Destination address (IPv4) as a number.
    pub destination: Rule,
    /// UDP source port, within 16 bits.
    pub source_port: Rule,
    /// UDP destination port, within 16 bits.
    pub destination_port: Rule,
}

impl Flows {
    /// No frame has more VLAN tags: one of IEEE 802.1Q behind one of 802.1ad.
    pub const MOST_TAGS: usize = 2;

    /// Bytes of a VLAN tag (IEEE 802.1Q-2022, 9.3).
    pub const TAG: u32 = 4;
}

impl Default for Flows {
    /// One flow without tags, between addresses set aside for the benchmarking of networks (RFC 2544, appendix C.2.2; RFC 6890: no
    /// host has them by accident), from the first of the ports that no service is registered for (RFC 6335) to the discard service
    /// (RFC 863).
    fn default() -> Self {
        Self {
            count: 1,
            tags: Vec::new(),
            source: Rule::fixed(u32::from_be_bytes([198, 18, 0, 1])),
            destination: Rule::fixed(u32::from_be_bytes([198, 19, 0, 1])),
            source_port: Rule::fixed(49152),
            destination_port: Rule::fixed(9),
        }
    }
}

/// A VLAN tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag {
    /// Its EtherType: 0x8100 (IEEE 802.1Q) or 0x88a8 (802.1ad).
    pub ethertype: u16,
    /// The VLAN, 1 to 4094.
    pub id: Rule,
}

/// Which value a flow has: `first` + (flow / `every`) modulo `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// The value of flow 0.
    pub first: u32,
    /// How many values there are, at least 1.
    pub count: u32,
    /// How many flows in a row have the same, at least 1.
    pub every: u32,
}

impl Rule {
    /// The same value for all flows.
    pub const fn fixed(value: u32) -> Self {
        Self { first: value, count: 1, every: 1 }
    }

    /// The value of a flow.
    #[inline]
    pub fn of(&self, flow: u32) -> u32 {
        if self.count <= 1 { self.first } else { self.first.wrapping_add(flow / self.every.max(1) % self.count) }
    }

    /// The greatest value.
    pub fn last(&self) -> u32 {
        self.first.saturating_add(self.count.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The simple mix of 7, 4 and 1 packets.
    #[test]
    fn a_mix_is_spread_over_its_cycle() {
        let share = |frame, weight| SizeShare { frame, weight };
        let mix = Mix { shares: vec![share(60, 7), share(590, 4), share(1514, 1)] };
        assert_eq!(mix.cycle(), [0, 1, 0, 0, 1, 0, 2, 0, 1, 0, 1, 0]);
        assert_eq!(mix.longest(), Some(1514));
        assert!(Mix::default().cycle().is_empty());
    }

    #[test]
    fn a_rule_counts_and_begins_again() {
        let rule = Rule { first: 100, count: 3, every: 2 };
        assert_eq!((0..8).map(|flow| rule.of(flow)).collect::<Vec<_>>(), [100, 100, 101, 101, 102, 102, 100, 100]);
        assert_eq!((rule.last(), Rule::fixed(7).last(), Rule::fixed(7).of(9)), (102, 7, 7));
    }

    fn replay(speed: u64, repeat: bool) -> Replay {
        Replay { pcap: "x.pcap".to_owned(), speed, repeat, warm_up_packets: 0, packets: 0 }
    }

    #[test]
    fn a_replay_has_the_times_of_the_recording() {
        let due = |replay: &Replay| (0..6).map(|n| replay.after(n, &[0, 10, 10, 40])).collect::<Vec<_>>();
        assert_eq!(due(&replay(1_000_000, false)), [Some(0), Some(10), Some(10), Some(40), None, None]);
        // the mean gap is 13 ns
        assert_eq!(due(&replay(1_000_000, true)), [Some(0), Some(10), Some(10), Some(40), Some(53), Some(63)]);
        assert_eq!(due(&replay(2_000_000, true)), [Some(0), Some(5), Some(5), Some(20), Some(26), Some(31)]);
        assert_eq!(replay(1, true).after(0, &[]), None);
    }

    proptest! {
        #[test]
        fn packets_before_a_time_are_counted(
            gaps in proptest::collection::vec(0u64..1_000, 1..20), speed in 100_000u64..10_000_000, repeat in any::<bool>(), end in 0u64..20_000,
        ) {
            let times: Vec<_> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at - gaps[0]) }).collect();
            let replay = replay(speed, repeat);
            // a capture without any time in it would repeat for ever
            prop_assume!(!repeat || times[times.len() - 1] > 0);
            let expected = (0..10_000_000).take_while(|&n| replay.after(n, &times).is_some_and(|at| at < end)).count() as u64;
            prop_assert_eq!(replay.packets_before(end, &times), expected);
        }

        /// Every cycle holds each length as often as its weight says, and so does every flow's.
        #[test]
        fn weights_are_exact(weights in proptest::collection::vec(1u32..50, 1..8), flow in any::<u32>()) {
            let shares = weights.iter().map(|&weight| SizeShare { frame: 60, weight }).collect();
            let cycle = Mix { shares }.cycle();
            let mut found = vec![0; weights.len()];
            for sequence in 0..cycle.len() as u64 {
                found[usize::from(cycle[Mix::place(flow, sequence, cycle.len())])] += 1;
            }
            prop_assert_eq!(found, weights);
        }
    }
}
