//! `frame`: how long packets are.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Bytes, WrongUnit};

/// How long packets are on the wire, from the destination address to the frame check sequence, VLAN tags among it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// All the same.
    One(Bytes),
    /// The simple Internet mix: of twelve packets seven of 64, four of 594 and one of 1 518 bytes, which are IP packets of 40, 576 and
    /// 1 500 bytes in Ethernet (Spirent, Test Methodology Journal "IMIX", 2006; TRex has the same, stl/imix.py. RFC 6985 says how to
    /// write mixes down).
    Imix,
    /// A mix of one's own.
    Mix(Vec<FrameShare>),
}

/// A length and how often it occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameShare {
    /// Bytes on the wire: 64 to 9018.
    pub size: Bytes,
    /// How many packets of each cycle have it; the weights of a mix together are the cycle.
    #[schemars(range(min = 1, max = 10_000))]
    pub weight: u32,
}

impl Frame {
    /// The lengths of a mix; none when all are the same.
    pub fn shares(&self) -> Vec<FrameShare> {
        let share = |(size, weight)| FrameShare { size: Bytes(size), weight };
        match self {
            Self::One(_) => Vec::new(),
            Self::Imix => [(64, 7), (594, 4), (1518, 1)].map(share).to_vec(),
            Self::Mix(shares) => shares.clone(),
        }
    }
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = Frame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size like 64, \"imix\", or a list like [{ size = 64, weight = 7 }, { size = 1518, weight = 1 }]")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Frame, E> {
        let size = u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(Frame::One(Bytes(size)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Frame, E> {
        Ok(Frame::One(Bytes(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Frame, E> {
        if text == "imix" {
            Ok(Frame::Imix)
        } else {
            text.parse().map(Frame::One).map_err(|error: WrongUnit| E::custom(format!("{error}, or \"imix\"")))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Frame, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Frame::Mix)
    }
}

impl<'de> Deserialize<'de> for Frame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FrameVisitor)
    }
}

impl JsonSchema for Frame {
    fn schema_name() -> Cow<'static, str> {
        "Frame".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Bytes>();
        let mix = generator.subschema_for::<Vec<FrameShare>>();
        json_schema!({ "anyOf": [one, { "const": "imix", "description": "7 packets of 64, 4 of 594 and 1 of 1518 bytes." }, mix] })
    }
}
