//! What two experiments set differently, besides what they sweep: a rate or a duration that was changed is not the device's doing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use tailbed_format::results;
use tailbed_plan::{Overrides, Source};
use tailbed_stats::compare::machine::Difference;
use toml::Value;

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
    let Ok(text) = fs::read(file) else { return Ok(None) };
    if !begun.exists() {
        return Ok(None);
    }
    let identity: Identity = read_json(&begun)?;
    Ok(by_path(&text, identity.set))
}

/// `None` of what this version does not understand.
fn by_path(text: &[u8], set: Vec<String>) -> Option<BTreeMap<String, String>> {
    let overrides = Overrides { set, ..Overrides::default() };
    let table = tailbed_plan::settings(&Source { name: results::EXPERIMENT, text }, &overrides).ok()?;
    let mut settings = BTreeMap::new();
    for (key, value) in table.iter().filter(|(key, _)| !WITHOUT_EFFECT.contains(&key.as_str())) {
        flatten(key, value, &mut settings);
    }
    Some(settings)
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

    #[test]
    fn settings_are_those_of_the_file_with_the_options_in_it() {
        let file = "[traffic]\nrate = \"10kpps\"\nflows = { vlan = [1, 2] }\n[nodes.dut]\nenvironment = \"host\"\n";
        let sets = ["traffic.rate=50kpps", "traffic.frame=128", "nodes.dut.forward.table=[\"a\"]", "nodes.dut.environment=vm"];
        let settings = by_path(file.as_bytes(), sets.map(str::to_owned).to_vec()).unwrap();
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
