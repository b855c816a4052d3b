//! What a network function itself takes for a frame: no port, no system call.
//!
//! One iteration is a thousand frames, so that its microseconds are nanoseconds per frame. Each frame is copied into a slot first, as the
//! kernel does with a ring's, and a function that moves its frames to memory of its own does that besides. Compare with `l2fwd`
//! beside it, of the same kind:
//!
//! - `warm`: all frames are of one flow, so that what is looked up lies in the nearest cache;
//! - `spread`: every frame goes to another of all routes, subscribers or rules, drawn at random;
//! - `cold`: the same after 64 MiB of other memory were read, which stands for a machine that does other things between bursts.
//!
//! The frames themselves have just been touched each time, as by the driver that brought them: what is measured is the function and its
//! tables.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot run should stop")]

use std::hint::black_box;
use std::net::Ipv4Addr;

use divan::Bencher;
use divan::counter::ItemsCount;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tailbed_format::function::{Bng as Settings, Table};
use tailbed_format::mac::MacAddress;
use tailbed_format::order::ForwardRule;
use tailbed_traffic::function::{
    AHEAD, Bng, Buffer, Exits, Filter, L2fwd, L3fwd, NetworkFunction, None, Reflect, generated_routes,
};
use tailbed_traffic::packet::SHORTEST_FRAME;
use tailbed_traffic::packet::template::{Head, Template};

/// Frames of one iteration.
const FRAMES: usize = 1_000;

/// Frames that are drawn from in turn.
const POOL: usize = 64 * FRAMES;

/// Bytes before a frame in its slot.
const HEADROOM: usize = 64;

/// Subscribers of the gateway.
const SUBSCRIBERS: u32 = 10_000;

fn main() {
    divan::main();
}

/// How far frames differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Warm,
    Spread,
    Cold,
}

const KINDS: [Kind; 3] = [Kind::Warm, Kind::Spread, Kind::Cold];

fn exits() -> Exits {
    let rule = |receive: &str, transmit: &str, number: u32| ForwardRule {
        receive: receive.to_owned(),
        transmit: transmit.to_owned(),
        source: MacAddress::local(1, number),
        destination: MacAddress::local(2, number),
    };
    Exits::of(&[rule("in", "out", 0), rule("out", "in", 1)])
}

fn generated(count: u32) -> Table {
    Table::Generated { count, seed: 1 }
}

/// A frame of the load generator's, to another address where one is given.
fn frame(to: Option<u32>) -> Vec<u8> {
    let head = Head { source: MacAddress::local(1, 9), destination: MacAddress::local(2, 9), tag: 1, length: SHORTEST_FRAME };
    let mut frame = Template::new(&head).unwrap().numbered(0).to_vec();
    if let Some(to) = to {
        frame[30..34].copy_from_slice(&to.to_be_bytes());
        let sum = frame[14..34].as_chunks::<2>().0.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum::<u32>();
        let sum = sum - u32::from(u16::from_be_bytes([frame[24], frame[25]]));
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = (sum & 0xffff) + (sum >> 16);
        frame[24..26].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
    }
    frame
}

/// Frames to a table of so many routes.
fn routed(kind: Kind, count: u32) -> Vec<Vec<u8>> {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let routes = generated_routes(count, 1);
    let somewhere = |random: &mut ChaCha8Rng| {
        let prefix = routes[random.random_range(0..routes.len())].prefix;
        let size = (1u64 << (32 - prefix.length())) - 1;
        prefix.address() | u32::try_from(random.random_range(0..=size)).unwrap()
    };
    (0..POOL).map(|_| frame((kind != Kind::Warm).then(|| somewhere(&mut random)))).collect()
}

/// Frames as subscribers send them; the last of a pair is the number of the one who does.
fn tagged(kind: Kind) -> Vec<Vec<u8>> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let tag = |random: &mut ChaCha8Rng| {
        let number = if kind == Kind::Warm { 0 } else { random.random_range(0..SUBSCRIBERS) };
        let vlan = |number: u32| u16::try_from(number + 1).unwrap().to_be_bytes();
        let mut tagged = frame(Option::None);
        let tags = [[0x88, 0xa8], vlan(number / 4094), [0x81, 0], vlan(number % 4094)].concat();
        tagged.splice(12..12, tags);
        tagged
    };
    (0..POOL).map(|_| tag(&mut random)).collect()
}

fn gateway(local: u8, remote: u8) -> Bng {
    let end = |last| Ipv4Addr::new(198, 19, 255, last);
    let settings =
        Settings { subscribers: generated(SUBSCRIBERS), routes: generated(16), local: end(local), remote: end(remote) };
    Bng::new(exits(), &settings).unwrap()
}

/// The same frames as the core sends them back: as another gateway sends them there.
fn tunnelled(kind: Kind) -> Vec<Vec<u8>> {
    let mut other = gateway(2, 1);
    let mut memory = vec![0; 2048];
    let pack = |frame: Vec<u8>| {
        let mut buffer = Buffer::copied(&mut memory, &frame, Bng::ROOM).unwrap();
        other.process(&mut buffer, 0).unwrap();
        buffer.bytes().to_vec()
    };
    tagged(kind).into_iter().map(pack).collect()
}

/// Every frame into a slot and through the function, a batch of them at a time as in the forwarder's loop.
fn measure<F: NetworkFunction>(bencher: Bencher<'_, '_>, kind: Kind, mut function: F, rule: usize, frames: &[Vec<u8>]) {
    let other = vec![1u8; 64 << 20];
    let mut slots = vec![vec![0; 2048 + 192]; AHEAD];
    let mut turns = frames.chunks(FRAMES).cycle();
    let sent: usize = frames.chunks(AHEAD).map(|batch| pass(&mut function, rule, batch, &mut slots)).sum();
    assert!(sent > frames.len() / 2, "{sent} of {} frames are sent on", frames.len());
    let next = || {
        if kind == Kind::Cold {
            black_box(other.iter().step_by(64).map(|byte| u64::from(*byte)).sum::<u64>());
        }
        let frames = turns.next().unwrap_or_default();
        black_box(frames.iter().flatten().fold(0, |sum, byte| sum ^ byte));
        frames
    };
    bencher.counter(ItemsCount::new(FRAMES)).with_inputs(next).bench_local_values(|frames| {
        frames.chunks(AHEAD).map(|batch| pass(&mut function, rule, batch, &mut slots)).sum::<usize>()
    });
}

/// How many frames of a batch are sent on.
#[inline]
fn pass<F: NetworkFunction>(function: &mut F, rule: usize, batch: &[Vec<u8>], slots: &mut [Vec<u8>]) -> usize {
    for (slot, frame) in slots.iter_mut().zip(batch) {
        slot[HEADROOM..][..frame.len()].copy_from_slice(frame);
    }
    function.look_ahead(slots.iter().zip(batch).map(|(slot, frame)| &slot[HEADROOM..][..frame.len()]), rule);
    let mut sent = 0;
    for (slot, frame) in slots.iter_mut().zip(batch) {
        let Some(mut buffer) = Buffer::within(slot, HEADROOM..HEADROOM + frame.len()) else { continue };
        sent += usize::from(function.process(&mut buffer, rule).is_ok());
        black_box(buffer.bytes());
    }
    sent
}

#[divan::bench(args = KINDS, sample_size = 1)]
fn none(bencher: Bencher<'_, '_>, kind: Kind) {
    measure(bencher, kind, None, 0, &routed(kind, 10_000));
}

#[divan::bench(args = KINDS, sample_size = 1)]
fn l2fwd(bencher: Bencher<'_, '_>, kind: Kind) {
    measure(bencher, kind, L2fwd::new(exits()), 0, &routed(kind, 10_000));
}

#[divan::bench(args = KINDS, consts = [16, 10_000, 1_000_000], sample_size = 1)]
fn l3fwd<const ROUTES: u32>(bencher: Bencher<'_, '_>, kind: Kind) {
    let function = L3fwd::new(exits(), &generated(ROUTES)).unwrap();
    measure(bencher, kind, function, 0, &routed(kind, ROUTES));
}

#[divan::bench(args = KINDS, sample_size = 1)]
fn bng_upstream(bencher: Bencher<'_, '_>, kind: Kind) {
    measure(bencher, kind, gateway(1, 2), 0, &tagged(kind));
}

#[divan::bench(args = KINDS, sample_size = 1)]
fn bng_downstream(bencher: Bencher<'_, '_>, kind: Kind) {
    measure(bencher, kind, gateway(1, 2), 1, &tunnelled(kind));
}

#[divan::bench(args = KINDS, sample_size = 1)]
fn reflect(bencher: Bencher<'_, '_>, kind: Kind) {
    measure(bencher, kind, Reflect::new(exits()), 0, &routed(kind, 10_000));
}

#[divan::bench(args = KINDS, consts = [16, 10_000], sample_size = 1)]
fn filter<const RULES: u32>(bencher: Bencher<'_, '_>, kind: Kind) {
    let function = Filter::new(exits(), &generated(RULES)).unwrap();
    measure(bencher, kind, function, 0, &routed(kind, 10_000));
}
