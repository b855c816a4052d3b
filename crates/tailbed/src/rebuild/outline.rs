//! What a campaign was to measure, gathered from what is left where `campaign.json` does not say it.

use serde_json::Value;
use tailbed_format::order::{Order, Path};
use tailbed_format::results;
use tailbed_format::summary::{Cell, Parameter, RunKind};
use tailbed_plan::plan::Run;

use super::guarded;
use crate::results::begun::{environment, topology};
use crate::results::{Kind, Outline};

/// No campaign has more: as many runs are planned at most.
const MOST_CELLS: usize = 10_000;

/// Of a folder that says nothing.
pub(super) fn unknown() -> Outline {
    Outline {
        kind: Kind::Packets,
        file: results::EXPERIMENT.to_owned(),
        seed: None,
        question: None,
        cells: Vec::new(),
        environments: Vec::new(),
        slos: Vec::new(),
        topology: String::new(),
        notes: Vec::new(),
    }
}

/// From the campaign's summary, the plans of the runs, and their summaries, as far as these can be read.
pub(super) fn gathered(summary: Option<&Value>, plans: &[Run], runs: &[Value]) -> Outline {
    let text = |name: &str| summary.and_then(|summary| summary.get(name)).and_then(Value::as_str);
    let kind = kind(summary, runs);
    let cells = cells(summary, plans, runs);
    let environment = |cell: usize| {
        let told = summary.and_then(|summary| summary.get("cells")?.get(cell)?.get("kind")?.as_str());
        let planned = || plans.iter().find(|run| run.cell == cell).map(environment);
        told.map(str::to_owned).or_else(planned).unwrap_or_default()
    };
    let environments = if kind == Kind::Lives { (0..cells.len()).map(environment).collect() } else { Vec::new() };
    let notes = summary.and_then(|summary| summary.get("notes")?.as_array());
    Outline {
        kind,
        question: text("question").map(str::to_owned),
        environments,
        topology: topology(kind, &cells, plans),
        notes: notes.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        cells,
        ..unknown()
    }
}

/// What only one kind of campaign or run has.
fn kind(summary: Option<&Value>, runs: &[Value]) -> Kind {
    let of_campaign = summary.and_then(|summary| summary.get("runs")?.as_array()).into_iter().flatten();
    of_campaign.chain(runs).find_map(kind_of_run).unwrap_or(Kind::Packets)
}

fn kind_of_run(run: &Value) -> Option<Kind> {
    let has = |name: &str| run.get(name).is_some();
    [("goals", Kind::Searches), ("phases", Kind::Lives), ("tests", Kind::Noise), ("lateness", Kind::Packets)]
        .into_iter()
        .find(|(name, _)| has(name))
        .map(|(_, kind)| kind)
}

/// The cells of the campaign's summary; without one those that runs belong to, of which the floors are not known.
fn cells(summary: Option<&Value>, plans: &[Run], runs: &[Value]) -> Vec<Cell> {
    let simulated =
        summary.and_then(|summary| summary.get("simulated")?.as_bool()).unwrap_or(false) || plans.iter().any(is_simulated);
    let listed = summary.and_then(|summary| summary.get("cells")?.as_array());
    let cell = |value: &Value| Cell {
        kind: field(value, "kind").unwrap_or_default(),
        parameters: field(value, "parameters").unwrap_or_default(),
        floor: field(value, "floor"),
        simulated,
    };
    if let Some(listed) = listed {
        return listed.iter().take(MOST_CELLS).map(cell).collect();
    }
    let number = |run: &Value| usize::try_from(run.get("cell")?.as_u64()?).ok().filter(|cell| *cell < MOST_CELLS);
    let count = runs.iter().filter_map(number).max().map_or(0, |last| last + 1);
    let nothing = Cell { kind: RunKind::Measurement, parameters: Vec::<Parameter>::new(), floor: None, simulated };
    let of = |place: usize| runs.iter().find(|run| number(run) == Some(place)).map_or_else(|| nothing.clone(), cell);
    (0..count).map(of).collect()
}

fn field<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
    guarded::shaped(value.get(name)?.clone()).ok()
}

fn is_simulated(run: &Run) -> bool {
    run.agents.iter().any(|agent| matches!(&agent.order, Order::Measure(measure) if matches!(measure.path, Path::Simulated(_))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn runs_alone_tell_their_cells() {
        let run = |cell: usize, value: &str| json!({ "cell": cell, "kind": "measurement", "lateness": {}, "parameters": [{ "key": "a", "value": value }] });
        let outline = gathered(None, &[], &[run(2, "c"), run(0, "a"), json!({ "cell": 18_000_000_000_u64 })]);
        assert_eq!((outline.kind, outline.cells.len()), (Kind::Packets, 3));
        assert_eq!(outline.cells[2].parameters[0].value, "c");
        assert!(outline.cells[1].parameters.is_empty());
        let summary = json!({ "question": "why?", "simulated": true, "notes": ["n"], "cells": [{ "kind": "host" }], "runs": [{ "phases": [] }] });
        let outline = gathered(Some(&summary), &[], &[]);
        assert_eq!(
            (outline.kind, outline.environments, outline.notes),
            (Kind::Lives, vec!["host".to_owned()], vec!["n".to_owned()])
        );
        assert_eq!(gathered(Some(&json!("no")), &[], &[json!(7)]).cells, []);
    }
}
