//! What two experiments set differently, besides what they sweep: a rate or a duration that was changed is not the device's doing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use tailbed_format::results;
use tailbed_stats::compare::machine::Difference;
use toml::{Table, Value};

use super::Campaign;
use crate::failure::Failure;
use crate::results::begun::Identity;
use crate::results::campaign::read_json;

/// What has no influence on what a packet meets.
const WITHOUT_EFFECT: [&str; 5] = ["name", "question", "seed", "repeats", "slo"];

/// The keys that differ, in their alphabetical order; those swept in either are left out. Of results that were imported, or whose folder has
/// not the experiment any more, nothing is known.
pub(super) fn differences(base: &Campaign, other: &Campaign) -> Result<Vec<Difference>, Failure> {
    let (Some(of_base), Some(of_other)) = (settings(base)?, settings(other)?) else { return Ok(Vec::new()) };
    let swept: BTreeSet<&str> = [base, other]
        .iter()
        .flat_map(|side| &side.summary.cells)
        .flat_map(|cell| &cell.parameters)
        .map(|parameter| parameter.key.as_str())
        .collect();
    let is_swept = |key: &str| swept.iter().any(|swept| is_of(key, swept) || is_of(swept, key));
    let keys: BTreeSet<&String> = of_base.keys().chain(of_other.keys()).collect();
    let differing = keys.into_iter().filter(|key| of_base.get(*key) != of_other.get(*key) && !is_swept(key));
    let value =
        |settings: &BTreeMap<String, String>, key: &String| settings.get(key).cloned().unwrap_or_else(|| "not set".to_owned());
    Ok(differing
        .map(|key| Difference { what: key.clone(), base: value(&of_base, key), other: value(&of_other, key), machine: false })
        .collect())
}

/// Whether a key is another, or one below it.
fn is_of(key: &str, whole: &str) -> bool {
    key.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The experiment file with the command line's values in it, by key path.
fn settings(campaign: &Campaign) -> Result<Option<BTreeMap<String, String>>, Failure> {
    let [file, begun] = [results::EXPERIMENT, results::CAMPAIGN].map(|name| campaign.folder.join(name));
    let Some(mut table) = fs::read_to_string(file).ok().and_then(|text| text.parse::<Table>().ok()) else { return Ok(None) };
    if !begun.exists() {
        return Ok(None);
    }
    let identity: Identity = read_json(&begun)?;
    for (path, value) in identity.set.iter().filter_map(|text| assignment(text)) {
        set(&mut table, &path, value);
    }
    table.remove("sweep");
    let mut settings = BTreeMap::new();
    for (key, value) in table.iter().filter(|(key, _)| !WITHOUT_EFFECT.contains(&key.as_str())) {
        flatten(key, value, &mut settings);
    }
    Ok(Some(settings))
}

/// `key.path=value` of a `--set`: a value that is none of TOML's is a text without its quotes.
fn assignment(text: &str) -> Option<(Vec<String>, Value)> {
    let (key, value) = text.split_once('=')?;
    let read = format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    let mut keys = format!("{key} = 0").parse::<Table>().ok()?;
    let mut path = Vec::new();
    while let Some((name, below)) = std::mem::take(&mut keys).into_iter().next() {
        path.push(name);
        if let Value::Table(below) = below {
            keys = below;
        }
    }
    Some((path, read.unwrap_or_else(|| Value::String(value.to_owned()))))
}

fn set(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let below = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !below.is_table() {
                *below = Value::Table(Table::new());
            }
            if let Some(below) = below.as_table_mut() {
                set(below, rest, value);
            }
        }
    }
}

fn flatten(key: &str, value: &Value, settings: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) if !table.is_empty() => {
            table.iter().for_each(|(name, below)| flatten(&format!("{key}.{name}"), below, settings));
        }
        Value::String(text) => {
            settings.insert(key.to_owned(), text.clone());
        }
        other => {
            settings.insert(key.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, sets: &[&str]) -> BTreeMap<String, String> {
        let mut table: Table = text.parse().unwrap();
        for (path, value) in sets.iter().filter_map(|text| assignment(text)) {
            set(&mut table, &path, value);
        }
        let mut settings = BTreeMap::new();
        table.iter().for_each(|(key, value)| flatten(key, value, &mut settings));
        settings
    }

    #[test]
    fn settings_are_those_of_the_file_with_the_options_in_it() {
        let file = "[traffic]\nrate = \"10kpps\"\nflows = { vlan = [1, 2] }\n[nodes.dut]\nenvironment = \"host\"\n";
        let sets =
            ["traffic.rate=50kpps", "traffic.frame=128", "nodes.dut.forward.table=[\"a\"]", "nodes.\"dut\".environment=vm"];
        let settings = of(file, &sets);
        let said: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            said,
            [
                ("nodes.dut.environment", "vm"),
                ("nodes.dut.forward.table", "[\"a\"]"),
                ("traffic.flows.vlan", "[1, 2]"),
                ("traffic.frame", "128"),
                ("traffic.rate", "50kpps"),
            ]
        );
    }

    #[test]
    fn a_key_is_of_another_by_whole_names() {
        assert!(is_of("traffic.rate", "traffic") && is_of("traffic.rate", "traffic.rate"));
        assert!(!is_of("traffic.rates", "traffic.rate"));
    }
}
