//! `[knobs]`: what is asked of the host's knobs, by their names.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::Named;
use crate::knob::{ALL, Accepts, Knob};

/// Knobs by name, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Knobs(pub Vec<(String, Value)>);

/// What is asked of a knob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing: it is left alone.
    Alone,
    /// Its standard value.
    Standard,
    /// A value, as text.
    Is(String),
}

impl<'de> Deserialize<'de> for Knobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Named::deserialize(deserializer).map(|named| Self(named.0))
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`true`, `false`, a whole number or a text")
    }

    fn visit_bool<E: Error>(self, switch: bool) -> Result<Value, E> {
        Ok(if switch { Value::Standard } else { Value::Alone })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Is(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Is(number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Is(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl JsonSchema for Knobs {
    fn schema_name() -> Cow<'static, str> {
        "Knobs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({
            "description": "Knobs of the host: `true` for the standard value, `false` to leave one alone that the profile sets, or a value.",
            "type": "object",
            "properties": {},
            "additionalProperties": false,
        });
        if let Some(properties) = schema.get_mut("properties").and_then(|properties| properties.as_object_mut()) {
            properties.extend(ALL.iter().map(|knob| (knob.name.to_owned(), one(knob).to_value())));
        }
        schema
    }
}

/// What one knob may be.
fn one(knob: &Knob) -> Schema {
    let what = knob.what;
    match knob.accepts {
        Accepts::Switch => json_schema!({ "description": what, "type": "boolean" }),
        Accepts::Words(words) => {
            json_schema!({ "description": what, "anyOf": [{ "type": "boolean" }, { "type": "string", "enum": words }] })
        }
        Accepts::Number(least, most) => json_schema!({
            "description": what,
            "anyOf": [{ "type": "boolean" }, { "type": "integer", "minimum": least, "maximum": most }],
        }),
        Accepts::Pages => json_schema!({ "description": what, "anyOf": [{ "type": "boolean" }, { "type": "string" }] }),
    }
}
