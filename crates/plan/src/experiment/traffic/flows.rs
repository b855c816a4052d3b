//! `[traffic.flows]`: which flows there are.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::Ipv4Addr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Flows: packets belong to them in turn, and each has sequence numbers of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flows {
    /// How many there are.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub count: u32,
    /// Source address; 198.18.0.1 if not given.
    #[serde(default)]
    #[schemars(with = "Values<Address>")]
    pub source: Option<Values<Address>>,
    /// Destination address; 198.19.0.1 if not given.
    #[serde(default)]
    #[schemars(with = "Values<Address>")]
    pub destination: Option<Values<Address>>,
    /// UDP source port; 49152 if not given.
    #[serde(default)]
    #[schemars(with = "Values<u16>")]
    pub source_port: Option<Values<u16>>,
    /// UDP destination port; 9 (discard) if not given.
    #[serde(default)]
    #[schemars(with = "Values<u16>")]
    pub destination_port: Option<Values<u16>>,
    /// VLAN, 1 to 4094, of an IEEE 802.1Q tag; no tag if not given.
    #[serde(default)]
    #[schemars(with = "Values<u16>")]
    pub vlan: Option<Values<u16>>,
    /// VLAN, 1 to 4094, of an IEEE 802.1ad tag before the other.
    #[serde(default)]
    #[schemars(with = "Values<u16>")]
    pub outer_vlan: Option<Values<u16>>,
}

/// An IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "Ipv4Addr")]
pub struct Address(pub Ipv4Addr);

/// The text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IPv4 address; write it like \"198.18.0.1\"")]
pub struct NoAddress(String);

impl TryFrom<String> for Address {
    type Error = NoAddress;

    fn try_from(text: String) -> Result<Self, NoAddress> {
        text.parse().map(Self).map_err(|_| NoAddress(text))
    }
}

/// One value for all flows, or a table: flow f has `first` + (f / `every`) modulo `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values<T> {
    /// That of flow 0.
    pub first: T,
    /// How many values there are.
    pub count: u32,
    /// How many flows in a row have the same.
    pub every: u32,
}

/// The table.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Range_of_{T}")]
struct Range<T> {
    /// The value of flow 0.
    first: T,
    /// How many values there are; then they begin again.
    #[schemars(range(min = 1))]
    count: u32,
    /// How many flows in a row have the same value.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    every: u32,
}

impl<T> From<Range<T>> for Values<T> {
    fn from(Range { first, count, every }: Range<T>) -> Self {
        Self { first, count, every }
    }
}

struct ValuesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> ValuesVisitor<T> {
    fn fixed<E: Error, D: IntoDeserializer<'de, E>>(value: D) -> Result<Values<T>, E> {
        Ok(Values { first: T::deserialize(value.into_deserializer())?, count: 1, every: 1 })
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ValuesVisitor<T> {
    type Value = Values<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value for all flows or a range like { first = 100, count = 10 }")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Values<T>, E> {
        Self::fixed(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Values<T>, E> {
        Self::fixed(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Values<T>, E> {
        Self::fixed(text)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Values<T>, A::Error> {
        Range::deserialize(MapAccessDeserializer::new(map)).map(Values::from)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Values<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Values<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Values_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        let range = generator.subschema_for::<Range<T>>();
        json_schema!({ "description": "One value for all flows, or a range of values.", "anyOf": [one, range] })
    }
}

fn one() -> u32 {
    1
}
