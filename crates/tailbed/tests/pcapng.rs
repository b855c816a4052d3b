//! What the timestamper writes, read again: by our own reader, byte for byte, and by others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use proptest::prelude::*;
use tailbed_format::capture::Origin;
use tailbed_stats::capture::{Batch, Reader};
use tailbed_traffic::capture::pcapng::{self, Interface, Statistics};

fn origin() -> Origin {
    let text = str::to_owned;
    Origin { hardware: text("Example CPU"), system: text("Linux 6.1.0"), application: text("tailbed 0.1.0") }
}

/// A file with these packets: time, bytes, and how long it was.
fn file(packets: &[(u64, Vec<u8>, u32)]) -> Vec<u8> {
    let interface = Interface { name: "rx".to_owned(), description: "frames from dut to sink".to_owned(), snap: 128 };
    let mut out = Vec::new();
    pcapng::begin(&origin(), "clock: CLOCK_REALTIME", &interface, &mut out);
    for (time, bytes, original) in packets {
        let (head, rest) = bytes.split_at(bytes.len() / 3);
        let before = out.len();
        pcapng::packet(&mut out, *time, [head, rest, &[]], *original);
        assert_eq!(out.len() - before, pcapng::packet_length(bytes.len()));
    }
    let last = packets.last().map_or(0, |(time, ..)| *time);
    let count = packets.len() as u64;
    let statistics = Statistics {
        time: [1, last],
        received: count + 2,
        dropped: 2,
        delivered: count,
        comment: "incomplete: 2 frames".to_owned(),
    };
    pcapng::end(&statistics, &mut out);
    out
}

/// Sixteen bytes a line, with their place, in hexadecimal and as text.
fn dump(bytes: &[u8]) -> String {
    bytes.chunks(16).enumerate().fold(String::new(), |mut text, (line, bytes)| {
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown: String = bytes.iter().map(|&byte| if (32..127).contains(&byte) { char::from(byte) } else { '.' }).collect();
        let _ = writeln!(text, "{:04x}  {:47}  {shown}", line * 16, hex.join(" "));
        text
    })
}

#[test]
fn the_file_is_as_published() {
    insta::assert_snapshot!(dump(&file(&[(1_795_224_600_000_000_001, (0..61).collect(), 1514)])));
}

proptest! {
    /// Whatever is captured, the reader finds it as it was.
    #[test]
    fn what_is_written_is_read(
        mut times in prop::collection::vec(any::<u64>(), 0..40),
        bytes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 40),
        cut in 0u32..2000,
    ) {
        times.sort_unstable();
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        let packets: Vec<_> = times.into_iter().zip(bytes).map(|(time, bytes)| (time, bytes.clone(), length(&bytes) + cut)).collect();
        let written = file(&packets);
        let mut reader = Reader::new(written.as_slice(), "x.pcapng");
        let (mut batch, mut found) = (Batch::default(), Vec::new());
        while reader.next(&mut batch).unwrap() {
            found.extend(batch.packets().iter().map(|packet| (packet.time, batch.frame(packet).to_vec(), packet.original)));
        }
        prop_assert_eq!(found, packets);
    }
}
