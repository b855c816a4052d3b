//! Round trips with one packet in flight: the instrument's own cost, to be set beside other tools'.
//!
//! The peer sends each frame back, for example a forwarder with one rule that receives and transmits on the same interface.
//! Times are whole round trips; tools that report half of one (sockperf does so by default) must be asked for whole ones.

use tailbed_format::mac::MacAddress;

use crate::clock::{Clock, Tsc};
use crate::packet::identify;
use crate::packet::template::{Head, Template, WrongLength};
use crate::port::{Pair, PortError, Receive, Transmit};

/// What to send, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingPong {
    /// Round trips that count.
    pub count: u32,
    /// Round trips before them that do not.
    pub warm_up: u32,
    /// Source address of the frames.
    pub source: MacAddress,
    /// Destination address of the frames.
    pub destination: MacAddress,
    /// Bytes of each frame without frame check sequence.
    pub frame: u32,
    /// Marks the packets, so that no other is taken for an answer.
    pub tag: u32,
    /// A packet that has not come back after this long is lost, ns.
    pub patience: u64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoundTrips {
    /// Each round trip that counts, ns, in order.
    pub times: Vec<u64>,
    /// Packets that did not come back, warm-up included; also those the kernel refused to send.
    pub lost: u64,
}

/// Round trips could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum PingPongError {
    /// The frame length is out of range.
    #[error(transparent)]
    Frame(#[from] WrongLength),
    /// The interface could not be opened.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The other side is not there, or has gone.
    #[error("gave up after {MOST_LOST_IN_A_ROW} packets in a row did not come back; is the peer on the other side running?")]
    NothingBack,
    /// The clocks cannot be related.
    #[error("the monotonic clock did not move during the run; the host's clocksource is broken")]
    NoTime,
}

/// So many packets in a row without an answer mean that there will be none: a loop that spins at real-time priority must not go on
/// for nothing.
const MOST_LOST_IN_A_ROW: u32 = 100;

/// Measures round trips over an interface, on the calling thread, which spins all the while: pin it and raise its priority first where
/// that matters.
///
/// # Errors
/// When the interface cannot be opened, the frame cannot be made, or nothing comes back.
pub fn ping_pong(interface: &str, order: &PingPong) -> Result<RoundTrips, PingPongError> {
    let mut port = Pair::open(interface, interface)?;
    // Spinning ignores the port's ways of waiting: a real clock moves by itself.
    bounce(order, &Tsc, &mut port, |_, _| ())
}

/// The loop, over any clock and port; `pass` lets time go by while there is nothing to receive.
fn bounce<C: Clock, P: Transmit + Receive>(
    order: &PingPong,
    clock: &C,
    port: &mut P,
    mut pass: impl FnMut(&mut P, u64),
) -> Result<RoundTrips, PingPongError> {
    let length = usize::try_from(order.frame).unwrap_or(usize::MAX);
    let head = Head { source: order.source, destination: order.destination, tag: order.tag, length };
    let mut template = Template::new(&head)?;
    let first = clock.sight_tightest(64);
    let mut found = RoundTrips { times: vec![u64::MAX; order.count as usize], lost: 0 };
    let (mut kept, mut lost_in_a_row) = (0, 0);
    let patience = order.patience.saturating_mul(ROUGHLY_TICKS_PER_NS);
    for sequence in 0..u64::from(order.warm_up) + u64::from(order.count) {
        let frame = template.numbered(sequence);
        let sent = clock.ticks();
        let back = port.send(frame).ok().and_then(|()| {
            loop {
                let ours = port.receive(|incoming| {
                    identify(incoming.bytes).is_some_and(|found| found.tag == order.tag && found.sequence == sequence)
                });
                let now = clock.ticks();
                if ours == Some(true) {
                    return Some(now);
                }
                if now.wrapping_sub(sent) > patience {
                    return None;
                }
                pass(port, order.patience);
            }
        });
        lost_in_a_row = if back.is_some() { 0 } else { lost_in_a_row + 1 };
        match back {
            None if lost_in_a_row == MOST_LOST_IN_A_ROW => return Err(PingPongError::NothingBack),
            None => found.lost += 1,
            Some(back) if sequence >= u64::from(order.warm_up) => {
                found.times[kept] = back - sent;
                kept += 1;
            }
            Some(_) => {}
        }
    }
    found.times.truncate(kept);
    let ticks_per_ns = first.ticks_per_ns(&clock.sight_tightest(64)).ok_or(PingPongError::NoTime)?;
    for time in &mut found.times {
        *time = nanoseconds(*time, ticks_per_ns);
    }
    Ok(found)
}

/// How much longer than asked for to wait at most: no counter runs faster than this. It only sets when a packet is given up.
const ROUGHLY_TICKS_PER_NS: u64 = 6;

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a round trip is a positive length of time")]
fn nanoseconds(ticks: u64, ticks_per_ns: f64) -> u64 {
    (ticks as f64 / ticks_per_ns).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{SimulatedClock, SimulatedPort, WireModel};
    use crate::stop::Stop;
    use tailbed_format::order::{SimulatedWire, Wait};

    fn order() -> PingPong {
        PingPong {
            count: 1_000,
            warm_up: 100,
            source: MacAddress::local(0, 1),
            destination: MacAddress::local(0, 2),
            frame: 60,
            tag: 9,
            patience: 1_000_000,
        }
    }

    #[test]
    fn round_trips_take_what_the_wire_takes() {
        let wire = SimulatedWire {
            seed: 3,
            base: 1_000,
            mean_extra: 500,
            spike_share: 0,
            spike: 0,
            loss: 50_000,
            duplicates: 50_000,
            reordered: 0,
            capacity: None,
            queue: 0,
        };
        let clock = SimulatedClock::default();
        let mut port = SimulatedPort::new(clock.clone(), WireModel::new(wire.clone(), 0));
        let stop = Stop::new().unwrap();
        let found = bounce(&order(), &clock, &mut port, |port, ns| {
            port.idle(Wait::Spin, ns, &stop);
        })
        .unwrap();

        let mut model = WireModel::new(wire, 0);
        let fates: Vec<_> = (0..1_100).map(|_| model.fate()).collect();
        assert_eq!(found.times, fates[100..].iter().filter_map(|fate| fate.delay).collect::<Vec<_>>());
        assert_eq!(found.lost, fates.iter().filter(|fate| fate.delay.is_none()).count() as u64);
    }

    #[test]
    fn a_silent_peer_is_given_up() {
        let clock = SimulatedClock::default();
        let silent = SimulatedWire {
            seed: 1,
            base: 1,
            mean_extra: 0,
            spike_share: 0,
            spike: 0,
            loss: 1_000_000,
            duplicates: 0,
            reordered: 0,
            capacity: None,
            queue: 0,
        };
        let mut port = SimulatedPort::new(clock.clone(), WireModel::new(silent, 0));
        let stop = Stop::new().unwrap();
        let found = bounce(&order(), &clock, &mut port, |port, ns| {
            port.idle(Wait::Spin, ns, &stop);
        });
        assert!(matches!(found, Err(PingPongError::NothingBack)));
    }

    #[test]
    fn an_impossible_frame_is_refused() {
        let clock = SimulatedClock::default();
        let wire = SimulatedWire {
            seed: 1,
            base: 1,
            mean_extra: 0,
            spike_share: 0,
            spike: 0,
            loss: 0,
            duplicates: 0,
            reordered: 0,
            capacity: None,
            queue: 0,
        };
        let mut port = SimulatedPort::new(clock.clone(), WireModel::new(wire, 0));
        let wrong = PingPong { frame: 10, ..order() };
        assert!(matches!(
            bounce(&wrong, &clock, &mut port, |_, _| ()),
            Err(PingPongError::Frame(WrongLength { length: 10, .. }))
        ));
    }
}
