use super::*;
use crate::port::{Incoming, Receive, SimulatedClock, SimulatedPort, Transmit, WireModel};
use rustix::io::Errno;
use tailbed_format::mac::MacAddress;
use tailbed_format::order::{Path, Schedule, Scheduling, SimulatedWire};
use tailbed_format::port::Ports;
use tailbed_format::stream::Stream;
use tailbed_format::summary::Gap;
use tailbed_format::traffic::{Pattern, Shape};

const WIRE: SimulatedWire = SimulatedWire {
    seed: 1,
    base: 700,
    mean_extra: 0,
    spike_share: 0,
    spike: 0,
    loss: 0,
    duplicates: 0,
    reordered: 0,
    capacity: None,
    queue: 0,
};

pub(super) fn order() -> Measure {
    Measure {
        name: String::new(),
        path: Path::Simulated(WIRE),
        ports: Ports::LATENCY,
        frame: 60,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 5,
        schedule: Schedule { rate: 10_000, warm_up: 0, duration: 10_000_000 },
        shape: Shape::default(),
        drain: 1_000_000,
        gap: 20_000,
        scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Spin },
        more: vec![],
    }
}

/// A port that stalls the loop in one send call, refuses another, and puts a frame of others onto the wire.
struct Troubled {
    port: SimulatedPort,
    sends: u32,
    stop: Stop,
}

impl Transmit for Troubled {
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        self.sends += 1;
        match self.sends {
            10 => return Err(Errno::NOBUFS),
            20 => assert!(self.port.idle(Wait::Spin, 350_000, &self.stop)),
            30 => self.port.send(&[0; 60])?,
            _ => {}
        }
        self.port.send(frame)
    }
}

impl Receive for Troubled {
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        self.port.receive(take)
    }

    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        self.port.idle(wait, ns, stop)
    }

    fn drops(&mut self) -> u64 {
        2
    }
}

fn measure(stop: &Stop) -> Result<Outcome, MeasureError> {
    let clock = SimulatedClock::default();
    let port = SimulatedPort::new(clock.clone(), WireModel::new(WIRE, 100_000));
    let mut port = Troubled { port, sends: 0, stop: Stop::new().unwrap() };
    let prepared = prepare(&order(), Recording::default(), &clock).unwrap();
    run(&order(), prepared, &clock, &mut port, stop)
}

#[test]
fn troubles_are_counted_and_the_schedule_does_not_slip() {
    let outcome = measure(&Stop::new().unwrap()).unwrap();
    let measured = &outcome.measured;
    assert_eq!((measured.send_errors, measured.no_room, measured.foreign, measured.receive_drops), (1, 1, 1, 2));
    assert!(measured.last_send_error.as_ref().is_some_and(|error| error.contains("105")), "{measured:?}");

    let departures: Vec<_> = outcome.departures().collect();
    assert_eq!(departures.len(), 99);
    assert!(departures.iter().all(|departure| departure.sequence != 9), "a refused packet has not departed");
    let lateness: Vec<_> = departures.iter().map(|departure| departure.sent - departure.due).collect();
    // The send of packet 19 took the time of 3.5 intervals; the three behind it went out as soon as they could.
    let late: Vec<_> = lateness.iter().copied().filter(|&late| late != 0).collect();
    assert_eq!(late, [250_000, 150_000, 50_000]);
    assert_eq!(measured.gaps, [Gap { at: 1_900_000, length: 350_000 }]);
}

/// Keeps up to four frames back; the kernel refuses the second and the third of a full queue.
struct Queueing {
    port: SimulatedPort,
    queue: Vec<Vec<u8>>,
    flushes: Vec<usize>,
}

impl Transmit for Queueing {
    const QUEUE: usize = 4;

    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        self.queue.push(frame.to_vec());
        Ok(())
    }

    fn queued(&self) -> usize {
        self.queue.len()
    }

    fn flush(&mut self, mut refused: impl FnMut(usize, Errno)) {
        let full = self.queue.len() == <Self as Transmit>::QUEUE;
        self.flushes.push(self.queue.len());
        for (place, frame) in std::mem::take(&mut self.queue).into_iter().enumerate() {
            if full && (place == 1 || place == 2) {
                refused(place, Errno::NOBUFS);
            } else {
                self.port.send(&frame).unwrap();
            }
        }
    }
}

impl Receive for Queueing {
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        self.port.receive(take)
    }

    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        self.port.idle(wait, ns, stop)
    }

    fn drops(&mut self) -> u64 {
        0
    }
}

/// Two wires in one time; every tenth packet of the first stream goes out on the second's.
struct Crossed {
    wires: [SimulatedPort; 2],
    sent: u32,
}

impl Wires for Crossed {
    fn send_of(&mut self, stream: usize, frame: &[u8]) -> Result<(), Errno> {
        self.sent += u32::from(stream == 0);
        let astray = stream == 0 && self.sent.is_multiple_of(10);
        self.wires[if astray { 1 } else { stream }].send(frame)
    }

    fn take<R>(&mut self, take: impl FnOnce(usize, Incoming<'_>) -> R) -> Option<R> {
        let mut take = Some(take);
        let [first, second] = &mut self.wires;
        let taken = first.receive(|incoming| take.take().map(|take| take(0, incoming)));
        taken.or_else(|| second.receive(|incoming| take.take().map(|take| take(1, incoming)))).flatten()
    }

    /// Time goes on until the next packet is due, or comes in, at the earliest by either wire: in steps of a microsecond.
    fn rest(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        self.wires[0].idle(wait, ns.min(1_000), stop)
    }

    fn dropped(&mut self) -> u64 {
        0
    }
}

/// Bursts of six: those that are due at one time leave in one queue as far as it holds them, and nothing waits for the next burst.
#[test]
fn packets_due_together_are_queued_and_refused_ones_have_not_departed() {
    let clock = SimulatedClock::default();
    let port = SimulatedPort::new(clock.clone(), WireModel::new(WIRE, 100_000));
    let mut port = Queueing { port, queue: Vec::new(), flushes: Vec::new() };
    let pattern = Pattern::Burst { size: 6, gap: Some(1_000_000) };
    let order = Measure { shape: Shape { pattern, ..Shape::default() }, ..order() };
    let prepared = prepare(&order, Recording::default(), &clock).unwrap();
    let outcome = run(&order, prepared, &clock, &mut port, &Stop::new().unwrap()).unwrap();
    assert_eq!(port.flushes, [4, 2].repeat(10));
    assert_eq!((outcome.measured.send_errors, outcome.departures().count()), (20, 40));
    let sequences: Vec<_> = outcome.departures().map(|departure| departure.sequence % 6).collect();
    assert_eq!(sequences, [0, 3, 4, 5].repeat(10));
    let arrived: Vec<_> = outcome.arrivals().map(|arrival| arrival.sequence % 6).collect();
    assert_eq!(arrived, sequences);
}

#[test]
fn what_comes_in_at_another_streams_end_is_not_received() {
    let clock = SimulatedClock::default();
    let wire = || SimulatedPort::new(clock.clone(), WireModel::new(WIRE, 100_000));
    let mut port = Crossed { wires: [wire(), wire()], sent: 0 };
    let interfaces = |transmit: &str, receive: &str| Path::Interfaces { transmit: transmit.into(), receive: receive.into() };
    let back = Stream {
        name: "back".to_owned(),
        transmit: "rx".to_owned(),
        receive: "tx".to_owned(),
        frame: 60,
        source: order().source,
        destination: order().destination,
        schedule: Schedule { rate: 20_000, ..order().schedule },
        shape: Shape::default(),
    };
    let order = Measure { name: "forth".to_owned(), path: interfaces("tx", "rx"), more: vec![back], ..order() };
    let prepared = prepare(&order, Recording::default(), &clock).unwrap();
    let outcome = run(&order, prepared, &clock, &mut port, &Stop::new().unwrap()).unwrap();
    assert_eq!((outcome.measured.misdelivered.as_slice(), outcome.measured.foreign), (&[10, 0][..], 0));
    let departures: Vec<_> = outcome.departures().collect();
    assert!(departures.is_sorted_by_key(|departure| (departure.due, departure.flow)));
    let of = |flow| departures.iter().filter(|departure| departure.flow == flow).count();
    assert_eq!((of(0), of(1)), (100, 200));
    let came_in =
        |flow| outcome.arrivals().filter(|arrival| arrival.flow == flow).map(|arrival| arrival.sequence).collect::<Vec<_>>();
    assert_eq!(came_in(0), (0..100).filter(|sequence| sequence % 10 != 9).collect::<Vec<_>>());
    assert_eq!(came_in(1), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_raised_flag_ends_the_run() {
    let stop = Stop::new().unwrap();
    stop.raise();
    assert!(matches!(measure(&stop), Err(MeasureError::Stopped)));
}
