//! A campaign of searches as a table: a row per configuration and goal.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};
use tailbed_format::lifecycle::Repeats;
use tailbed_format::throughput::SearchCampaign;
use tailbed_stats::plot::number::{count, rate, time};
use tailbed_stats::report::throughput::besides;
use tailbed_stats::search::{ended, label};

/// Every configuration with its goals and bursts, then the searches that ended before they should; `fit` breaks lines to the terminal's
/// width.
pub(crate) fn table(summary: &SearchCampaign, fit: bool) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    if fit {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let titles = ["configuration", "sought", "searches", "lower bound", "upper bound", "conditional", "trials", "besides"];
    table.set_header(titles.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for cell in &summary.cells {
        let name = Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| summary.name.clone());
        let trials = number(cell.trials.map(|trials| count(trials.median)));
        for goal in &cell.goals {
            let runs = goal.lower.map_or(0, |lower| lower.runs);
            table.add_row([
                Cell::new(&name),
                Cell::new(&goal.name),
                number(Some(runs.to_string())),
                number(goal.lower.map(|lower| spread(&lower, rate))),
                number(goal.upper.map(|upper| spread(&upper, rate))),
                number(goal.conditional.map(|conditional| spread(&conditional, rate))),
                trials.clone(),
                Cell::new(besides(goal)),
            ]);
        }
        if let Some(burst) = &cell.burst {
            let buffer = burst.corrected.map_or_else(String::new, |corrected| format!("buffer of {}", time(corrected.median)));
            table.add_row([
                Cell::new(&name),
                Cell::new("burst"),
                number(Some(burst.length.runs.to_string())),
                number(Some(spread(&burst.length, count))),
                number(None),
                number(None),
                trials.clone(),
                Cell::new(buffer),
            ]);
        }
    }
    let mut text = format!("{table}\nmedian of the searches, beneath it its 95 % interval (the range with fewer than six)");
    for run in summary.runs.iter().filter(|run| !run.is_whole()) {
        let _ = write!(text, "\n{} ended before it should: {}", run.run, ended(&run.end));
    }
    text
}

fn spread(repeats: &Repeats, show: impl Fn(u64) -> String) -> String {
    let (low, high) = repeats.interval.unwrap_or((repeats.minimum, repeats.maximum));
    if low == high { show(repeats.median) } else { format!("{}\n{}–{}", show(repeats.median), show(low), show(high)) }
}

fn number(text: Option<String>) -> Cell {
    Cell::new(text.unwrap_or_else(|| "–".to_owned())).set_alignment(CellAlignment::Right)
}
