//! `[links]`: what is joined to what.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The two ends of a link, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Ends(pub [String; 2]);

/// A link is not a pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a link has two ends, not {0}; write it like [\"generator\", \"dut:in\"]")]
pub struct NotTwoEnds(usize);

impl TryFrom<Vec<String>> for Ends {
    type Error = NotTwoEnds;

    /// By hand, because reading an array of two from TOML quietly leaves out what comes after.
    fn try_from(ends: Vec<String>) -> Result<Self, NotTwoEnds> {
        <[String; 2]>::try_from(ends).map(Self).map_err(|ends| NotTwoEnds(ends.len()))
    }
}

impl JsonSchema for Ends {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Ends".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let end = json_schema!({ "type": "string", "pattern": "^(generator|sink|[A-Za-z0-9_-]+:[A-Za-z][A-Za-z0-9_-]{0,7})$" });
        json_schema!({ "type": "array", "items": end, "minItems": 2, "maxItems": 2 })
    }
}
