//! The pattern with its rates.

use tailbed_format::order::Schedule;
use tailbed_format::traffic::{Pattern, Replay};
use tailbed_format::unit::PacketRate;

use super::place::Place;
use crate::experiment::{self, Burst, Traffic};
use crate::setup::environment;
use crate::text::Span;
use crate::text::advice;
use crate::text::error::Fault;

/// 100 Gbit/s are 148.8 Mpps of 64-byte frames; beyond that a rate is a slip.
pub(in crate::setup) const HIGHEST_RATE: u64 = 150_000_000;

/// More packets in a burst than this are no burst any more.
const LARGEST_BURST: u32 = 1_000_000;

/// More steps than this are a ramp.
const MOST_STEPS: usize = 1_000;

/// The pattern, and the schedule with its mean rate. The seed of random times is the run's to choose.
///
/// Of a replay neither the rate nor the number of packets is known until the capture has been read; `folder` is that of the experiment
/// file.
pub(super) fn of(traffic: &Traffic, folder: &str, place: &Place<'_>) -> Result<(Pattern, Schedule), Fault> {
    let at = |path: &[&str]| place.span(path);
    let (pattern, rate) = match &traffic.pattern {
        experiment::Pattern::Constant => (Pattern::Constant, given(traffic, place)?),
        experiment::Pattern::Poisson => (Pattern::Poisson { seed: 0 }, given(traffic, place)?),
        experiment::Pattern::Burst(burst) => bursts(*burst, traffic, place)?,
        experiment::Pattern::Ramp(ramp) => {
            without_rate("ramp", traffic, place)?;
            let [from, to] =
                [("from", ramp.from), ("to", ramp.to)].map(|(key, rate)| possible(rate, at(&["pattern", "ramp", key])));
            let (from, to) = (from?, to?);
            (Pattern::Ramp { from, to }, from.midpoint(to))
        }
        experiment::Pattern::Steps(steps) => {
            without_rate("steps", traffic, place)?;
            let rates_at = || at(&["pattern", "steps", "rates"]);
            if steps.rates.is_empty() || steps.rates.len() > MOST_STEPS {
                return Err(Fault::file(format!("{} steps are not possible", steps.rates.len()))
                    .at(rates_at(), format!("1 to {MOST_STEPS} are"))
                    .help("write it like pattern = { steps = { rates = [\"1kpps\", \"10kpps\"] } }"));
            }
            let rates = steps.rates.iter().map(|&rate| possible(rate, rates_at())).collect::<Result<Vec<_>, _>>()?;
            let mean = rates.iter().sum::<u64>() / rates.len() as u64;
            (Pattern::Steps { rates }, mean)
        }
        experiment::Pattern::Replay(replay) => {
            without_rate("replay", traffic, place)?;
            if replay.pcap.is_empty() {
                return Err(Fault::file("the replay has no capture")
                    .at(at(&["pattern", "replay", "pcap"]), "an empty path")
                    .help("write it like pattern = { replay = { pcap = \"traffic.pcap\" } }"));
            }
            let pcap = environment::beside(folder, &replay.pcap);
            let replay = Replay { pcap, speed: replay.speed.0, repeat: replay.repeat, warm_up_packets: 0, packets: 0 };
            (Pattern::Replay(replay), 0)
        }
    };
    Ok((pattern, Schedule { rate, warm_up: traffic.warm_up.0, duration: traffic.duration.0 }))
}

fn bursts(Burst { size, gap }: Burst, traffic: &Traffic, place: &Place<'_>) -> Result<(Pattern, u64), Fault> {
    let at = |key| place.span(&["pattern", "burst", key]);
    if size == 0 || size > LARGEST_BURST {
        return Err(Fault::file(format!("a burst of {size} packets is none"))
            .at(at("size"), format!("1 to {LARGEST_BURST} is allowed"))
            .help("write it like pattern = { burst = { size = 64 } }"));
    }
    let Some(gap) = gap else { return Ok((Pattern::Burst { size, gap: None }, given(traffic, place)?)) };
    without_rate("gap", traffic, place)?;
    if gap.0 == 0 {
        return Err(Fault::file("bursts without time between them are one stream")
            .at(at("gap"), "too short")
            .help("the gap is the time from the beginning of a burst to that of the next: gap = \"1ms\""));
    }
    let rate = u64::from(size).saturating_mul(1_000_000_000) / gap.0;
    let rate = possible(PacketRate(rate.max(1)), at("gap"))?;
    Ok((Pattern::Burst { size, gap: Some(gap.0) }, rate))
}

/// The rate, which must be given.
fn given(traffic: &Traffic, place: &Place<'_>) -> Result<u64, Fault> {
    let rate = traffic.rate.ok_or_else(|| advice::missing_key("rate", place.table(), &advice::EXPERIMENT))?;
    possible(rate, place.span(&["rate"]))
}

/// The rate, which must not be given: `instead` says it.
fn without_rate(instead: &str, traffic: &Traffic, place: &Place<'_>) -> Result<(), Fault> {
    let Some(rate) = traffic.rate else { return Ok(()) };
    let pattern = place.key_span(&["pattern"]);
    Err(Fault::file(format!("a rate of {rate} beside `{instead}`, which says the rate itself"))
        .at(place.span(&["rate"]), "one rate too many")
        .beside(pattern, "the rate is in the pattern")
        .help("leave `rate` out"))
}

fn possible(rate: PacketRate, place: Span) -> Result<u64, Fault> {
    if rate.0 == 0 {
        return Err(Fault::file("a rate of 0 sends nothing").at(place, "too low").help("write it like rate = \"10kpps\""));
    }
    if rate.0 > HIGHEST_RATE {
        return Err(Fault::file(format!("{rate} is more than any wire carries"))
            .at(place, "at most 150Mpps is allowed")
            .help("100 Gbit/s are 148.8Mpps of the smallest frames"));
    }
    Ok(rate.0)
}
