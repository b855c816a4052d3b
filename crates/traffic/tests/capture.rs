//! The timestamper's agent on a virtual Ethernet pair: which frames it sees, how it writes them down, and what it says of those it misses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::PathBuf;

use support::client::Client;
use support::network::{on_host, veth};
use tailbed_format::capture::{Capture, Captured, Origin, Stamps, Tap, TapCount};
use tailbed_format::message::{Command, Reply};
use tailbed_format::order::{Order, Scheduling, Wait};
use tailbed_traffic::port::{PacketSocket, Transmit};

/// The folder of one test.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tailbed-capture-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn tap(name: &str, interface: &str, outgoing: bool) -> Tap {
    let (from, to) = ("a".to_owned(), "b".to_owned());
    let interface = interface.to_owned();
    Tap { name: name.to_owned(), from, to, namespace: None, interface, outgoing, blocks: 4, expected: 4096 }
}

fn order(folder: &std::path::Path, taps: Vec<Tap>) -> Capture {
    Capture {
        taps,
        snap: 128,
        stamps: Stamps::Software,
        limit: 1 << 30,
        every: None,
        folder: folder.to_str().unwrap().to_owned(),
        origin: Origin { hardware: String::new(), system: String::new(), application: String::new() },
        scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block },
    }
}

/// Records what `send` sends.
fn record(order: Capture, send: impl FnOnce()) -> Captured {
    let mut client = Client::start();
    assert_eq!(client.prepare(&Order::Capture(order)), Ok(vec![]));
    client.send(&Command::Start);
    send();
    client.send(&Command::Stop);
    let Reply::Captured(captured) = client.reply() else { panic!("not captured") };
    client.quit().unwrap();
    captured
}

/// A frame with its number behind the addresses and what follows them.
fn frame(number: u16, after_addresses: &[u8]) -> Vec<u8> {
    let mut frame = [&[2u8, 2, 0, 0, 0, 1, 2, 1, 0, 0, 0, 1][..], after_addresses, &number.to_be_bytes()].concat();
    frame.resize(60, 7);
    frame
}

/// Times and bytes of the packets of a file: its enhanced packet blocks.
fn packets(file: &std::path::Path) -> Vec<(u64, Vec<u8>)> {
    let bytes = fs::read(file).unwrap();
    let mut rest = bytes.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let word = |at: usize| u32::from_ne_bytes(rest[at..at + 4].try_into().unwrap());
        if word(0) == 6 {
            let kept = word(20) as usize;
            found.push((u64::from(word(12)) << 32 | u64::from(word(16)), rest[28..28 + kept].to_vec()));
        }
        rest = &rest[word(4) as usize..];
    }
    found
}

#[test]
fn tags_that_the_kernel_takes_out_are_put_back() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let folder = folder("tags");
        let kinds: [&[u8]; 3] = [&[8, 0], &[0x81, 0, 0x60, 5, 8, 0], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 5, 8, 0]];
        let sent: Vec<_> = (0..300).map(|number| frame(number, kinds[usize::from(number) % 3])).collect();
        let captured = record(order(&folder, vec![tap("in", "tb-test-b", false)]), || {
            let mut socket = PacketSocket::open("tb-test-a").unwrap();
            for frame in &sent {
                socket.send(frame).unwrap();
            }
        });
        let count = captured.taps[0];
        let expected = TapCount { written: 300, bytes: count.bytes, ..TapCount::default() };
        assert_eq!(count, expected);
        let found = packets(&folder.join("in.pcapng"));
        assert!(found.is_sorted_by_key(|(time, _)| *time));
        assert_eq!(found.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(), sent);
        fs::remove_dir_all(&folder).unwrap();
    });
}

/// One tap sees one direction, and of what leaves only what goes through the queue.
#[test]
fn frames_that_leave_are_seen_where_they_are_shown() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let folder = folder("outgoing");
        let taps = vec![tap("out", "tb-test-a", true), tap("in", "tb-test-a", false)];
        let captured = record(order(&folder, taps), || {
            let mut shown = PacketSocket::open_shown("tb-test-a").unwrap();
            for number in 0..5 {
                shown.send(&frame(number, &[8, 0])).unwrap();
            }
            let mut past_queue = PacketSocket::open("tb-test-a").unwrap();
            for number in 5..8 {
                past_queue.send(&frame(number, &[8, 0])).unwrap();
            }
            let mut other = PacketSocket::open("tb-test-b").unwrap();
            for number in 8..10 {
                other.send(&frame(number, &[8, 0])).unwrap();
            }
        });
        assert_eq!(captured.taps.iter().map(|count| count.written).collect::<Vec<_>>(), [5, 2]);
        fs::remove_dir_all(&folder).unwrap();
    });
}

#[test]
fn what_finds_no_room_is_counted_and_the_file_says_so() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let send = || {
            let mut socket = PacketSocket::open("tb-test-a").unwrap();
            for number in 0..20_000u16 {
                socket.send(&frame(number, &[8, 0])).unwrap();
            }
        };
        // the ring is not emptied before the end, and has not room for so many
        let full = folder("full");
        let count = record(order(&full, vec![tap("in", "tb-test-b", false)]), send).taps[0];
        assert!(count.dropped > 0 && !count.is_complete(), "{count:?}");
        assert_eq!(count.written + count.dropped, 20_000);
        let found = packets(&full.join("in.pcapng"));
        assert_eq!(found.len() as u64, count.written);
        let text = fs::read(full.join("in.pcapng")).unwrap();
        let says = format!("incomplete: {} frames found no room in the ring", count.dropped);
        assert!(text.windows(says.len()).any(|window| window == says.as_bytes()));
        fs::remove_dir_all(&full).unwrap();

        // the file has not
        let limited = folder("limited");
        let roomy = Tap { blocks: 64, ..tap("in", "tb-test-b", false) };
        let count = record(Capture { limit: 100_000, every: Some(1_000_000), ..order(&limited, vec![roomy]) }, send).taps[0];
        assert_eq!((count.written + count.left_out, count.dropped), (20_000, 0), "{count:?}");
        assert!(count.left_out > 18_000, "{count:?}");
        let length = fs::metadata(limited.join("in.pcapng")).unwrap().len();
        assert!(length == count.bytes && length < 100_000 + 4096, "{length} {count:?}");
        fs::remove_dir_all(&limited).unwrap();
    });
}

/// Whoever had it made has been killed, say: a part of a run is no capture of it.
#[test]
fn of_a_capture_that_nobody_ends_nothing_is_left() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let folder = folder("abandoned");
        let mut client = Client::start();
        let taps = vec![tap("in", "tb-test-b", false), tap("out", "tb-test-b", true)];
        assert_eq!(client.prepare(&Order::Capture(order(&folder, taps))), Ok(vec![]));
        client.send(&Command::Start);
        client.quit().unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir_all(&folder).unwrap();
    });
}

/// A virtual Ethernet pair has no network card whose stamps could be had, and its driver says so.
#[test]
fn stamps_of_a_card_that_is_not_there_are_refused_in_the_drivers_words() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let folder = folder("stamps");
        let asked = Capture { stamps: Stamps::Hardware, ..order(&folder, vec![tap("in", "tb-test-b", false)]) };
        let reason = Client::start().prepare(&Order::Capture(asked)).unwrap_err();
        assert!(reason.contains("cannot have stamps of a network card at tb-test-b: its driver says "), "{reason}");
        assert!(reason.contains("software-receive") && reason.contains("and no clock of its own"), "{reason}");
        fs::remove_dir_all(&folder).unwrap();
    });
}

#[test]
fn an_interface_or_a_folder_that_is_not_there_is_named() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let folder = folder("missing");
        let mut client = Client::start();
        let reason = client.prepare(&Order::Capture(order(&folder, vec![tap("in", "tb-none", false)]))).unwrap_err();
        assert!(reason.starts_with("cannot tap the frames from a to b: interface `tb-none` does not exist"), "{reason}");
        let nowhere = folder.join("none");
        let reason = client.prepare(&Order::Capture(order(&nowhere, vec![tap("in", "tb-test-b", false)]))).unwrap_err();
        assert!(reason.contains("none/in.pcapng: No such file or directory"), "{reason}");
        let elsewhere = Tap { namespace: Some("tb-none".to_owned()), ..tap("in", "tb-test-b", false) };
        let reason = client.prepare(&Order::Capture(order(&folder, vec![elsewhere]))).unwrap_err();
        assert!(reason.contains("cannot enter the network namespace tb-none: No such file"), "{reason}");
        client.quit().unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir_all(&folder).unwrap();
    });
}
