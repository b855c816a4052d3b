//! `[capture]`: what a third party records of the packets.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Bytes, Time, WrongUnit};

/// The timestamper: it taps links outside the load generator and the nodes, and writes what passes into pcapng files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Whether there is one; for sweeps.
    #[serde(default = "yes")]
    pub tapped: bool,
    /// Names of the links in `[links]` that are tapped; without any, the first and the last of the path.
    #[serde(default)]
    pub links: Vec<String>,
    /// Bytes kept of each frame.
    #[serde(default)]
    pub snap: Snap,
    /// Who stamps.
    #[serde(default)]
    pub stamps: Stamper,
    /// The most that a file may take.
    #[serde(default = "gibibyte")]
    pub limit: Bytes,
    /// The lead-in that is left out of latencies: what comes through within this time after the first packet. That of the warm-up by default.
    #[serde(default)]
    #[schemars(with = "Time")]
    pub trim: Option<Time>,
}

/// Who stamps what is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stamper {
    /// The network card where every tapped interface has one that can, else the kernel.
    #[default]
    Auto,
    /// The kernel.
    Software,
    /// The network card, or there is no run.
    Hardware,
}

/// How much is kept of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snap {
    /// So many bytes.
    First(Bytes),
    /// All of it.
    Whole,
}

impl Default for Snap {
    /// Headers and identifier, in tunnels too: 88 bytes in MPLS in GRE.
    fn default() -> Self {
        Self::First(Bytes(128))
    }
}

fn yes() -> bool {
    true
}

fn gibibyte() -> Bytes {
    Bytes(1 << 30)
}

struct SnapVisitor;

impl Visitor<'_> for SnapVisitor {
    type Value = Snap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size like 128, or \"whole\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Snap, E> {
        let size = u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(Snap::First(Bytes(size)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Snap, E> {
        Ok(Snap::First(Bytes(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Snap, E> {
        if text == "whole" {
            return Ok(Snap::Whole);
        }
        text.parse().map(Snap::First).map_err(|error: WrongUnit| E::custom(format!("{error}, or \"whole\"")))
    }
}

impl<'de> Deserialize<'de> for Snap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SnapVisitor)
    }
}

impl Serialize for Snap {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::First(size) => size.serialize(serializer),
            Self::Whole => serializer.serialize_str("whole"),
        }
    }
}

impl JsonSchema for Snap {
    fn schema_name() -> Cow<'static, str> {
        "Snap".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let first = generator.subschema_for::<Bytes>();
        json_schema!({ "anyOf": [first, { "const": "whole", "description": "Whole frames." }] })
    }
}
