//! Our search beside the reference implementation of RFC 9971, the PyPI package `MLRsearch` 1.2.1, on 200 simulated devices.
//!
//! What the package answered is kept in `golden.json`. Where `python3` has the package (`pip install MLRsearch==1.2.1`) it is asked again,
//! and with `TAILBED_ORACLE=write` its answers are written anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the golden file is read, and the reference is a program"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of packets and seconds are small and positive"
)]

mod devices;
mod reference;

use std::collections::BTreeMap;

use devices::{COUNT, Device, Kind, MAXIMUM, MINIMUM};
use reference::{Answer, Found};
use tailbed_format::throughput::{Goal, Status};
use tailbed_stats::search::Sent;
use tailbed_stats::search::mlrsearch::Mlrsearch;

const SECOND: u64 = 1_000_000_000;

/// Width of both goals, ppm: as the package has it by default.
const WIDTH: u32 = 5_000;

fn goals() -> [Goal; 2] {
    [("NDR", 0), ("PDR", 5_000)].map(|(name, loss)| Goal {
        name: name.to_owned(),
        loss,
        exceed: 500_000,
        width: WIDTH,
        initial: SECOND,
        trial: SECOND,
        sum: 21 * SECOND,
    })
}

/// Our answer for a device.
fn ours(number: u64) -> Answer {
    let mut device = Device::new(number);
    let mut search = Mlrsearch::new(&goals(), MINIMUM, MAXIMUM);
    let mut trials = 0;
    while let Some(trial) = search.next() {
        let (sent, lost) = device.trial(trial.rate as f64, trial.duration as f64 / SECOND as f64);
        search.tell(trial, Sent { sent, lost });
        trials += 1;
        assert!(trials < 5_000, "the search of device {number} does not end");
    }
    let found = search.found().into_iter().map(|found| {
        assert_ne!(found.status, Status::Unfinished, "device {number}");
        let float = |bound: Option<u64>| bound.map(|bound| bound as f64);
        Found { lower: float(found.bounds.lower), upper: float(found.bounds.upper), conditional: found.conditional }
    });
    Answer { trials, found: found.collect() }
}

/// How far apart two lower bounds are, in widths of the goal.
fn apart(one: &Found, other: &Found) -> f64 {
    match (one.lower, other.lower) {
        (Some(one), Some(other)) => (one - other).abs() / one.max(other) / (f64::from(WIDTH) / 1e6),
        (None, None) => 0.0,
        _ => f64::INFINITY,
    }
}

#[test]
fn results_agree_with_the_reference_and_take_no_more_trials() {
    let reference = reference::golden();
    assert_eq!(reference.len() as u64, COUNT);
    let mut trials = BTreeMap::<Kind, (u32, u32)>::new();
    let mut far = Vec::new();
    for (number, theirs) in (0..COUNT).zip(&reference) {
        let kind = Device::new(number).kind;
        let ours = ours(number);
        let sums = trials.entry(kind).or_default();
        sums.0 += ours.trials;
        sums.1 += theirs.trials;
        for (goal, (one, other)) in ours.found.iter().zip(&theirs.found).enumerate() {
            let apart = apart(one, other);
            if apart > 1.0 {
                far.push((number, kind, goal, apart, one.clone(), other.clone()));
            }
        }
    }
    for (kind, (ours, theirs)) in &trials {
        println!("{kind:?}: {ours} trials, the reference {theirs}");
    }
    assert!(trials.values().all(|(ours, theirs)| ours <= theirs), "{trials:?}");
    assert!(far.is_empty(), "{far:?}");
}

/// On steady devices the truth lies between the bounds.
#[test]
fn the_limit_of_a_steady_device_lies_between_the_bounds() {
    for number in (0..COUNT).filter(|number| Device::new(*number).kind == Kind::Steady) {
        let limit = Device::new(number).limit;
        let found = &ours(number).found[0];
        let (lower, upper) = (found.lower.unwrap(), found.upper.unwrap());
        assert!(lower <= limit && limit < upper, "device {number}: {limit} is not between {lower} and {upper}");
    }
}

#[test]
fn the_golden_file_is_what_the_reference_answers() {
    if !reference::is_installed() {
        println!("python3 has no package MLRsearch here: its recorded answers are not asked for again");
        return;
    }
    let answers = reference::ask();
    if std::env::var_os("TAILBED_ORACLE").is_some_and(|value| value == "write") {
        reference::write(&answers);
    }
    assert!(reference::golden() == answers, "the recorded answers are not the package's");
}
