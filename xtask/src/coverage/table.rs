//! The tables as Markdown.

use std::fmt::Write as _;

use tailbed_format::percentile::Percentile;

use super::tally::{Held, INTERVALS, Share};
use super::{Arguments, Results, Shape};

/// What intervals should hold the truth, and what may be claimed falsely.
const TARGET: std::ops::RangeInclusive<f64> = 0.93..=0.97;
const MOST_FALSE: f64 = 0.05;

/// Percentiles that a table has columns for: p50 to p99.99.
const COLUMNS: usize = 5;

pub(super) fn markdown(arguments: &Arguments, results: &[Results]) -> String {
    let Arguments { campaigns, packets, seed, repeats, .. } = arguments;
    let list = repeats.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut text = format!(
        "# How often intervals hold the truth\n\n\
Written by `cargo xtask coverage --campaigns {campaigns} --packets {packets} --repeats {list} --seed {seed}`.\n\n\
Each line is {campaigns} simulated campaigns of two configurations with the same law, each with as many repeats as the heading says and {packets} packets a run. \
They are summarised as a measured campaign is (docs/method.md); so there are {} intervals of each percentile, of which 95 % should hold the \
truth, and any difference that is claimed is a false one. A share of so many has a standard error of {:.1} %.\n\n\
The truth is the percentile over all runs that could have been made: the runs' own differences are averaged over. Of the drifting campaigns it is the one over \
the whole time of the campaign, from its first packet to its last.\n\n",
        campaigns * INTERVALS as u64,
        100.0 * (0.95 * 0.05 / (*campaigns * INTERVALS as u64).max(1) as f64).sqrt(),
    );
    let _ = writeln!(text, "| name | latencies |\n| --- | --- |");
    for shape in Shape::ALL {
        let _ = writeln!(text, "| {} | {} |", shape.name(), shape.law());
    }
    for result in results {
        section(&mut text, result);
    }
    text.push_str(
        "\n**Bold** means that the share lies outside 93 to 97 % for intervals, or above 5 % for false differences, by more than two standard errors. \
Open: intervals of which an end could not be given, because so few runs, or packets beyond the percentile, do not bound it. They hold the truth all the \
same, from the side that they have. A dash: the sample does not carry the percentile.\n\n\
Where runs are of two kinds, three repeats are all of one kind in a quarter of campaigns and five in a sixteenth, and nothing made of them reaches the \
values of the other. Below five repeats \
a drift of the campaign is not taken out of the error, so that intervals are wider than they need be. What few packets lie beyond is held more often than it need be, \
since open ends miss nothing. A drift that is weak within one run may be taken for a warm-up.\n",
    );
    text
}

fn section(text: &mut String, result: &Results) {
    let percentiles = &Percentile::REPORTED[..COLUMNS];
    let titles: Vec<String> = percentiles.iter().map(ToString::to_string).collect();
    let _ = writeln!(
        text,
        "\n## {} repeats\n\nIntervals between repeats that hold the truth, and how many of them are open:\n",
        result.size.repeats
    );
    let header = |text: &mut String, first: &str, titles: &[String]| {
        let _ = writeln!(text, "| {first} | {} |\n|{}", titles.join(" | "), " --- |".repeat(titles.len() + 1));
    };
    header(text, "latencies", &titles);
    for (shape, tally) in &result.shapes {
        let cells: Vec<String> = tally.held.iter().take(COLUMNS).map(between).collect();
        let _ = writeln!(text, "| {} | {} |", shape.name(), cells.join(" | "));
    }
    text.push_str(
        "\nThe same intervals, had they been made of the order statistics of all packets as if these were independent:\n\n",
    );
    header(text, "latencies", &titles);
    for (shape, tally) in &result.shapes {
        let cells: Vec<String> = tally.held.iter().take(COLUMNS).map(|held| percent(held.order_statistics)).collect();
        let _ = writeln!(text, "| {} | {} |", shape.name(), cells.join(" | "));
    }
    text.push_str("\nWhat was claimed. Where it is so, a high share is good; everywhere else it is a false alarm:\n\n");
    let titles =
        ["a difference", "a run warms up", "a run drifts", "runs of two kinds", "the campaign drifts"].map(str::to_owned);
    header(text, "latencies", &titles);
    for (shape, tally) in &result.shapes {
        let so = |is: bool, share: Share| format!("{}{}", percent(share), if is { " (it is so)" } else { "" });
        let difference = marked(tally.false_verdicts, 0.0..=MOST_FALSE);
        let _ = writeln!(
            text,
            "| {} | {difference} | {} | {} | {} | {} |",
            shape.name(),
            percent(tally.warm_ups),
            so(*shape == Shape::Drifting, tally.drifts),
            so(*shape == Shape::Bimodal, tally.modes),
            so(*shape == Shape::Drifting, tally.campaign_drifts),
        );
    }
}

fn between(held: &Held) -> String {
    let open = held.bounded.value().map_or(0.0, |bounded| 1.0 - bounded);
    let share = marked(held.between, TARGET);
    if open < 0.000_5 { share } else { format!("{share} ({:.1} % open)", open * 100.0) }
}

/// The share, bold where it lies outside by more than two of its standard errors.
fn marked(share: Share, target: std::ops::RangeInclusive<f64>) -> String {
    let text = percent(share);
    let Some(value) = share.value() else { return text };
    let error = (value.max(0.01) * (1.0 - value).max(0.01) / f64::from(share.of)).sqrt();
    let outside = value < target.start() - 2.0 * error || value > target.end() + 2.0 * error;
    if outside { format!("**{text}**") } else { text }
}

fn percent(share: Share) -> String {
    share.value().map_or_else(|| "–".to_owned(), |value| format!("{:.1} %", value * 100.0))
}
