//! Captures made packet by packet, and a model that remembers everything.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::capture::Reader;

/// A packet by its key and capture time.
type Packet = (u8, u64);

/// A nanosecond capture of 64-byte frames.
fn capture(packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut words = |words: &[u32]| words.iter().for_each(|word| file.extend_from_slice(&word.to_le_bytes()));
    words(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, 1500, 1]);
    for &(key, time) in packets {
        let (seconds, fraction) = (time / 1_000_000_000, time % 1_000_000_000);
        words(&[u32::try_from(seconds).unwrap(), u32::try_from(fraction).unwrap(), 64, 64]);
        words(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, u32::from(key), 0, 0, 0, 0]);
    }
    file
}

fn compare(pre: &[Packet], post: &[Packet], options: &Options) -> Result<Analysis, Error> {
    let (pre, post) = (capture(pre), capture(post));
    let mut pre = Direct::new(Reader::new(pre.as_slice(), "pre.pcap"), &options.key);
    let mut post = Direct::new(Reader::new(post.as_slice(), "post.pcap"), &options.key);
    analyse(&mut pre, &mut post, options)
}

/// What an analysis says, comparable.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    latencies: BTreeMap<u64, u64>,
    worst: Vec<(u64, u64, u64)>,
    lost: u64,
    ambiguous: u64,
    duplicates: u64,
    ambiguous_post: u64,
    unmatched_post: u64,
    reordered: u64,
    trimmed: u64,
}

impl Said {
    fn by(analysis: &Analysis) -> Self {
        Self {
            latencies: analysis.latency.iter().collect(),
            worst: analysis.worst.iter().map(|worst| (worst.latency, worst.pre, worst.post)).collect(),
            lost: analysis.lost,
            ambiguous: analysis.ambiguous,
            duplicates: analysis.duplicates,
            ambiguous_post: analysis.ambiguous_post,
            unmatched_post: analysis.unmatched_post,
            reordered: analysis.reordered,
            trimmed: analysis.trimmed,
        }
    }
}

/// The rules of the module's documentation, each read off the whole captures.
fn model(pre: &[Packet], post: &[Packet], options: &Options) -> Said {
    let window = options.window;
    // Captures here are shorter than what is remembered, so that a key that comes twice is always ambiguous.
    let same = |at: usize, other: usize| pre[at].0 == pre[other].0;
    let ambiguous_after = |at: usize| (at + 1..pre.len()).any(|other| same(at, other));
    let ambiguous_before = |at: usize| (0..at).any(|other| same(at, other));
    let mut said = Said::default();
    let mut matched = vec![false; pre.len()];
    let mut pairs = Vec::new();
    let mut latest = 0;
    for &(key, time) in post {
        let belongs =
            (0..pre.len()).rev().find(|&at| pre[at].0 == key && pre[at].1 < time).filter(|&at| time - pre[at].1 < window);
        match belongs {
            None => said.unmatched_post += 1,
            Some(at) if ambiguous_before(at) => said.ambiguous_post += 1,
            Some(at) if matched[at] => said.duplicates += 1,
            Some(at) => {
                matched[at] = true;
                said.reordered += u64::from(pre[at].1 < latest);
                latest = latest.max(pre[at].1);
                pairs.push((time - pre[at].1, pre[at].1, time, at));
            }
        }
    }
    let begins = options.trim.map_or(Some(0), |trim| pairs.first().map(|pair| pair.2 + trim));
    let counts = |time: u64| options.trim.is_none() || begins.is_some_and(|begins| time > begins);
    for &(latency, left, arrived, at) in &pairs {
        if ambiguous_after(at) {
            said.ambiguous_post += 1;
        } else if counts(arrived) {
            *said.latencies.entry(latency).or_default() += 1;
            said.worst.push((latency, left, arrived));
        } else {
            said.trimmed += 1;
        }
    }
    for at in 0..pre.len() {
        let ambiguous = ambiguous_before(at) || ambiguous_after(at);
        said.ambiguous += u64::from(ambiguous);
        said.lost += u64::from(!ambiguous && !matched[at] && counts(pre[at].1));
    }
    said.worst.sort_by_key(|&(latency, left, arrived)| (std::cmp::Reverse(latency), left, arrived));
    said.worst.truncate(options.worst);
    said
}

#[test]
fn each_rule_by_itself() {
    let options = Options { window: 1_000, ..Options::default() };
    let pre = [(1, 10), (2, 20), (3, 30), (4, 40), (5, 50), (5, 60), (6, 2_000)];
    let post = [(2, 25), (1, 30), (1, 35), (9, 36), (5, 70), (3, 1_030), (4, 1_039), (6, 2_001)];
    let said = Said::by(&compare(&pre, &post, &options).unwrap());
    let expected = Said {
        latencies: BTreeMap::from([(1, 1), (5, 1), (20, 1), (999, 1)]),
        worst: vec![(999, 40, 1_039), (20, 10, 30), (5, 20, 25), (1, 2_000, 2_001)],
        lost: 1,
        ambiguous: 2,
        duplicates: 1,
        ambiguous_post: 1,
        unmatched_post: 2,
        reordered: 1,
        trimmed: 0,
    };
    assert_eq!(said, expected);
}

#[test]
fn a_pair_is_taken_back_when_its_key_comes_again() {
    let options = Options { window: 1_000, ..Options::default() };
    let analysis = compare(&[(1, 10), (1, 500)], &[(1, 20), (1, 510)], &options).unwrap();
    assert_eq!(analysis.latency.count(), 0);
    assert_eq!(analysis.worst, []);
    assert_eq!((analysis.ambiguous, analysis.ambiguous_post, analysis.lost), (2, 2, 0));
}

#[test]
fn keys_that_were_not_captured_are_an_error() {
    let frames = |captured: u32, original: u32| {
        let mut file: Vec<u8> = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 1500, 1, 7, 8, captured, original]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        file.resize(file.len() + captured as usize, 0);
        file
    };
    let sound = capture(&[(1, 1)]);
    let error = |post: Vec<u8>| {
        let key = key::Key::default();
        let mut pre = Direct::new(Reader::new(sound.as_slice(), "pre.pcap"), &key);
        let mut post = Direct::new(Reader::new(post.as_slice(), "post.pcap"), &key);
        analyse(&mut pre, &mut post, &Options::default()).unwrap_err().to_string()
    };
    insta::assert_snapshot!([error(frames(60, 100)), error(frames(60, 60))].join("\n"));
}

#[test]
fn nothing_against_nothing() {
    let analysis = compare(&[], &[], &Options::default()).unwrap();
    assert_eq!(Said::by(&analysis), Said::default());
    assert_eq!(csv::percentiles(&analysis.latency).lines().last(), Some(",,,,,,,"));
}

/// Packets in order of time: keys that sometimes repeat, delays from a nanosecond to beyond the window, loss, duplicates.
fn captures() -> impl Strategy<Value = (Vec<Packet>, Vec<Packet>)> {
    let packet = (0u8..150, 0u64..60, 0u64..250, 0u8..10);
    (proptest::collection::vec(packet, 0..120), proptest::collection::vec((0u8..200, 0u64..4_000), 0..10)).prop_map(
        |(packets, strays)| {
            let mut now = 1_000;
            let (mut pre, mut post) = (Vec::new(), strays);
            for (key, step, delay, fate) in packets {
                now += step;
                pre.push((key, now));
                let arrivals = match fate {
                    0 | 1 => 0,
                    2 => 2,
                    _ => 1,
                };
                post.extend((0..arrivals).map(|n| (key, now + delay + n * 3)));
            }
            post.sort_by_key(|packet| packet.1);
            (pre, post)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn equals_the_model(
        (pre, post) in captures(),
        window in 1u64..400,
        trim in proptest::option::of(0u64..1_000),
        worst in 0usize..20,
    ) {
        let options = Options { window, trim, worst, ..Options::default() };
        let mut said = Said::by(&compare(&pre, &post, &options).unwrap());
        let expected = model(&pre, &post, &options);
        // The list may be shorter when more pairs were taken back than it holds in reserve, but never wrong.
        prop_assert_eq!(&expected.worst[..said.worst.len()], &said.worst[..]);
        said.worst.clone_from(&expected.worst);
        prop_assert_eq!(said, expected);
    }
}
