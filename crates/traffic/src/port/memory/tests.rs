use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use tailbed_format::memory::{PREAMBLE, Side};
use tailbed_format::order::Wait;

use super::layout::{VERSION, offset};
use super::mapping::Mapping;
use super::*;
use crate::port::{Receive, Transmit};
use crate::stop::Stop;

const SMALL: Geometry = Geometry { slots: 8, slot: 2048 };

/// A file with two empty rings.
fn file(geometry: Geometry) -> File {
    let file: File = rustix::fs::memfd_create("rings", rustix::fs::MemfdFlags::CLOEXEC).unwrap().into();
    file.set_len(geometry.size()).unwrap();
    lay_out(&file, geometry).unwrap();
    file
}

fn pair(file: &File) -> Pair {
    Pair::read(Mapping::of(file).unwrap()).unwrap()
}

fn ends(file: &File) -> (MemorySender, MemoryReceiver) {
    (MemorySender::new(pair(file), Side::Near), MemoryReceiver::new(pair(file), Side::Far, false))
}

fn frame(number: u64, length: usize) -> Vec<u8> {
    let first = usize::try_from(number % 251).unwrap();
    (0..length).map(|at| u8::try_from((first + at) % 251).unwrap()).collect()
}

/// The length of a frame that tells its number.
fn length_of(number: u64) -> usize {
    8 + usize::try_from(number % 1500).unwrap()
}

#[test]
fn frames_come_out_as_they_went_in_with_the_time_between() {
    let file = file(SMALL);
    let (mut sender, mut receiver) = ends(&file);
    assert!(receiver.receive(|_| ()).is_none());
    let before = sender::now();
    // around the ring many times, and every length there is
    for (number, length) in (0..=SMALL.longest_frame() as usize).enumerate() {
        sender.send(&frame(number as u64, length)).unwrap();
        let (bytes, stamp, truncated) =
            receiver.receive(|incoming| (incoming.bytes.to_vec(), incoming.stamp, incoming.truncated)).unwrap();
        assert_eq!(bytes, frame(number as u64, length));
        assert!(!truncated && (before..=sender::now()).contains(&stamp));
    }
    assert_eq!(sender.send(&vec![0; SMALL.longest_frame() as usize + 1]), Err(rustix::io::Errno::MSGSIZE));
    assert!(receiver.receive(|_| ()).is_none());
}

#[test]
fn the_two_directions_have_nothing_in_common() {
    let file = file(SMALL);
    let (mut near, mut at_far) = ends(&file);
    let (mut far, mut at_near) = (MemorySender::new(pair(&file), Side::Far), MemoryReceiver::new(pair(&file), Side::Near, false));
    near.send(b"up").unwrap();
    far.send(b"down").unwrap();
    assert_eq!(at_far.receive(|incoming| incoming.bytes.to_vec()), Some(b"up".to_vec()));
    assert_eq!(at_near.receive(|incoming| incoming.bytes.to_vec()), Some(b"down".to_vec()));
    assert!(at_far.receive(|_| ()).is_none() && at_near.receive(|_| ()).is_none());
}

#[test]
fn what_finds_no_room_is_lost_and_the_receiver_can_tell_how_much() {
    let file = file(SMALL);
    let (mut sender, mut receiver) = ends(&file);
    for number in 0..11 {
        sender.send(&frame(number, 60)).unwrap();
    }
    assert_eq!((receiver.drops(), receiver.drops()), (3, 0));
    for number in 0..8 {
        assert_eq!(receiver.receive(|incoming| incoming.bytes.to_vec()), Some(frame(number, 60)));
    }
    assert!(receiver.receive(|_| ()).is_none());
    sender.send(&frame(11, 60)).unwrap();
    assert_eq!(receiver.receive(|incoming| incoming.bytes.to_vec()), Some(frame(11, 60)));
    assert_eq!(receiver.drops(), 0);
}

#[test]
fn a_receiver_that_comes_later_begins_with_what_is_sent_then() {
    let file = file(SMALL);
    let (mut sender, receiver) = ends(&file);
    drop(receiver);
    for number in 0..9 {
        sender.send(&frame(number, 60)).unwrap();
    }
    let mut receiver = MemoryReceiver::new(pair(&file), Side::Far, false);
    assert!(receiver.receive(|_| ()).is_none());
    assert_eq!(receiver.drops(), 0);
    let mut sender = MemorySender::new(pair(&file), Side::Near);
    sender.send(&frame(9, 60)).unwrap();
    assert_eq!(receiver.receive(|incoming| incoming.bytes.to_vec()), Some(frame(9, 60)));
}

#[test]
fn a_receiver_apart_stamps_by_itself() {
    let file = file(SMALL);
    let mut sender = MemorySender::new(pair(&file), Side::Near);
    let mut receiver = MemoryReceiver::new(pair(&file), Side::Far, true);
    sender.send(&[1; 60]).unwrap();
    let sent = sender::now();
    assert!(receiver.receive(|incoming| incoming.stamp).unwrap() >= sent);
}

/// Two threads at once: what came out is what went in, in order, but for what was counted as dropped; sleepers are woken.
#[test]
fn nothing_is_lost_or_torn_between_threads() {
    const FRAMES: u64 = 5_000;
    for wait in [Wait::Spin, Wait::Block] {
        let file = file(SMALL);
        let (mut sender, mut receiver) = ends(&file);
        let stop = Arc::new(Stop::new().unwrap());
        let sending = std::thread::spawn(move || {
            for number in 0..FRAMES {
                let mut bytes = frame(number, length_of(number));
                bytes[..8].copy_from_slice(&number.to_le_bytes());
                sender.send(&bytes).unwrap();
                if number % 8 == 0 {
                    std::thread::yield_now();
                }
            }
        });
        let (mut taken, mut dropped, mut last) = (0, 0, None);
        while taken + dropped < FRAMES {
            let took = receiver.receive(|incoming| {
                let number = u64::from_le_bytes(incoming.bytes[..8].try_into().unwrap());
                assert_eq!(incoming.bytes.len(), length_of(number));
                assert_eq!(incoming.bytes[8..], frame(number, incoming.bytes.len())[8..]);
                number
            });
            if let Some(number) = took {
                assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
                last = Some(number);
                taken += 1;
            } else {
                receiver.idle(wait, 20_000_000, &stop);
                std::thread::yield_now();
            }
            dropped += receiver.drops();
        }
        sending.join().unwrap();
        assert!(receiver.receive(|_| ()).is_none());
        assert_eq!(taken + dropped, FRAMES);
    }
}

/// Longer than any machine stands still: a sleep that ends by it was not ended by the bell.
const LONG: u64 = 60_000_000_000;

/// Sleeps on the bells of two rings, or of one, while the sender of the last sends a frame; whether the bell ended it.
fn rung(rings: usize) -> bool {
    let files: Vec<File> = (0..rings).map(|_| file(SMALL)).collect();
    let receivers: Vec<_> = files.iter().map(|file| MemoryReceiver::new(pair(file), Side::Far, false)).collect();
    let mut sender = MemorySender::new(pair(files.last().unwrap()), Side::Near);
    for receiver in &receivers {
        receiver.bell().store(1, Ordering::SeqCst);
    }
    std::thread::scope(|scope| {
        scope.spawn(|| sender.send(&[7; 60]).unwrap());
        match receivers.iter().collect::<Vec<_>>().as_slice() {
            [one] => sleep::on(one.bell(), LONG),
            all => sleep::on_all(all, LONG).unwrap(),
        }
    })
}

#[test]
fn the_bell_ends_a_sleep_on_one_ring_and_on_several() {
    assert!(rung(1));
    assert!(rung(2));
    let alone = file(SMALL);
    let receiver = MemoryReceiver::new(pair(&alone), Side::Far, false);
    receiver.bell().store(1, Ordering::SeqCst);
    assert!(!sleep::on(receiver.bell(), 1_000) && sleep::on_all(&[&receiver, &receiver], 1_000) == Some(false));
}

#[test]
fn a_sleeper_hears_the_bell() {
    let file = file(SMALL);
    let (mut sender, mut receiver) = ends(&file);
    let stop = Stop::new().unwrap();
    let bell = pair(&file);
    let bell = bell.mapping.half(bell.sent_by(Side::Near).at(offset::BELL));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // a set bell means that the receiver sleeps or is about to
            while bell.load(Ordering::Acquire) == 0 {
                std::thread::yield_now();
            }
            sender.send(&[7; 60]).unwrap();
        });
        while !receiver.has_any() {
            assert!(receiver.idle(Wait::Block, 1_000_000_000, &stop));
        }
    });
    assert_eq!(receiver.receive(|incoming| incoming.bytes.to_vec()), Some(vec![7; 60]));
    assert!(!receiver.idle(Wait::Spin, 1_000_000_000, &stop));
    assert!(!receiver.idle(Wait::Block, 10_000, &stop), "too short to sleep");
}

#[test]
fn a_file_that_is_not_ours_is_told_by_what_is_wrong_with_it() {
    let wrong = |offset: usize, value: u64| {
        let file = file(SMALL);
        Mapping::of(&file).unwrap().word(offset).store(value, Ordering::Release);
        Pair::read(Mapping::of(&file).unwrap()).unwrap_err()
    };
    assert!(wrong(offset::MAGIC, 1).starts_with("it begins with [01, 00"));
    assert_eq!(wrong(offset::VERSION_SLOTS, 2 | 8 << 32), "its layout has version 2, and version 1 is known here");
    assert_eq!(wrong(offset::VERSION_SLOTS, u64::from(VERSION) | 7 << 32), "7 slots of 2048 bytes");
    assert_eq!(wrong(offset::SLOT, 16), "8 slots of 16 bytes");
    assert!(wrong(offset::VERSION_SLOTS, u64::from(VERSION) | 65_536 << 32).contains("its rings take 268439552"));
    assert!(wrong(offset::SIZE, u64::MAX).contains("says 18446744073709551615"));
    let short: File = rustix::fs::memfd_create("short", rustix::fs::MemfdFlags::CLOEXEC).unwrap().into();
    assert!(Mapping::of(&short).is_err());
    short.set_len(PREAMBLE - 1).unwrap();
    assert!(Pair::read(Mapping::of(&short).unwrap()).unwrap_err().contains("fewer than the 4096"));
    assert!(lay_out(&short, SMALL).unwrap_err().to_string().contains("too few"));
    assert!(lay_out(&short, Geometry { slots: 3, slot: 2048 }).is_err());
}

proptest! {
    /// Whatever another writes anywhere into the file, between any two calls, both ends go on within it.
    #[test]
    fn hostile_contents_harm_nobody(
        writes in prop::collection::vec((any::<u16>(), any::<u64>(), any::<bool>(), 0usize..2200), 1..60),
    ) {
        let file = file(SMALL);
        let hostile = Mapping::of(&file).unwrap();
        let (mut sender, mut receiver) = ends(&file);
        let words = hostile.length() / 8;
        for (place, value, near, length) in writes {
            // most of what matters stands in the first words
            let word = if near { usize::from(place) % 512 } else { usize::from(place) % words };
            hostile.word(word * 8).store(value, Ordering::Relaxed);
            let sent = sender.send(&frame(value, length));
            prop_assert_eq!(sent.is_err(), length > SMALL.longest_frame() as usize);
            for _ in 0..3 {
                receiver.receive(|incoming| assert!(incoming.bytes.len() <= SMALL.longest_frame() as usize));
            }
            receiver.drops();
            let _ = Pair::read(Mapping::of(&file).unwrap());
        }
    }
}
