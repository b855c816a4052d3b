//! All runs as one table: a row for each run and percentile.

use std::fmt::Write as _;

use tailbed_format::summary::{CampaignSummary, Estimate, RunKind, RunSummary};

/// The header names every swept key; a percentile with too few packets beyond it has no value. Times in ns.
pub(super) fn csv(summary: &CampaignSummary) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for parameter in summary.runs.iter().flat_map(|run| &run.parameters) {
        if !keys.contains(&parameter.key.as_str()) {
            keys.push(&parameter.key);
        }
    }
    let mut text = line(["run", "kind", "repeat", "attempt", "valid"].into_iter().chain(keys.iter().copied()).chain([
        "packets",
        "percentile",
        "value_ns",
        "low_ns",
        "high_ns",
    ]));
    for run in &summary.runs {
        rows(&mut text, run, &keys);
    }
    text
}

fn rows(text: &mut String, run: &RunSummary, keys: &[&str]) {
    let kind = if run.kind == RunKind::Floor { "floor" } else { "measurement" };
    let numbers = [run.repeat.to_string(), run.attempt.to_string(), run.is_valid().to_string(), run.latency.count.to_string()];
    let [repeat, attempt, valid, packets] = &numbers;
    let swept = keys.iter().map(|key| run.parameters.iter().find(|one| one.key == *key).map_or("", |one| &one.value));
    let head: Vec<&str> =
        [run.run.as_str(), kind, repeat, attempt, valid].into_iter().chain(swept).chain([packets.as_str()]).collect();
    let mut row = |name: &str, values: [Option<u64>; 3]| {
        let values = values.map(|value| value.map_or_else(String::new, |value| value.to_string()));
        text.push_str(&line(head.iter().copied().chain([name]).chain(values.iter().map(String::as_str))));
    };
    row("0", [run.latency.minimum, None, None]);
    for one in &run.latency.percentiles {
        let values = match one.estimate {
            Estimate::Value { value, low, high } => [Some(value), low, high],
            Estimate::NotEnough { .. } => [None, None, None],
        };
        row(one.percentile.to_string().trim_start_matches('p'), values);
    }
    row("100", [run.latency.maximum, None, None]);
}

/// Fields with commas, quotes or line breaks in quotes, those within doubled (RFC 4180, section 2).
fn line<'a>(fields: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for (number, field) in fields.enumerate() {
        if number > 0 {
            text.push(',');
        }
        if field.contains([',', '"', '\n', '\r']) {
            // writing to a String cannot fail
            let _ = write!(text, "\"{}\"", field.replace('"', "\"\""));
        } else {
            text.push_str(field);
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_survive_commas_and_quotes() {
        assert_eq!(line(["a", "b,c", "say \"x\"", ""].into_iter()), "a,\"b,c\",\"say \"\"x\"\"\",\n");
    }
}
