//! The knobs of this host: the subcommand `knobs`.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use tailbed_plan::knob::{ALL, table};

use crate::failure::Failure;
use crate::{print, probe};

/// A knob as JSON.
#[derive(Debug, Serialize)]
struct Shown {
    name: &'static str,
    what: &'static str,
    why: &'static str,
    source: &'static str,
    unit: &'static str,
    values: String,
    standard: &'static str,
    /// `None` where this host has no file that tells.
    now: Option<String>,
}

/// Lists them with what they say here; nothing is changed.
pub(crate) fn knobs(json: bool) -> Result<(), Failure> {
    let settings = probe::facts().settings;
    if json {
        let shown = ALL.iter().map(|knob| Shown {
            name: knob.name,
            what: knob.what,
            why: knob.why,
            source: knob.source,
            unit: knob.unit,
            values: knob.accepts.words(),
            standard: knob.standard,
            now: knob.now(&settings),
        });
        let text = serde_json::to_string_pretty(&shown.collect::<Vec<_>>()).map_err(anyhow::Error::from)?;
        return print(&format!("{text}\n"));
    }
    let mut lines = Table::new();
    lines.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    lines.set_header(["knob", "here", "standard", "what it does"]);
    for row in table(&settings) {
        lines.add_row(row);
    }
    print(&format!("{}\n", lines.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")))
}
