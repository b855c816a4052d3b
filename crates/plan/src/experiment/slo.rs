//! `[[slo]]`: deadlines that packets must keep.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use tailbed_format::percentile::Percentile;
use tailbed_format::unit::{Share, Time};

/// A deadline: so large a share of the packets must arrive within so much time. One that is lost does not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Whose packets: a stream by its name, or a flow by its number through all streams; all packets if not given.
    #[serde(default)]
    #[schemars(with = "Whose")]
    pub flow: Option<Whose>,
    /// The share of the packets that must be in time, in percent.
    pub percentile: Percent,
    /// A packet is in time when its latency is below this.
    pub below: Time,
}

/// A stream by its name, or a flow by its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Whose {
    /// A stream.
    Stream(String),
    /// A flow.
    Flow(u32),
}

impl<'de> Deserialize<'de> for Whose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WhoseVisitor)
    }
}

struct WhoseVisitor;

impl Visitor<'_> for WhoseVisitor {
    type Value = Whose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stream's name like \"video\", or a flow's number like 3,")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Whose, E> {
        Ok(Whose::Stream(name.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Whose, E> {
        u32::try_from(number).map(Whose::Flow).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }
}

/// A percentile as it is written: `99.9999`, or `"99.9999%"`; more than 0 and less than 100, no finer than a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(pub Percentile);

/// How a percentile is written.
const EXAMPLES: &str = "99.9999 or \"99.9999%\"";

impl Percent {
    /// From millionths.
    fn of<E: Error>(ppm: u64, text: &str) -> Result<Self, E> {
        if ppm >= Share::WHOLE {
            return Err(E::custom(format!(
                "{text} of the packets is more than any number of them can show; ask for less than all, like {EXAMPLES}"
            )));
        }
        let percentile = u32::try_from(ppm).ok().and_then(Percentile::from_ppm);
        percentile.map(Self).ok_or_else(|| E::custom(format!("{text} of the packets asks for none; write it like {EXAMPLES}")))
    }
}

struct PercentVisitor;

impl Visitor<'_> for PercentVisitor {
    type Value = Percent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a percentile like {EXAMPLES}")
    }

    fn visit_f64<E: Error>(self, percent: f64) -> Result<Percent, E> {
        // the shortest text of a float is what was written
        self.visit_str(&format!("{percent}%"))
    }

    fn visit_i64<E: Error>(self, percent: i64) -> Result<Percent, E> {
        self.visit_str(&format!("{percent}%"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Percent, E> {
        let share: Share = text.parse().map_err(|error| match error {
            tailbed_format::unit::WrongUnit::TooFine { .. } => {
                E::custom(format!("{text} is finer than a millionth of the packets; write it like {EXAMPLES}"))
            }
            _ => E::custom(format!("`{text}` is not a percentile; write it like {EXAMPLES}")),
        })?;
        Percent::of(share.0, text)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PercentVisitor)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let percentile = self.0.to_string();
        serializer.collect_str(&format_args!("{}%", percentile.trim_start_matches('p')))
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": format!("A percentile, written like {EXAMPLES}; no finer than a millionth of the packets"),
            "anyOf": [
                { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100 },
                { "type": "string", "pattern": r"^[0-9][0-9_]*(\.[0-9_]+)? *(ppm|%)$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(percentile: &str) -> Result<u32, String> {
        let slo: Result<Slo, _> = toml::from_str(&format!("percentile = {percentile}\nbelow = \"1ms\"\n"));
        slo.map(|slo| slo.percentile.0.ppm()).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn percentiles_are_exact_however_they_are_written() {
        assert_eq!(read("99.9999"), Ok(999_999));
        assert_eq!(read("\"99.9999 %\""), Ok(999_999));
        assert_eq!(read("\"999999ppm\""), Ok(999_999));
        assert_eq!((read("99"), read("50.0"), read("0.0001")), (Ok(990_000), Ok(500_000), Ok(1)));
        // every one that can be asked for, as a number
        for ppm in (1..1_000_000).step_by(7) {
            assert_eq!(read(&format!("{}.{:04}", ppm / 10_000, ppm % 10_000)), Ok(ppm));
        }
    }

    #[test]
    fn what_is_none_says_so() {
        for (text, said) in [
            ("100", "can show"),
            ("\"p99\"", "not a percentile"),
            ("99.99999", "finer"),
            ("0", "asks for none"),
            ("-5", "not a percentile"),
            ("inf", "not a percentile"),
            ("nan", "not a percentile"),
            ("1e300", "not a percentile"),
            ("true", "expected a percentile"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
