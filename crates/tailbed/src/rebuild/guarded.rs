//! Files of JSON that may be damaged.

use std::fs;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// No number of a record is larger: 2^53 ns are a hundred days. Larger ones would overflow sums that the report makes.
pub(super) const LARGEST: u64 = 1 << 53;

/// Moments of the wall clock in ns since 1970, and seeds: they may be larger, and nothing is added to them.
const UNBOUNDED: [&str; 3] = ["origin_realtime", "origin_monotonic", "seed"];

/// Why a file gives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not there.
    Missing,
    /// What is wrong with it, a clause.
    Damaged(String),
}

impl Unread {
    /// As a clause.
    pub(crate) fn said(&self) -> String {
        match self {
            Self::Missing => "it is missing".to_owned(),
            Self::Damaged(why) => why.clone(),
        }
    }
}

/// The bytes of a file.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Unread> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Unread::Missing,
        _ => Unread::Damaged(format!("it cannot be read: {error}")),
    })
}

/// Any JSON, whose numbers are such as are measured.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, Unread> {
    let value = serde_json::from_slice(bytes).map_err(|error| Unread::Damaged(format!("it is no JSON: {error}")))?;
    match implausible(&value) {
        Some(number) => Err(Unread::Damaged(format!("it holds the number {number}, which is beyond all that is measured"))),
        None => Ok(value),
    }
}

/// What a file should hold.
pub(crate) fn shaped<T: DeserializeOwned>(value: Value) -> Result<T, Unread> {
    serde_json::from_value(value).map_err(|error| Unread::Damaged(format!("it does not hold what it should: {error}")))
}

/// Both in one.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Unread> {
    shaped(value(&bytes(path)?)?)
}

/// The version of a file's layout that is not read here: a later one.
pub(crate) fn later(value: &Value, known: u32) -> Option<u64> {
    value.get("version").and_then(Value::as_u64).filter(|version| *version > u64::from(known))
}

fn implausible(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            size.filter(|size| *size > LARGEST).map(|_| number.to_string())
        }
        Value::Array(values) => values.iter().find_map(implausible),
        Value::Object(fields) => {
            let measured = fields.iter().filter(|(name, _)| !UNBOUNDED.contains(&name.as_str()));
            measured.map(|(_, value)| value).find_map(implausible)
        }
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_nobody_measures_are_damage() {
        assert!(value(br#"{"a": [1, -9007199254740992], "origin_realtime": 1795224600000000000}"#).is_ok());
        let wrong = value(br#"{"a": [{"b": 18446744073709551615}]}"#).unwrap_err();
        assert!(wrong.said().contains("18446744073709551615"), "{}", wrong.said());
        assert!(value(br#"{"a": -9007199254740993}"#).is_err());
        assert!(value(b"{\"a\": ").unwrap_err().said().starts_with("it is no JSON: EOF"));
        assert_eq!(read::<u64>(Path::new("/nonexistent")).unwrap_err(), Unread::Missing);
    }

    #[test]
    fn versions_of_the_future_are_known() {
        let later = |text: &str| later(&serde_json::from_str(text).unwrap(), 1);
        assert_eq!((later("{\"version\": 2}"), later("{\"version\": 1}"), later("[]")), (Some(2), None, None));
    }
}
