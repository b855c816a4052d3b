//! The file as a tree of values that know their places: looked up and changed by key path, then read through serde.

use std::borrow::Cow;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::advice;
use super::error::Fault;
use super::key::{KeyPath, Part};
use super::{Span, Texts};

/// A value and its place.
pub(crate) type Value<'i> = Spanned<DeValue<'i>>;

/// The top of a file, or a table in it.
pub(crate) type Table<'i> = DeTable<'i>;

/// Reads a file.
pub(crate) fn parse(file: &str) -> Result<Spanned<Table<'_>>, Fault> {
    DeTable::parse(file).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let help = if error.message().starts_with("duplicate") {
            "give each key once; a table may be opened once"
        } else {
            "write rate = \"10kpps\", texts in quotes, one key a line; or [traffic] before the keys of a table"
        };
        Fault::file(format!("this is not TOML: {}", error.message())).at(span, "found here").help(help)
    })
}

/// Reads a value given on the command line, whose first byte stands at `start`: what is not TOML is a string, so that
/// nobody has to quote for both the shell and TOML.
pub(crate) fn parse_value(text: &str, start: usize) -> Value<'_> {
    match DeValue::parse(text) {
        Ok(value) => shift(value, start),
        Err(_) => Spanned::new(start..start + text.len(), DeValue::String(Cow::Borrowed(text))),
    }
}

/// The same value at a place further on.
pub(crate) fn shift(value: Value<'_>, by: usize) -> Value<'_> {
    let moved = |span: Span| span.start + by..span.end + by;
    let span = moved(value.span());
    let value = match value.into_inner() {
        DeValue::Array(items) => DeValue::Array(items.into_iter().map(|item| shift(item, by)).collect()),
        DeValue::Table(table) => {
            let entry = |(key, value): (Spanned<_>, _)| (Spanned::new(moved(key.span()), key.into_inner()), shift(value, by));
            DeValue::Table(table.into_iter().map(entry).collect())
        }
        other => other,
    };
    Spanned::new(span, value)
}

/// Puts a value at a path; tables on the way are made. Keys keep the place where they first stood.
pub(crate) fn set<'i>(table: &mut Table<'i>, path: &KeyPath, value: Value<'i>) -> Result<(), Fault> {
    let Some((last, tables)) = path.parts.split_last() else { return Ok(()) };
    let mut here = table;
    for part in tables {
        here = enter(here, part, path)?;
    }
    here.insert(key(last), value);
    Ok(())
}

fn key<'i>(part: &Part) -> Spanned<Cow<'i, str>> {
    Spanned::new(part.span.clone(), Cow::Owned(part.name.clone()))
}

fn enter<'t, 'i>(table: &'t mut Table<'i>, part: &Part, path: &KeyPath) -> Result<&'t mut Table<'i>, Fault> {
    let make = || Spanned::new(part.span.clone(), DeValue::Table(Table::new()));
    let value = table.entry(key(part)).or_insert_with(make);
    let (span, kind) = (value.span(), value.get_ref().type_str());
    if let DeValue::Table(table) = value.get_mut() {
        return Ok(table);
    }
    let pair = kind == "array" && path.names().next() == Some("links");
    Err(Fault::file(format!("`{path}` cannot be set: `{}` holds no keys", part.name))
        .at(part.span.clone(), "no table")
        .beside(span, if pair { "a pair of ends".to_owned() } else { format!("a {kind}") })
        .help(if pair {
            "write the link as a table: load = { ends = [\"generator\", \"dut:in\"] }"
        } else {
            "name a whole key, for example traffic.rate"
        }))
}

/// The value at a path.
pub(crate) fn get<'t, 'i>(table: &'t Table<'i>, path: &[&str]) -> Option<&'t Value<'i>> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    match (rest, value.get_ref()) {
        ([], _) => Some(value),
        (_, DeValue::Table(inner)) => get(inner, rest),
        _ => None,
    }
}

/// Where the value at a path stands, or the nearest table above it that is written down: its name, not all it holds.
pub(crate) fn span(table: &Table<'_>, path: &[&str]) -> Span {
    (1..=path.len()).rev().find_map(|length| place(table, &path[..length])).unwrap_or_default()
}

/// Where a key of an item of an array of tables stands, or the item where it does not have the key.
pub(crate) fn span_of_item(table: &Table<'_>, array: &[&str], item: usize, key: &str) -> Span {
    let Some(found) = get(table, array).and_then(|array| array.get_ref().get(item)) else { return span(table, array) };
    let value = found.get_ref().as_table().and_then(|table| table.get(key));
    value.map_or_else(|| found.span(), Spanned::span)
}

fn place(table: &Table<'_>, path: &[&str]) -> Option<Span> {
    let value = get(table, path)?;
    if value.get_ref().is_table() { key_span(table, path) } else { Some(value.span()) }
}

/// Where the key at a path stands.
pub(crate) fn key_span(table: &Table<'_>, path: &[&str]) -> Option<Span> {
    let (last, above) = path.split_last()?;
    let table = match above {
        [] => table,
        above => get(table, above)?.get_ref().as_table()?,
    };
    table.get_key_value(*last).map(|(key, _)| key.span())
}

/// Reads a tree through the experiment's types, or as plain values.
pub(crate) fn read<'i, T: Deserialize<'i>>(root: Spanned<Table<'i>>, texts: &Texts) -> Result<T, Fault> {
    T::deserialize(toml::de::Deserializer::from(root)).map_err(|error| advice::fault(&error, texts))
}

/// How a value is shown: strings without quotes, everything else as it stands in its text.
pub(crate) fn show(value: &Value<'_>, texts: &Texts) -> String {
    match value.get_ref() {
        DeValue::String(text) => text.clone().into_owned(),
        _ => texts.slice(&value.span()).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_and_replaced_by_path() {
        let mut root = parse("[traffic]\nrate = \"10kpps\"\n").unwrap();
        assert_eq!(span(root.get_ref(), &["traffic", "rate"]), 17..25);
        assert_eq!(span(root.get_ref(), &["traffic", "frame"]), 1..8);
        let path = KeyPath::parse("traffic.frame", 40).unwrap();
        set(root.get_mut(), &path, parse_value("128", 54)).unwrap();
        assert_eq!(span(root.get_ref(), &["traffic", "frame"]), 54..57);
        assert_eq!(key_span(root.get_ref(), &["traffic", "frame"]), Some(48..53));
    }

    #[test]
    fn what_is_not_toml_is_a_string() {
        assert_eq!(parse_value("50kpps", 0).get_ref().as_str(), Some("50kpps"));
        assert_eq!(parse_value("\"50kpps\"", 0).get_ref().as_str(), Some("50kpps"));
        assert_eq!(parse_value("false", 0).get_ref().as_bool(), Some(false));
        assert!(parse_value("5", 7).get_ref().is_integer());
        assert_eq!(parse_value("[1, 2]", 7).get_ref().get(1).map(Spanned::span), Some(11..12));
    }

    #[test]
    fn a_value_is_not_entered() {
        let mut root = parse("traffic = 5\n").unwrap();
        let path = KeyPath::parse("traffic.rate", 20).unwrap();
        assert!(set(root.get_mut(), &path, parse_value("1", 33)).is_err());
    }
}
