//! `[placement]` and `cpus`: which cores things run on.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};

/// What is asked of the placement besides the cores of generator and nodes. All cores are in the kernel's numbering.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Cores for everything that is not packets; the first that we may use and that is not isolated when empty.
    #[serde(default)]
    pub housekeeping: Vec<usize>,
    /// Cores for what disturbs on purpose, told to scripts as `TAILBED_NEIGHBOURS`; those that are left when empty.
    #[serde(default)]
    pub neighbours: Vec<usize>,
    /// The NUMA node whose cores packets get first: that of the network card when left out.
    #[serde(default)]
    #[schemars(with = "usize")]
    pub memory_node: Option<usize>,
    /// What becomes of the other threads of cores that packets have.
    #[serde(default)]
    pub siblings: Siblings,
}

/// The other threads of a core that packets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Siblings {
    /// They are given to nobody while there are others.
    #[default]
    Idle,
    /// They are cores like any other.
    Used,
}

/// A number of cores, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cores {
    /// So many.
    Count(u32),
    /// These, in the kernel's numbering.
    These(Vec<usize>),
}

impl Cores {
    /// How many.
    pub fn count(&self) -> usize {
        match self {
            Self::Count(count) => *count as usize,
            Self::These(cpus) => cpus.len(),
        }
    }

    /// Which, where that is said.
    pub fn these(&self) -> &[usize] {
        match self {
            Self::Count(_) => &[],
            Self::These(cpus) => cpus,
        }
    }
}

impl Default for Cores {
    fn default() -> Self {
        Self::Count(1)
    }
}

struct CoresVisitor;

impl<'de> Visitor<'de> for CoresVisitor {
    type Value = Cores;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of cores like 2, or a list of them like [2, 3]")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Cores, E> {
        u32::try_from(number).map(Cores::Count).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Cores, E> {
        u32::try_from(number).map(Cores::Count).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, cpus: A) -> Result<Cores, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(cpus)).map(Cores::These)
    }
}

impl<'de> Deserialize<'de> for Cores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CoresVisitor)
    }
}

impl JsonSchema for Cores {
    fn schema_name() -> Cow<'static, str> {
        "Cores".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let these = generator.subschema_for::<Vec<usize>>();
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 1, "description": "So many." }, these],
            "default": 1,
        })
    }
}
