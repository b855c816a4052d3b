use std::collections::VecDeque;
use std::net::Ipv4Addr;

use proptest::prelude::*;
use rustix::io::Errno;
use tailbed_format::function::{Bng, Table};
use tailbed_format::mac::MacAddress;
use tailbed_format::order::{BATCH, ForwardRule, Scheduling};

use super::*;

struct Waiting(VecDeque<(Vec<u8>, bool)>);

impl Receive for Waiting {
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        let (mut bytes, truncated) = self.0.pop_front()?;
        Some(take(Incoming { bytes: &mut bytes, stamp: 0, truncated }))
    }

    fn idle(&mut self, _: Wait, _: u64, _: &Stop) -> bool {
        false
    }

    fn drops(&mut self) -> u64 {
        3
    }
}

#[derive(Default)]
struct Sent {
    frames: Vec<Vec<u8>>,
    room: usize,
}

impl Transmit for Sent {
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        if self.frames.len() == self.room {
            return Err(Errno::NOBUFS);
        }
        self.frames.push(frame.to_vec());
        Ok(())
    }
}

/// Keeps up to three frames back, and refuses every fourth.
#[derive(Default)]
struct Queueing {
    queue: Vec<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    taken: usize,
    flushes: Vec<usize>,
}

impl Transmit for Queueing {
    const QUEUE: usize = 3;

    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        assert!(self.queue.len() < Self::QUEUE, "a full queue is flushed first");
        self.queue.push(frame.to_vec());
        Ok(())
    }

    fn queued(&self) -> usize {
        self.queue.len()
    }

    fn flush(&mut self, mut refused: impl FnMut(usize, Errno)) {
        self.flushes.push(self.queue.len());
        for (place, frame) in std::mem::take(&mut self.queue).into_iter().enumerate() {
            self.taken += 1;
            if self.taken.is_multiple_of(4) {
                refused(place, Errno::NOBUFS);
            } else {
                self.sent.push(frame);
            }
        }
    }
}

#[test]
fn queued_frames_leave_with_their_batch_and_refused_ones_are_not_counted_as_sent() {
    let stop = Stop::new().unwrap();
    let frames = (0..12).map(|number| (vec![number; 60], false)).collect();
    let mut ports = Ports::new([(Waiting(frames), Queueing::default())]);
    let mut function = AnyFunction::new(&Function::None, &rules()[..1]).unwrap();
    any::run(&mut function, &mut ports, 5, &stop, |_| stop.raise());
    let sent = &ports.transmit[0];
    let numbers: Vec<_> = sent.sent.iter().map(|frame| frame[0]).collect();
    assert_eq!(numbers, [0, 1, 2, 4, 5, 6, 8, 9, 10]);
    // five at a time, three of them at most in the queue; nothing waits when the ring is empty
    assert_eq!(sent.flushes, [3, 2, 3, 2, 2]);
    let counts = ports.counts();
    assert_eq!((counts[0].received, counts[0].sent, counts[0].send_errors), (12, 9, 3));
}

fn rule(receive: &str, transmit: &str, number: u8) -> ForwardRule {
    ForwardRule {
        receive: receive.to_owned(),
        transmit: transmit.to_owned(),
        source: MacAddress([number; 6]),
        destination: MacAddress([number + 1; 6]),
    }
}

fn rules() -> [ForwardRule; 2] {
    [rule("in", "out", 2), rule("out", "in", 4)]
}

fn waiting(frames: Vec<(Vec<u8>, bool)>, room: usize) -> (Waiting, Sent) {
    (Waiting(frames.into()), Sent { frames: Vec::new(), room })
}

/// Forwards everything there is; what was counted, and sent by each rule's interface.
fn forward(function: &Function, directions: Vec<(Waiting, Sent)>) -> (Vec<RuleCount>, Vec<Vec<Vec<u8>>>) {
    let stop = Stop::new().unwrap();
    let mut ports = Ports::new(directions);
    let mut function = AnyFunction::new(function, &rules()).unwrap();
    any::run(&mut function, &mut ports, BATCH, &stop, |_| stop.raise());
    (ports.counts(), ports.transmit.into_iter().map(|sent| sent.frames).collect())
}

#[test]
fn addresses_are_rewritten_and_the_rest_is_left_alone() {
    let (_, sent) = forward(&Function::L2fwd, vec![waiting(vec![((0..60).collect(), false)], 1)]);
    let expected: Vec<u8> = [3; 6].into_iter().chain([2; 6]).chain(12..60).collect();
    assert_eq!(sent, [[expected]]);
}

#[test]
fn without_a_function_nothing_is_rewritten() {
    let (counts, sent) =
        forward(&Function::None, vec![waiting(vec![((0..9).collect(), false), (vec![], false), (vec![7], true)], 9)]);
    assert_eq!(sent, [[(0..9).collect::<Vec<u8>>(), vec![]]]);
    assert_eq!((counts[0].received, counts[0].sent, counts[0].malformed), (3, 2, 1));
}

#[test]
fn every_frame_is_accounted_for() {
    let frames = vec![(vec![0; 60], false), (vec![0; 13], false), (vec![0; 60], true), (vec![0; 14], false), (vec![], false)];
    let both = vec![waiting(frames, 1), waiting(vec![(vec![0; 60], false); 100], 100)];
    let (counts, _) = forward(&Function::L2fwd, both);
    let none = RuleCount { receive_drops: 3, ..RuleCount::default() };
    assert_eq!(counts[0], RuleCount { received: 5, sent: 1, malformed: 3, send_errors: 1, ..none });
    assert_eq!(counts[1], RuleCount { received: 100, sent: 100, ..none });
}

fn functions() -> Vec<Function> {
    let generated = |count| Table::Generated { count, seed: 1 };
    let text = |text: &str| Table::Text { name: "inline".to_owned(), text: text.to_owned() };
    vec![
        Function::None,
        Function::L2fwd,
        Function::L3fwd { routes: generated(100), further: Vec::new() },
        Function::Bng(Bng {
            subscribers: generated(4_095),
            routes: text("0.0.0.0/0 out"),
            local: Ipv4Addr::new(198, 19, 255, 1),
            remote: Ipv4Addr::new(198, 19, 255, 2),
        }),
        Function::Reflect,
        Function::Filter { rules: text("drop udp to any port 9 payload \"tb\"\naccept tcp\ndrop from 198.18.0.0/15") },
    ]
}

/// Frames that come ever closer to good ones: random, then with headers of ours, some of them damaged.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let random = proptest::collection::vec(any::<u8>(), 0..120);
    (random, 0usize..6, proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())), any::<bool>()).prop_map(
        |(mut bytes, kind, damage, right)| {
            let front: &[u8] = match kind {
                0 => &[],
                1 => &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 28],
                2 => &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 1, 8, 0, 0x45, 0, 0, 28],
                3 => &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x47, 0, 0, 60],
                _ => &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 60],
            };
            bytes.splice(..front.len().min(bytes.len()), front.iter().copied());
            let ip = if kind == 2 { 22 } else { 14 };
            if kind == 5 && bytes.len() >= 74 {
                // through the tunnel: protocol and addresses, GRE, a label, a packet of 28 bytes
                bytes[20..24].copy_from_slice(&[0x40, 0, 64, 47]);
                bytes[26..34].copy_from_slice(&[198, 19, 255, 2, 198, 19, 255, 1]);
                bytes[34..46].copy_from_slice(&[0, 0, 0x88, 0x47, 0, 1, 0x01, 9, 0x45, 0, 0, 28]);
                checksum(&mut bytes, 42);
            }
            if right {
                checksum(&mut bytes, ip);
            }
            if let (Some((at, value)), false) = (damage, bytes.is_empty()) {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes
        },
    )
}

/// Makes the checksum of the IPv4 header there right.
fn checksum(frame: &mut [u8], at: usize) {
    let length = frame.get(at).map_or(0, |first| usize::from(first & 15) * 4);
    if let Some(header) = frame.get_mut(at..at + length).filter(|header| header.len() >= 20) {
        header[10..12].fill(0);
        let sum = crate::packet::ipv4::checksum(header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever comes, each function counts each frame once, and sends as many as it says.
    #[test]
    fn nothing_is_lost_without_a_reason(
        inward in proptest::collection::vec((frame(), any::<bool>()), 0..40),
        outward in proptest::collection::vec((frame(), any::<bool>()), 0..40),
        room in 0usize..100,
    ) {
        for function in functions() {
            let (counts, sent) = forward(&function, vec![waiting(inward.clone(), room), waiting(outward.clone(), room)]);
            let received = [inward.len() as u64, outward.len() as u64];
            for (count, received) in counts.iter().zip(received) {
                prop_assert_eq!(count.received, received);
                let accounted = count.sent + count.malformed + count.send_errors + count.dropped.total();
                prop_assert_eq!(accounted, received, "{:?} {:?}", function, count);
            }
            let sent: usize = sent.iter().map(Vec::len).sum();
            prop_assert_eq!(sent as u64, counts.iter().map(|count| count.sent).sum::<u64>());
        }
    }
}

/// The strategy is of use only if good frames are among what it makes.
#[test]
fn the_frames_of_the_property_reach_every_function() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let frames: Vec<_> = (0..3_000).map(|_| (frame().new_tree(&mut runner).unwrap().current(), false)).collect();
    for function in functions() {
        let (counts, _) = forward(&function, vec![waiting(frames.clone(), 3_000), waiting(frames.clone(), 3_000)]);
        for count in counts {
            assert!(count.sent >= 20, "{function:?} {count:?}");
        }
    }
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let scheduling = Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block };
    let order = |rules, workers, batch| Forward {
        function: Function::L2fwd,
        rules,
        ports: tailbed_format::port::Ports::LATENCY,
        memory: Vec::new(),
        sockets: Vec::new(),
        workers,
        batch,
        scheduling: scheduling.clone(),
    };
    let rule = |receive: &str| rule(receive, "lo", 1);
    assert!(matches!(open(&order(vec![], 1, 1)), Err(ForwardError::NoRules)));
    assert!(matches!(open(&order(vec![rule("a"), rule("a")], 1, 1)), Err(ForwardError::Twice(name)) if name == "a"));
    assert!(matches!(open(&order(vec![rule("a")], 0, 1)), Err(ForwardError::Workers(0))));
    assert!(matches!(open(&order(vec![rule("a")], 1, 513)), Err(ForwardError::Batch(513))));
    let file = Function::L3fwd { routes: Table::File("r.txt".to_owned()), further: Vec::new() };
    let unread = open(&Forward { function: file, ..order(vec![rule("a")], 1, 1) }).unwrap_err().to_string();
    assert_eq!(unread, "the order names the file r.txt and does not hold its text, which is an error in tailbed");
    let wrong =
        Function::L3fwd { routes: Table::Text { name: "r.txt".to_owned(), text: "1.2.3.4 up".to_owned() }, further: Vec::new() };
    let refused = open(&Forward { function: wrong, ..order(vec![rule("a")], 1, 1) }).unwrap_err().to_string();
    assert_eq!(refused, "r.txt:1: `up` is not a port of a forwarder; write in, out, or out2 to out250");
}
