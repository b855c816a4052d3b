//! The report of a campaign of searches for throughput.

mod directions;
mod latency;

use maud::{Markup, html};
use tailbed_format::lifecycle::Repeats;
use tailbed_format::throughput::{GoalSummary, SearchCampaign, SearchCell, SearchRun};

use super::again::{self, Repeat};
use super::figures::Captioned;
use super::{NamedFigure, damaged, knobs, machine, page, ports, proof};
use crate::plot::number::{self, rate, time};
use crate::plot::search::search;
use crate::plot::theme::Style;
use crate::search::{ended, label};

/// All that the report of a campaign of searches is made of.
#[derive(Debug, Clone, Copy)]
pub struct SearchInput<'a> {
    /// The campaign's results.
    pub summary: &'a SearchCampaign,
    /// The topology drawn in text, lines separated by line feeds.
    pub topology: &'a str,
    /// How to run it again, and where it ran.
    pub again: Repeat<'a>,
    /// What of the results folder could not be read, a sentence each without its full stop; empty where all of it could.
    pub faults: &'a [String],
}

/// The report as one HTML file.
pub fn search_html(input: &SearchInput<'_>) -> String {
    let summary = input.summary;
    let title = summary.question.as_deref().filter(|question| !question.trim().is_empty()).unwrap_or(&summary.name);
    page::page(
        title,
        &html! {
            (opening(input, title))
            (damaged::section(input.faults))
            (throughput(summary))
            (directions::section(summary))
            (bursts(summary))
            (latency::section(summary))
            (searches(summary))
            (proof::of_searches(&summary.runs, |cell| name_of(summary, cell)))
            (broken(summary))
            (knobs::section(summary.runs.iter().filter(|run| run.is_whole()).filter_map(|run| run.knobs.as_ref())))
            (machine::section(input.again.facts))
            (instrument(summary))
            (topology(input))
            (again::section(&input.again))
            (method())
        },
    )
}

/// What trials were made with.
fn instrument(summary: &SearchCampaign) -> Markup {
    if summary.runs.iter().all(|run| run.ports.is_empty()) {
        return html! {};
    }
    let facts = ports::facts(summary.runs.iter().map(|run| run.ports.as_slice()));
    page::section("instrument", "The instrument", &html! { dl.facts { (facts) } })
}

/// The plots, to be written beside the report as SVG and CSV: one per search, `search-<run>`.
pub fn search_plots(summary: &SearchCampaign) -> Vec<NamedFigure> {
    summary.runs.iter().filter(|run| !run.log.is_empty()).map(plot).collect()
}

fn plot(run: &SearchRun) -> NamedFigure {
    let goals: Vec<String> = run.goals.iter().map(|found| found.goal.name.clone()).collect();
    NamedFigure { name: format!("search-{}", run.run), figure: search(&goals, &run.log) }
}

fn opening(input: &SearchInput<'_>, title: &str) -> Markup {
    let summary = input.summary;
    let began = summary.runs.iter().map(|run| run.began).min();
    let whole = summary.runs.iter().filter(|run| run.is_whole()).count();
    let discarded: u32 = summary.runs.iter().map(|run| run.invalid_trials).sum();
    let downgraded = summary.runs.iter().any(|run| !run.downgrades.is_empty());
    html! {
        header {
            p.source { (summary.name) @if let Some(began) = began { " · " (number::moment(began)) } " · " (input.again.facts.hostname) }
            h1 { (title) }
            p.answer { (summary.answer) }
            ul.badges aria-label="How far to trust this" {
                li.good[whole == summary.runs.len() && whole > 0].bad[whole < summary.runs.len() || whole == 0] {
                    (whole) " of " (summary.runs.len()) " searches ended as they should"
                }
                @if discarded > 0 { li.bad { (discarded) @if discarded == 1 { " trial" } @else { " trials" } " discarded" } }
                @if downgraded { li.bad { "not everything asked for was granted" } }
                @if summary.simulated { li.bad { "simulated" } }
            }
            @if summary.simulated {
                p.warning role="note" {
                    strong { "Simulated." }
                    " The packets of this campaign came from a model with known behaviour. It tests the instrument; none of it is a measurement."
                }
            }
        }
    }
}

fn name(summary: &SearchCampaign, cell: &SearchCell) -> String {
    Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| summary.name.clone())
}

/// What a cell is called by its number; searches of the wire alone have none of the report's.
fn name_of(summary: &SearchCampaign, cell: usize) -> String {
    let found = summary.cells.iter().find(|found| found.cell == cell);
    found.map_or_else(|| "the wire alone".to_owned(), |found| name(summary, found))
}

fn throughput(summary: &SearchCampaign) -> Markup {
    let table = html! {
        thead { tr {
            th scope="col" { "Configuration" } th scope="col" { "Goal" } th scope="col" { "Searches" } th scope="col" { "Lower bound" }
            th scope="col" { "Upper bound" } th scope="col" { "Conditional throughput" } th scope="col" { "Besides" }
        } }
        tbody {
            @for (n, cell) in summary.cells.iter().enumerate() {
                @for goal in &cell.goals {
                    tr {
                        th scope="row" { (page::swatch(Style::Series(n))) (name(summary, cell)) }
                        td { (goal.name) }
                        td { (goal.lower.map_or(0, |lower| lower.runs)) }
                        td { (value(goal.lower, rate)) }
                        td { (value(goal.upper, rate)) }
                        td { (value(goal.conditional, rate)) }
                        td { (besides(goal)) }
                    }
                }
            }
        }
    };
    let caption = "Packets per second; median over the searches in which both bounds were found, beneath it the 95 % interval, or the range with fewer than six";
    page::section("throughput", "What is carried", &page::scrolling(caption, &table))
}

/// Searches of a goal that gave no number, and why; and whether the number may be the instrument's own.
pub fn besides(goal: &GoalSummary) -> String {
    let parts = [
        (goal.at_maximum, "carried the highest rate allowed"),
        (goal.below_minimum, "did not carry the lowest rate allowed"),
        (goal.unfinished, "ended before"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let near = goal.instrument.map(|own| format!("near what the instrument carries by itself, {}", rate(own)));
    let parts: Vec<_> = parts.chain(near).collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

/// The median with what bounds it, where there are several repeats.
fn value(repeats: Option<Repeats>, show: impl Fn(u64) -> String) -> Markup {
    html! {
        @match repeats {
            None => "–",
            Some(repeats) => {
                (show(repeats.median))
                @let (low, high) = repeats.interval.unwrap_or((repeats.minimum, repeats.maximum));
                @if low < high { br; small { (show(low)) " to " (show(high)) } }
            }
        }
    }
}

fn bursts(summary: &SearchCampaign) -> Markup {
    if summary.cells.iter().all(|cell| cell.burst.is_none()) {
        return html! {};
    }
    let table = html! {
        thead { tr {
            th scope="col" { "Configuration" } th scope="col" { "Tests" } th scope="col" { "Mean" } th scope="col" { "Standard deviation" }
            th scope="col" { "Least" } th scope="col" { "Greatest" } th scope="col" { "Implied buffer time" } th scope="col" { "Corrected buffer time" }
        } }
        tbody {
            @for (n, cell) in summary.cells.iter().enumerate() {
                @if let Some(burst) = &cell.burst {
                    tr {
                        th scope="row" { (page::swatch(Style::Series(n))) (name(summary, cell)) }
                        td { (burst.length.runs) }
                        td { (format!("{:.1}", burst.mean)) }
                        td { (burst.deviation.map_or_else(|| "–".to_owned(), |deviation| format!("{deviation:.1}"))) }
                        td { (number::count(burst.length.minimum)) }
                        td { (number::count(burst.length.maximum)) }
                        td { (value(Some(burst.implied), time)) }
                        td { (value(burst.corrected, time)) }
                    }
                }
            }
        }
    };
    let caption = "Longest bursts without loss at the highest rate, packets (RFC 9004, section 6.4)";
    page::section("bursts", "Back-to-back frames", &page::scrolling(caption, &table))
}

/// One search of each cell drawn, the first that ended as it should.
fn searches(summary: &SearchCampaign) -> Markup {
    let shown = summary.cells.iter().filter_map(|cell| {
        let mine = || summary.runs.iter().filter(|run| run.cell == cell.cell && !run.log.is_empty());
        let run = mine().find(|run| run.is_whole()).or_else(|| mine().next())?;
        Some((cell, run))
    });
    let table = html! {
        thead { tr {
            th scope="col" { "Search" } th scope="col" { "Trials" } th scope="col" { "Invalid" } th scope="col" { "Time" } th scope="col" { "Why it ended" }
        } }
        tbody {
            @for run in &summary.runs {
                tr {
                    th scope="row" { (run.run) }
                    td { (run.trials) } td { (run.invalid_trials) } td { (time(run.took)) } td { (ended(&run.end)) }
                }
            }
        }
    };
    page::section(
        "searches",
        "The searches trial by trial",
        &html! {
            @for (cell, run) in shown {
                @let caption = "Each mark is a trial; rest the pointer on it. Below, only what lies near the bounds. Lines are the bounds known by then: solid of the first goal, dotted of the others, the lower in the colour of trials that are carried.".to_owned();
                (page::figure(&Captioned { named: plot(run), heading: Some(format!("{}, {}", name(summary, cell), run.run)), caption }))
            }
            (page::scrolling("All searches in the order they were made; each has its trials in trials.jsonl", &table))
        },
    )
}

fn broken(summary: &SearchCampaign) -> Markup {
    let broken: Vec<_> = summary.runs.iter().filter(|run| !run.is_whole()).collect();
    if broken.is_empty() {
        return html! {};
    }
    page::section(
        "broken",
        "Searches that ended before they should",
        &html! {
            ul { @for run in &broken { li { code { (run.run) } ": " (ended(&run.end)) } } }
            p { "What they had found by then is in their summaries; no table above counts it unless both bounds of the goal were found." }
        },
    )
}

fn topology(input: &SearchInput<'_>) -> Markup {
    page::section(
        "topology",
        "Topology and placement",
        &html! {
            @if !input.topology.trim().is_empty() { pre role="img" aria-label="The topology drawn in text" { (input.topology) } }
            @if !input.summary.notes.is_empty() { ul { @for note in &input.summary.notes { li { (note) } } } }
        },
    )
}

fn method() -> Markup {
    page::section(
        "method",
        "How a number was made",
        &html! {
            p {
                "A load is carried for a goal when enough of the time measured at it went by without more loss than the goal allows (RFC 9971, appendix A). "
                "The upper bound is the lowest load that is not carried, the lower bound the highest below it that is: the device's throughput lies between. "
                "Conditional throughput is what is expected to come through at the lower bound (appendix B). A trial whose own instrument failed is repeated "
                "and tells the search nothing."
            }
            p { "The whole of it is in " code { "docs/method.md" } " of tailbed." }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use crate::search::summary::tests::example as campaign;

    #[test]
    fn the_page_says_what_was_found_and_what_was_not() {
        let summary = campaign();
        let facts = example::facts();
        let again = Repeat {
            facts: &facts,
            experiment_name: "throughput.toml",
            experiment: "name = \"t\"",
            command: "tailbed run t.toml",
            seed: Some(1),
        };
        let page = search_html(&SearchInput { summary: &summary, topology: "", again, faults: &[] });
        assert!(page.contains("5 of 6 searches ended as they should"));
        assert!(page.contains("the instrument failed 3 times in a row"));
        for part in ["throughput", "latency", "searches", "broken", "method"] {
            assert!(page.contains(&format!("id=\"{part}\"")), "{part}");
        }
        assert!(!page.contains("id=\"bursts\""));
        assert_eq!(search_plots(&summary).len(), 6);
    }
}
