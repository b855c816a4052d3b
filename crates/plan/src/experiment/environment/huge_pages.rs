//! `hugepages`: how much memory in huge pages a container may have.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use tailbed_format::memory::HUGE_PAGE;
use tailbed_format::unit::{Bytes, WrongUnit};

/// The most memory in huge pages, by the size of the pages. A size alone is of pages of 2 MiB.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct HugePages(pub BTreeMap<Bytes, Bytes>);

impl HugePages {
    fn usual(limit: u64) -> Self {
        Self([(Bytes(HUGE_PAGE), Bytes(limit))].into())
    }
}

struct HugePagesVisitor;

impl<'de> Visitor<'de> for HugePagesVisitor {
    type Value = HugePages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size like \"512MiB\", or sizes by size of page like { \"2MiB\" = \"512MiB\", \"1GiB\" = \"2GiB\" }")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<HugePages, E> {
        u64::try_from(number).map(HugePages::usual).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<HugePages, E> {
        Ok(HugePages::usual(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<HugePages, E> {
        text.parse().map(|Bytes(limit)| HugePages::usual(limit)).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HugePages, A::Error> {
        let mut limits = BTreeMap::new();
        while let Some((page, limit)) = map.next_entry::<String, Bytes>()? {
            let page: Bytes = page.parse().map_err(|error: WrongUnit| A::Error::custom(error))?;
            if limits.insert(page, limit).is_some() {
                return Err(A::Error::custom(format!("pages of {page} have two limits")));
            }
        }
        Ok(HugePages(limits))
    }
}

impl<'de> Deserialize<'de> for HugePages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HugePagesVisitor)
    }
}

impl JsonSchema for HugePages {
    fn schema_name() -> Cow<'static, str> {
        "HugePages".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let size = generator.subschema_for::<Bytes>();
        json_schema!({ "anyOf": [size.clone(), { "type": "object", "additionalProperties": size }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HugePages, String> {
        #[derive(Deserialize)]
        struct Table {
            hugepages: HugePages,
        }
        toml::from_str::<Table>(text).map(|table| table.hugepages).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_size_alone_is_of_the_usual_pages() {
        assert_eq!(read("hugepages = \"64MiB\""), Ok(HugePages([(Bytes(2 << 20), Bytes(64 << 20))].into())));
        let two = HugePages([(Bytes(2 << 20), Bytes(64 << 20)), (Bytes(1 << 30), Bytes(1 << 30))].into());
        assert_eq!(read("hugepages = { \"1GiB\" = \"1GiB\", \"2MiB\" = \"64MiB\" }"), Ok(two));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        assert!(read("hugepages = true").is_err_and(|error| error.contains("sizes by size of page")));
        assert!(read("hugepages = { huge = \"1GiB\" }").is_err_and(|error| error.contains("`huge` is not a size")));
        let twice = read("hugepages = { \"2MiB\" = \"4MiB\", \"2048KiB\" = \"8MiB\" }");
        assert_eq!(twice, Err("pages of 2MiB have two limits".to_owned()));
    }
}
