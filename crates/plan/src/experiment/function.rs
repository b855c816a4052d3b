//! `forward`: the network function of a node, by its name or as a table with settings: `[nodes.dut.forward.l3fwd]`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// A network function with its settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Function {
    /// Frames are moved as they are.
    None,
    /// Layer-2 forwarding: packets that come in by `in` leave by `out` and the other way round, with both MAC addresses rewritten.
    #[default]
    L2fwd,
    /// Layer-3 forwarding: the longest matching prefix decides where an IPv4 packet leaves.
    L3fwd(L3fwd),
    /// Broadband network gateway.
    Bng(Bng),
    /// Every frame goes back where it came from; the path ends there.
    Reflect,
    /// Layer-2 forwarding of what rules accept.
    Filter(Filter),
}

/// The functions by their names.
const NAMES: [&str; 6] = ["none", "l2fwd", "l3fwd", "bng", "reflect", "filter"];

/// Settings of `l3fwd`. Whatever its table, packets of the load generator are forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct L3fwd {
    /// How many routes are made; 10000 when neither this nor `file` nor `table` is given.
    #[schemars(with = "u32", range(min = 16, max = 1_000_000))]
    pub routes: Option<u32>,
    /// Routes as they are, each a prefix and a port: `198.19.1.0/24 out2`. A router has as many ports as its table names: `in`, `out`, and
    /// `out2`, `out3` and so on to `out250`.
    #[schemars(with = "Vec<String>")]
    pub table: Option<Vec<String>>,
    /// Seed of those that are made, 1 by default.
    #[schemars(with = "u64")]
    pub seed: Option<u64>,
    /// A file of routes in place of made ones, each line a prefix and a port: `10.0.0.0/8 out`. Relative to the experiment file.
    #[schemars(with = "String")]
    pub file: Option<String>,
}

/// Settings of `bng`: subscribers with a service and a customer tag (802.1ad) at `in`, MPLS in GRE over IPv4 at `out`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bng {
    /// How many subscribers are made; 1000 when neither this nor `file` is given. The first has the VLANs 1 and 1, the next 1 and 2 and so
    /// on, 4094 to a service VLAN.
    #[schemars(with = "u32", range(min = 1, max = 1_048_560))]
    pub subscribers: Option<u32>,
    /// Seed of labels and routes that are made, 1 by default.
    #[schemars(with = "u64")]
    pub seed: Option<u64>,
    /// A file of subscribers in place of made ones, each line service VLAN, customer VLAN and label: `100 7 1000`. Relative to the experiment file.
    #[schemars(with = "String")]
    pub file: Option<String>,
    /// How many routes are made; 16 when neither this nor `routes_file` is given.
    #[schemars(with = "u32", range(min = 16, max = 1_000_000))]
    pub routes: Option<u32>,
    /// A file of routes in place of made ones, as that of `l3fwd`.
    #[schemars(with = "String")]
    pub routes_file: Option<String>,
    /// The gateway's end of the tunnel; 198.19.255.1 when absent.
    #[schemars(with = "String")]
    pub local: Option<String>,
    /// The core's end of the tunnel; 198.19.255.2 when absent.
    #[schemars(with = "String")]
    pub remote: Option<String>,
}

/// Settings of `filter`. The first rule that matches decides; what none matches, and what is not IPv4, is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// The rules: `drop udp from 10.0.0.0/8 port 1-1024 to any port 53 payload "text"`.
    #[schemars(with = "Vec<String>")]
    pub rules: Option<Vec<String>>,
    /// A file of rules in place of those. Relative to the experiment file.
    #[schemars(with = "String")]
    pub file: Option<String>,
    /// How many rules are made in place of those; none of them concerns the load generator's packets.
    #[schemars(with = "u32", range(min = 1, max = 100_000))]
    pub generated: Option<u32>,
    /// Seed of those that are made, 1 by default.
    #[schemars(with = "u64")]
    pub seed: Option<u64>,
}

/// The table of a function that has no settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

struct FunctionVisitor;

impl<'de> Visitor<'de> for FunctionVisitor {
    type Value = Function;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a function or a table of one")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Function, E> {
        Ok(match name {
            "none" => Function::None,
            "l2fwd" => Function::L2fwd,
            "l3fwd" => Function::L3fwd(L3fwd::default()),
            "bng" => Function::Bng(Bng::default()),
            "reflect" => Function::Reflect,
            "filter" => Function::Filter(Filter::default()),
            other => return Err(E::unknown_variant(other, &NAMES)),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Function, A::Error> {
        let one = || {
            A::Error::custom(
                "a node has exactly one function; write forward = \"l2fwd\", or one table such as [nodes.dut.forward.l3fwd]",
            )
        };
        let name = map.next_key::<String>()?.ok_or_else(one)?;
        let without = |function, NoSettings {}| function;
        let function = match name.as_str() {
            "none" => without(Function::None, map.next_value()?),
            "l2fwd" => without(Function::L2fwd, map.next_value()?),
            "l3fwd" => Function::L3fwd(map.next_value()?),
            "bng" => Function::Bng(map.next_value()?),
            "reflect" => without(Function::Reflect, map.next_value()?),
            "filter" => Function::Filter(map.next_value()?),
            other => return Err(A::Error::unknown_variant(other, &NAMES)),
        };
        if map.next_key::<String>()?.is_some() { Err(one()) } else { Ok(function) }
    }
}

impl<'de> Deserialize<'de> for Function {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FunctionVisitor)
    }
}

impl JsonSchema for Function {
    fn schema_name() -> Cow<'static, str> {
        "Function".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The network function: its name, or a table of exactly one with its settings.",
            "oneOf": [
                { "type": "string", "enum": NAMES },
                {
                    "type": "object",
                    "properties": {
                        "none": generator.subschema_for::<NoSettings>(),
                        "l2fwd": generator.subschema_for::<NoSettings>(),
                        "l3fwd": generator.subschema_for::<L3fwd>(),
                        "bng": generator.subschema_for::<Bng>(),
                        "reflect": generator.subschema_for::<NoSettings>(),
                        "filter": generator.subschema_for::<Filter>(),
                    },
                    "additionalProperties": false,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ],
        })
    }
}
