//! `[sweep]`: the keys that are varied.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

/// The place of `[sweep]` in the file and in the schema. Its values are taken out of the tree by the `sweep` module before the rest is
/// read, so that an error in one of them points at that one; nothing of them is left to be held here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sweep;

impl<'de> Deserialize<'de> for Sweep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for Sweep {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Sweep".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let values = json_schema!({ "type": "array", "minItems": 1, "uniqueItems": true });
        let path = json_schema!({ "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$" });
        json_schema!({
            "type": "object",
            "description": "Keys by their path, each with the values it takes; every combination is measured.",
            "properties": {
                "together": {
                    "type": "array",
                    "description": "Keys that vary together: the first value of each, then the second of each, and so on.",
                    "items": {
                        "type": "object",
                        "description": "Keys by their path, each with its values; all lists have the same length.",
                        "minProperties": 1,
                        "propertyNames": path,
                        "additionalProperties": { "type": "array", "minItems": 1 },
                    },
                },
            },
            "propertyNames": path,
            "additionalProperties": values,
        })
    }
}
