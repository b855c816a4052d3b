//! `[throughput]`: how much a device carries, sought by many short runs in one environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::port::Ports;
use tailbed_format::unit::{Bytes, PacketRate, Share, Time};

use super::Flows;

/// A search for the highest rate that is carried, in place of `[traffic]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throughput {
    /// How it is sought.
    #[serde(default)]
    pub mode: Mode,
    /// Bytes on the wire, from the destination address to the frame check sequence: 64 to 9018.
    #[serde(default = "smallest")]
    pub frame: Bytes,
    /// Which flows there are; one if not given. A device that spreads flows over its workers, or looks each up, is loaded by many.
    #[serde(default)]
    #[schemars(with = "Flows")]
    pub flows: Option<Flows>,
    /// No trial has a lower rate.
    #[serde(default = "lowest")]
    pub min: PacketRate,
    /// No trial has a higher rate. It should be one that the load generator can send.
    pub max: PacketRate,
    /// Whether packets go both ways at once, the same rate each (RFC 2544, section 14): all rates are then those of one direction, and a goal's loss is
    /// that of all packets of both.
    #[serde(default)]
    pub bidirectional: bool,
    /// How the load generator sends and the sink receives: by the ports that carry most here unless told otherwise.
    #[serde(default)]
    pub port: Ports,
    /// How long packets are sent before they are counted, in each trial.
    #[serde(default = "tenth_of_a_second")]
    pub warm_up: Time,
    /// How long the sink goes on listening after a trial's last packet; 100ms by default, 2s in the modes of the RFCs (RFC 2544, section 23).
    #[serde(default)]
    #[schemars(with = "Time")]
    pub drain: Option<Time>,
    /// How long nothing is sent between two trials, so that the device can settle; none by default, 5s in the modes of the RFCs (RFC 2544,
    /// section 23).
    #[serde(default)]
    #[schemars(with = "Time")]
    pub pause: Option<Time>,
    /// The search ends after this long, found or not; 20min by default, 1h in the modes of the RFCs.
    #[serde(default)]
    #[schemars(with = "Time")]
    pub max_time: Option<Time>,
    /// How often in a row a trial may turn out invalid before the search is given up.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 1000))]
    pub attempts: u32,
    /// Shares of the rate found at which latency is measured afterwards: of the last goal's lower bound, or of the throughput.
    #[serde(default = "tenth_half_nine_tenths")]
    pub latency: Vec<Share>,
    /// How long latency is measured at each.
    #[serde(default = "five_seconds")]
    pub latency_trial: Time,
    /// In mode `mlrsearch`: what is sought, NDR (no loss) and PDR (0.5 %) by default.
    #[serde(default)]
    #[schemars(with = "Vec<Goal>")]
    pub goals: Option<Vec<Goal>>,
    /// In the other modes: length of every trial, 60s by default (RFC 2544, section 24).
    #[serde(default)]
    #[schemars(with = "Time")]
    pub trial: Option<Time>,
    /// In the other modes: how far the bounds of the throughput may lie apart, as a share of the upper one; 0.5% by default.
    #[serde(default)]
    #[schemars(with = "Share")]
    pub width: Option<Share>,
    /// In mode `back_to_back`: the longest burst that is tried, 2s by default; up to 30s (RFC 9004, section 6.3).
    #[serde(default)]
    #[schemars(with = "Time")]
    pub longest_burst: Option<Time>,
}

/// How throughput is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Several goals at once by many short trials (RFC 9971).
    #[default]
    Mlrsearch,
    /// The highest rate without any loss by bisection (RFC 2544, section 26.1).
    Rfc2544,
    /// The longest burst without any loss at the rate `max` (RFC 9004), after the throughput.
    BackToBack,
}

/// What a load must uphold to count as carried (RFC 9971, "Search Goal").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// What the result is called.
    pub name: String,
    /// A trial that lost more than this share of its packets is a high-loss trial.
    pub loss: Share,
    /// Share of the time measured at a load that may be in high-loss trials.
    #[serde(default = "half")]
    pub exceed: Share,
    /// How far the bounds may lie apart, as a share of the upper one.
    #[serde(default = "half_a_percent")]
    pub width: Share,
    /// Length of the trials that look for where the bounds lie; that of the others by default.
    #[serde(default)]
    #[schemars(with = "Time")]
    pub initial: Option<Time>,
    /// Length of the trials that confirm them.
    #[serde(default = "one_second")]
    pub trial: Time,
    /// So much time measured at a load is enough to classify it.
    #[serde(default = "twenty_one_seconds")]
    pub sum: Time,
}

impl Goal {
    /// NDR and PDR as FD.io CSIT has them.
    pub fn usual() -> Vec<Self> {
        let goal = |name: &str, loss| Self {
            name: name.to_owned(),
            loss: Share(loss),
            exceed: half(),
            width: half_a_percent(),
            initial: None,
            trial: one_second(),
            sum: twenty_one_seconds(),
        };
        vec![goal("NDR", 0), goal("PDR", 5_000)]
    }
}

fn smallest() -> Bytes {
    Bytes(64)
}

fn lowest() -> PacketRate {
    PacketRate(1_000)
}

fn tenth_of_a_second() -> Time {
    Time(100_000_000)
}

fn ten() -> u32 {
    10
}

fn tenth_half_nine_tenths() -> Vec<Share> {
    vec![Share(100_000), Share(500_000), Share(900_000)]
}

fn five_seconds() -> Time {
    Time(5_000_000_000)
}

fn half() -> Share {
    Share(500_000)
}

pub(crate) fn half_a_percent() -> Share {
    Share(5_000)
}

fn one_second() -> Time {
    Time(1_000_000_000)
}

fn twenty_one_seconds() -> Time {
    Time(21_000_000_000)
}
