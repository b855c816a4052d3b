//! Names of runs: number, what varies, repeat.

use tailbed_format::summary::{Parameter, RunKind};

use crate::plan::Cell;

/// What varies takes at most so many bytes of a name; the number alone keeps names apart.
const LONGEST: usize = 40;

/// `0003-container-r1`; a floor is `0000-floor`. Repeats are counted from 1.
pub(super) fn run_name(number: usize, cell: &Cell, repeat: u32) -> String {
    let values = values(&cell.parameters);
    let varies = if values.is_empty() { String::new() } else { format!("-{values}") };
    match cell.kind {
        RunKind::Floor => format!("{number:04}-floor{varies}"),
        RunKind::Measurement => format!("{number:04}{varies}-r{}", repeat + 1),
    }
}

/// The values alone: the keys are the same for all runs. Switches need their key, or nobody knows what is `true`.
fn values(parameters: &[Parameter]) -> String {
    let parts: Vec<_> = parameters.iter().map(value).filter(|part| !part.is_empty()).collect();
    let mut name = parts.join("-");
    // Only ASCII is left, so any byte is a place to cut.
    name.truncate(LONGEST);
    name.trim_end_matches('-').to_owned()
}

fn value(parameter: &Parameter) -> String {
    let key = parameter.key.rsplit('.').next().unwrap_or_default();
    match parameter.value.as_str() {
        "true" => safe(key),
        "false" => format!("no-{}", safe(key)),
        value => safe(value),
    }
}

/// Letters, digits and dots; every run of other characters becomes one `-`.
fn safe(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(kind: RunKind, parameters: &[(&str, &str)]) -> Cell {
        let parameter = |(key, value): &(&str, &str)| Parameter { key: (*key).to_owned(), value: (*value).to_owned() };
        Cell { kind, parameters: parameters.iter().map(parameter).collect(), floor: None, simulated: false }
    }

    #[test]
    fn names_say_what_varies() {
        let measurement = |parameters| run_name(3, &cell(RunKind::Measurement, parameters), 0);
        assert_eq!(measurement(&[("nodes.dut.environment", "container")]), "0003-container-r1");
        assert_eq!(measurement(&[("traffic.rate", "1.52Mpps"), ("isolation", "false")]), "0003-1.52Mpps-no-isolation-r1");
        assert_eq!(measurement(&[]), "0003-r1");
        assert_eq!(measurement(&[("links.a", "[\"generator\", \"n1:in\"]")]), "0003-generator-n1-in-r1");
        assert_eq!(run_name(0, &cell(RunKind::Floor, &[]), 0), "0000-floor");
    }

    proptest! {
        #[test]
        fn names_are_safe_folder_names(key in ".*", value in ".*") {
            let name = run_name(12, &cell(RunKind::Measurement, &[(&key, &value)]), 4);
            prop_assert!(name.len() <= LONGEST + 8);
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)), "{}", name);
        }
    }
}
