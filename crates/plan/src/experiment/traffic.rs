//! `[traffic]`: the load.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Bytes, PacketRate, Time};

/// The load: one flow of packets on an absolute schedule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Bytes on the wire, from the destination address to the frame check sequence: 64 to 1518.
    #[serde(default = "smallest")]
    pub frame: Bytes,
    /// Packets per second.
    pub rate: PacketRate,
    /// How packets are spread over time.
    #[serde(default)]
    pub pattern: Pattern,
    /// How long packets are counted.
    pub duration: Time,
    /// How long packets are sent before they are counted.
    #[serde(default = "one_second")]
    pub warm_up: Time,
    /// How long the sink goes on listening after the last packet.
    #[serde(default = "tenth_of_a_second")]
    pub drain: Time,
}

/// How packets are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// One packet every 1/rate seconds.
    #[default]
    Constant,
}

struct PatternVisitor;

impl PatternVisitor {
    fn choose<E: serde::de::Error>(name: &str) -> Result<Pattern, E> {
        match name {
            "constant" => Ok(Pattern::Constant),
            other => Err(E::custom(format!("the pattern `{other}` is not available; write \"constant\", the only one there is"))),
        }
    }
}

impl<'de> Visitor<'de> for PatternVisitor {
    type Value = Pattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pattern \"constant\"")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Pattern, E> {
        Self::choose(name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pattern, A::Error> {
        let Some(name) = map.next_key::<String>()? else { return Self::choose("") };
        map.next_value::<IgnoredAny>()?;
        Self::choose(&name)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PatternVisitor)
    }
}

fn smallest() -> Bytes {
    Bytes(64)
}

fn one_second() -> Time {
    Time(1_000_000_000)
}

fn tenth_of_a_second() -> Time {
    Time(100_000_000)
}
