//! `pattern`: how packets are spread over time.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{PacketRate, Time};

/// How packets are spread over time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// One packet every 1/rate seconds.
    #[default]
    Constant,
    /// At random times, independent of each other, as many as the rate says.
    Poisson,
    /// Several packets as fast as they can be sent, then none for a while.
    Burst(Burst),
    /// A rate that grows or falls evenly over the duration; there is no `rate` besides.
    Ramp(Ramp),
    /// Several rates one after the other, each for an equal part of the duration; there is no `rate` besides.
    Steps(Steps),
    /// The packets of a capture, at the times between them when they were captured; there is neither `rate` nor `flows` besides, and
    /// `frame` is the longest there may be.
    Replay(Replay),
}

/// Bursts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// Packets of a burst.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub size: u32,
    /// From the beginning of a burst to that of the next, in place of a `rate`.
    #[serde(default)]
    #[schemars(with = "Time")]
    pub gap: Option<Time>,
}

/// A ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// The rate at the beginning, and of the warm-up.
    pub from: PacketRate,
    /// The rate at the end.
    pub to: PacketRate,
}

/// Steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The rates; the first is that of the warm-up, too.
    pub rates: Vec<PacketRate>,
}

/// A replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The capture, pcap or pcapng, packed with zstd or gzip or not; its path is relative to the experiment file.
    pub pcap: String,
    /// How much faster than it was captured.
    #[serde(default)]
    pub speed: Speed,
    /// Begin again at its end, until the duration is over.
    #[serde(default, rename = "loop")]
    pub repeat: bool,
}

/// A factor, parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Speed(pub u64);

impl Default for Speed {
    fn default() -> Self {
        Self(1_000_000)
    }
}

impl From<Speed> for f64 {
    fn from(Speed(ppm): Speed) -> Self {
        ppm as f64 / 1e6
    }
}

/// The number is no factor.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a speed of {0} is not possible; write a factor from 0.001 to 1000, 1.0 for the times of the capture")]
pub struct NoSpeed(f64);

impl TryFrom<f64> for Speed {
    type Error = NoSpeed;

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0.001 to 1000")]
    fn try_from(factor: f64) -> Result<Self, NoSpeed> {
        if (0.001..=1000.0).contains(&factor) { Ok(Self((factor * 1e6).round() as u64)) } else { Err(NoSpeed(factor)) }
    }
}

/// The names that patterns have in the file.
const NAMES: [&str; 6] = ["constant", "poisson", "burst", "ramp", "steps", "replay"];

struct PatternVisitor;

impl<'de> Visitor<'de> for PatternVisitor {
    type Value = Pattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern like \"constant\" or { burst = { size = 64 } }")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Pattern, E> {
        let numbers = match name {
            "constant" => return Ok(Pattern::Constant),
            "poisson" => return Ok(Pattern::Poisson),
            "burst" => "burst = { size = 64 }",
            "ramp" => "ramp = { from = \"1kpps\", to = \"100kpps\" }",
            "steps" => "steps = { rates = [\"1kpps\", \"10kpps\"] }",
            "replay" => "replay = { pcap = \"traffic.pcap\" }",
            other => return Err(E::unknown_variant(other, &NAMES)),
        };
        Err(E::custom(format!("the pattern `{name}` needs its numbers; write it like pattern = {{ {numbers} }}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pattern, A::Error> {
        let one = "a pattern is a table with one key; write it like pattern = { burst = { size = 64 } }";
        let Some(name) = map.next_key::<String>()? else { return Err(A::Error::custom(one)) };
        let pattern = match name.as_str() {
            "burst" => Pattern::Burst(map.next_value()?),
            "ramp" => Pattern::Ramp(map.next_value()?),
            "steps" => Pattern::Steps(map.next_value()?),
            "replay" => Pattern::Replay(map.next_value()?),
            "constant" | "poisson" => {
                return Err(A::Error::custom(format!("the pattern `{name}` has no settings; write pattern = \"{name}\"")));
            }
            other => return Err(A::Error::unknown_variant(other, &NAMES)),
        };
        if map.next_key::<String>()?.is_some() { Err(A::Error::custom(one)) } else { Ok(pattern) }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    /// By hand, so that a pattern without its numbers is answered with how to write them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PatternVisitor)
    }
}
