//! `[links]`: what is joined to what, and by what.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use tailbed_format::memory::{FEWEST_SLOTS, MOST_SLOTS, SLOTS};

/// A link: a pair of ends, or a table with more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Each `generator`, `sink`, `<node>:in` or `<node>:out`.
    pub ends: [String; 2],
    /// What it is made of.
    pub kind: LinkKind,
    /// `macvlan`: the interface of the host that both ends hang on; a pair of our own when absent.
    pub parent: Option<String>,
    /// `memory`: slots of each ring.
    pub slots: u32,
    /// `memory`: whether it comes from hugetlbfs.
    pub hugepages: bool,
}

/// What a link is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A pair of virtual Ethernet interfaces; to a virtual machine a tap.
    #[default]
    Veth,
    /// Two ports of a Linux bridge.
    Bridge,
    /// Two macvlan interfaces of one parent, in bridge mode.
    Macvlan,
    /// Two rings in memory that both ends share; no interfaces at all.
    Memory,
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Veth => "veth",
            Self::Bridge => "bridge",
            Self::Macvlan => "macvlan",
            Self::Memory => "memory",
        })
    }
}

/// The ends as they are written, by hand: reading an array of two from TOML quietly leaves out what comes after.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
struct Ends([String; 2]);

/// A link is not a pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a link has two ends, not {0}; write it like [\"generator\", \"dut:in\"]")]
struct NotTwoEnds(usize);

impl TryFrom<Vec<String>> for Ends {
    type Error = NotTwoEnds;

    fn try_from(ends: Vec<String>) -> Result<Self, NotTwoEnds> {
        <[String; 2]>::try_from(ends).map(Self).map_err(|ends| NotTwoEnds(ends.len()))
    }
}

/// The longer way to write one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[schemars(schema_with = "pair")]
    ends: Ends,
    #[serde(default)]
    kind: LinkKind,
    /// `macvlan`: the interface of the host that both ends hang on; a pair of our own when absent.
    #[serde(default)]
    #[schemars(with = "String")]
    parent: Option<String>,
    /// `memory`: slots of each ring, a power of two.
    #[serde(default = "slots")]
    #[schemars(range(min = FEWEST_SLOTS, max = MOST_SLOTS))]
    slots: u32,
    /// `memory`: whether it comes from hugetlbfs.
    #[serde(default)]
    hugepages: bool,
}

fn slots() -> u32 {
    SLOTS
}

impl From<Settings> for Link {
    fn from(Settings { ends: Ends(ends), kind, parent, slots, hugepages }: Settings) -> Self {
        Self { ends, kind, parent, slots, hugepages }
    }
}

struct LinkVisitor;

impl<'de> Visitor<'de> for LinkVisitor {
    type Value = Link;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pair of ends or a table")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, ends: A) -> Result<Link, A::Error> {
        let Ends(ends) = Ends::deserialize(SeqAccessDeserializer::new(ends))?;
        Ok(Link { ends, kind: LinkKind::Veth, parent: None, slots: SLOTS, hugepages: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, settings: A) -> Result<Link, A::Error> {
        Settings::deserialize(MapAccessDeserializer::new(settings)).map(Link::from)
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LinkVisitor)
    }
}

impl JsonSchema for Link {
    fn schema_name() -> Cow<'static, str> {
        "Link".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A pair of ends, or a table of them with what the link is made of.",
            "anyOf": [pair(generator), Settings::json_schema(generator)],
        })
    }
}

fn pair(_: &mut SchemaGenerator) -> Schema {
    let end = json_schema!({ "type": "string", "pattern": "^(generator|sink|[A-Za-z0-9_-]+:(in|out))$" });
    json_schema!({ "type": "array", "items": end, "minItems": 2, "maxItems": 2 })
}
