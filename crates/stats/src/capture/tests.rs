//! Captures made byte by byte, sound and damaged, and a second opinion.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::{DataLink, Endianness, TsResolution};
use proptest::prelude::*;

use super::*;

/// A stream that gives out a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.1.min(self.0.len()).min(buffer.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

type Seen = (u64, Vec<u8>, u32);

fn read_all(source: impl Read) -> Result<Vec<Seen>, Error> {
    let mut reader = Reader::new(source, "test.pcap");
    let mut batch = Batch::default();
    let mut seen = Vec::new();
    while reader.next(&mut batch)? {
        seen.extend(batch.packets().iter().map(|packet| (packet.time, batch.frame(packet).to_vec(), packet.original)));
    }
    assert_eq!(reader.packets(), seen.len() as u64);
    Ok(seen)
}

/// A little-endian nanosecond capture of whole packets.
fn pcap(packets: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 1500, 1] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for (seconds, fraction, frame) in packets {
        let length = u32::try_from(frame.len()).unwrap();
        for word in [*seconds, *fraction, length, length] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(frame);
    }
    file
}

/// A pcapng block in the given byte order, padded.
fn block(kind: u32, body: &[u8], big_endian: bool) -> Vec<u8> {
    let word = |word: u32| if big_endian { word.to_be_bytes() } else { word.to_le_bytes() };
    let padded = body.len().next_multiple_of(4);
    let length = word(u32::try_from(padded + 12).unwrap());
    let mut block = [word(kind), length].concat();
    block.extend_from_slice(body);
    block.resize(8 + padded, 0);
    block.extend_from_slice(&length);
    block
}

fn words(words: &[u32], big_endian: bool) -> Vec<u8> {
    words.iter().flat_map(|word| if big_endian { word.to_be_bytes() } else { word.to_le_bytes() }).collect()
}

fn section(big_endian: bool) -> Vec<u8> {
    let version = if big_endian { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
    block(0x0a0d_0d0a, &[words(&[0x1a2b_3c4d], big_endian), version.to_vec(), vec![0xff; 8]].concat(), big_endian)
}

/// An interface of Ethernet with options as code, value.
fn interface(options: &[(u16, &[u8])], big_endian: bool) -> Vec<u8> {
    let half = |half: u16| if big_endian { half.to_be_bytes() } else { half.to_le_bytes() };
    let mut body = [half(1), half(0)].concat();
    body.extend(words(&[0], big_endian));
    for (code, value) in options {
        body.extend(half(*code));
        body.extend(half(u16::try_from(value.len()).unwrap()));
        body.extend_from_slice(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(1, &body, big_endian)
}

fn enhanced(id: u32, ticks: u64, frame: &[u8], big_endian: bool) -> Vec<u8> {
    let length = u32::try_from(frame.len()).unwrap();
    let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
    block(6, &[words(&[id, high, low, length, length], big_endian), frame.to_vec()].concat(), big_endian)
}

#[test]
fn resolutions_offsets_and_orders_of_pcapng() {
    for big_endian in [false, true] {
        let offset = if big_endian { 100i64.to_be_bytes() } else { 100i64.to_le_bytes() };
        let file = [
            section(big_endian),
            interface(&[], big_endian),
            interface(&[(9, &[9])], big_endian),
            interface(&[(2, b"eth0"), (9, &[0x8a]), (14, &offset)], big_endian),
            interface(&[(9, &[12])], big_endian),
            enhanced(0, 1_000_001, b"micro", big_endian),
            enhanced(1, 2_000_000_003, b"nano", big_endian),
            enhanced(3, 3_000_000_000_999, b"pico", big_endian),
            block(5, &[0; 12], big_endian),
            enhanced(2, 1024 + 512, b"binary", big_endian),
            section(!big_endian),
            interface(&[(9, &[0])], !big_endian),
            block(2, &[words(&[0, 0, 200, 3, 3], !big_endian), b"old".to_vec()].concat(), !big_endian),
        ]
        .concat();
        let seen = read_all(file.as_slice()).unwrap();
        let times: Vec<_> = seen.iter().map(|(time, frame, _)| (*time, frame.as_slice())).collect();
        let expected: [(u64, &[u8]); 5] = [
            (1_000_001_000, b"micro"),
            (2_000_000_003, b"nano"),
            (3_000_000_000, b"pico"),
            (101_500_000_000, b"binary"),
            (200_000_000_000, b"old"),
        ];
        assert_eq!(times, expected);
    }
}

#[test]
fn a_capture_of_no_packets_is_sound() {
    assert_eq!(read_all(pcap(&[]).as_slice()).unwrap(), []);
    assert_eq!(read_all(section(false).as_slice()).unwrap(), []);
}

#[test]
fn blocks_longer_than_a_read_are_read() {
    let large = block(0x0bad, &vec![7; 3 << 20], false);
    let file = [section(false), interface(&[], false), large, enhanced(0, 5, b"after", false)].concat();
    assert_eq!(read_all(file.as_slice()).unwrap(), [(5_000, b"after".to_vec(), 5)]);
}

/// Each file with the one thing that is wrong with it.
fn damaged() -> Vec<(&'static str, Vec<u8>)> {
    let frame: &[u8] = &[0x55; 60];
    let sound = pcap(&[(10, 0, frame), (10, 500, frame)]);
    let with = |at: usize, word: u32| {
        let mut file = sound.clone();
        file[at..at + 4].copy_from_slice(&word.to_le_bytes());
        file
    };
    let second = 24 + 16 + 60;
    let ng = |blocks: &[Vec<u8>]| [&[section(false), interface(&[(9, &[9])], false)], blocks].concat().concat();
    let first = || enhanced(0, 7, b"first", false);
    let broken_trailer = || {
        let mut block = first();
        let at = block.len() - 4;
        block[at] ^= 0xff;
        block
    };
    let long_packet = || block(6, &words(&[0, 0, 9, 4_000, 4_000], false), false);
    let mut no_order = section(false);
    no_order[8] = 0;
    vec![
        ("empty file", Vec::new()),
        ("another format", b"\x89PNG\r\n\x1a\n and so on".to_vec()),
        ("three bytes", vec![0x4d, 0x3c, 0xb2]),
        ("header cut short", sound[..20].to_vec()),
        ("record header cut short", sound[..second + 7].to_vec()),
        ("packet cut short", sound[..sound.len() - 1].to_vec()),
        ("absurd length", with(second + 8, 0x5555_5555)),
        ("captured beyond the snap length", with(second + 8, 1501)),
        ("captured beyond the packet", with(second + 12, 59)),
        ("fraction of more than a second", with(second + 4, 1_000_000_000)),
        ("time runs backwards", with(second, 9)),
        ("pcapng: no byte order", no_order),
        ("pcapng: block length not whole words", ng(&[first(), words(&[6, 33], false), vec![0; 40]])),
        ("pcapng: block of no length", ng(&[words(&[6, 0, 0], false)])),
        ("pcapng: block of absurd length", ng(&[first(), words(&[6, 0x7fff_fff0, 0], false)])),
        ("pcapng: two lengths", ng(&[first(), broken_trailer()])),
        ("pcapng: unknown interface", ng(&[first(), enhanced(3, 8, b"second", false)])),
        ("pcapng: no interface", [section(false), first()].concat()),
        ("pcapng: packet beyond its block", ng(&[first(), long_packet()])),
        ("pcapng: option beyond its block", [section(false), block(1, &words(&[1, 0, 0x00ff_0009], false), false)].concat()),
        ("pcapng: no time", ng(&[first(), block(3, &words(&[4, 0], false), false)])),
        ("pcapng: time before 1970", [section(false), interface(&[(14, &(-5i64).to_le_bytes())], false), first()].concat()),
        ("pcapng: time runs backwards", ng(&[enhanced(0, 8, b"second", false), first()])),
        ("pcapng: block cut short", {
            let mut file = ng(&[first(), first()]);
            file.truncate(file.len() - 9);
            file
        }),
    ]
}

#[test]
fn damage_is_named_with_place_and_way_out() {
    let mut text = String::new();
    for (what, file) in damaged() {
        let error = read_all(file.as_slice()).expect_err(what);
        writeln!(text, "{what}:\n  {error}").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_failing_stream_is_named() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("checksum does not match"))
        }
    }
    let error = read_all(pcap(&[(1, 1, b"x")]).as_slice().chain(Failing)).unwrap_err();
    insta::assert_snapshot!(error);
}

fn packets() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    proptest::collection::vec((0u64..3_000_000_000, proptest::collection::vec(any::<u8>(), 0..200)), 0..40).prop_map(|packets| {
        let mut time = 0;
        let later = |(step, frame): (u64, Vec<u8>)| {
            time += step;
            (time, frame)
        };
        packets.into_iter().map(later).collect()
    })
}

proptest! {
    /// What the pcap-file crate writes is read as it was, however the bytes trickle in.
    #[test]
    fn pcap_written_by_another_program(packets in packets(), trickle in 1usize..5000, big in any::<bool>(), micro in any::<bool>()) {
        let header = PcapHeader {
            endianness: if big { Endianness::Big } else { Endianness::Little },
            ts_resolution: if micro { TsResolution::MicroSecond } else { TsResolution::NanoSecond },
            datalink: DataLink::ETHERNET,
            ..PcapHeader::default()
        };
        let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
        for (time, frame) in &packets {
            let original = u32::try_from(frame.len()).unwrap() + 3;
            writer.write_packet(&PcapPacket::new(Duration::from_nanos(*time), original, frame)).unwrap();
        }
        let file = writer.into_writer();
        let cut = if micro { 1_000 } else { 1 };
        let expected: Vec<Seen> = packets
            .into_iter()
            .map(|(time, frame)| { let original = u32::try_from(frame.len()).unwrap() + 3; (time / cut * cut, frame, original) })
            .collect();
        prop_assert_eq!(read_all(Trickle(&file, trickle)).unwrap(), expected);
    }

    #[test]
    fn pcapng_written_by_another_program(packets in packets(), trickle in 1usize..5000) {
        let mut writer = PcapNgWriter::new(Vec::new()).unwrap();
        let options = vec![InterfaceDescriptionOption::IfTsResol(9)];
        writer.write_pcapng_block(InterfaceDescriptionBlock { linktype: DataLink::ETHERNET, snaplen: 0, options }).unwrap();
        for (time, frame) in &packets {
            writer.write_pcapng_block(EnhancedPacketBlock {
                interface_id: 0,
                timestamp: Duration::from_nanos(*time),
                original_len: u32::try_from(frame.len()).unwrap(),
                data: Cow::Borrowed(frame),
                options: Vec::new(),
            }).unwrap();
        }
        let file = writer.into_inner();
        let expected: Vec<Seen> =
            packets.into_iter().map(|(time, frame)| { let n = u32::try_from(frame.len()).unwrap(); (time, frame, n) }).collect();
        prop_assert_eq!(read_all(Trickle(&file, trickle)).unwrap(), expected);
    }

    /// Whatever the bytes, the reader ends with packets or an error.
    #[test]
    fn junk_is_an_error_or_packets(mut file in proptest::collection::vec(any::<u8>(), 0..2000), magic in 0usize..4) {
        let start: &[u8] = [&[0x4d, 0x3c, 0xb2, 0xa1][..], &[0xa1, 0xb2, 0xc3, 0xd4], &[0x0a, 0x0d, 0x0d, 0x0a], &[]][magic];
        file.splice(0..0, start.iter().copied());
        let _ = read_all(file.as_slice());
    }

    /// A damaged byte anywhere in a sound capture: never a panic, and no packet that was not there is made up beyond the file.
    #[test]
    fn a_flipped_byte_never_panics(packets in packets(), at in any::<proptest::sample::Index>(), flip in 1u8..=255) {
        let mut file = [section(false), interface(&[(9, &[9])], false)].concat();
        for (time, frame) in &packets {
            file.extend(enhanced(0, *time, frame, false));
        }
        let at = at.index(file.len());
        file[at] ^= flip;
        if let Ok(seen) = read_all(file.as_slice()) {
            prop_assert!(seen.len() <= packets.len());
        }
    }
}
