//! Searches in both directions at once: what each lost at the bounds that were found.

use maud::{Markup, html};
use tailbed_format::throughput::{Purpose, SearchCampaign, SearchRun, TrialStream};

use super::name_of;
use crate::plot::number::{self, rate};
use crate::report::page;

/// The table of directions; nothing where packets go one way.
pub(super) fn section(summary: &SearchCampaign) -> Markup {
    let runs: Vec<&SearchRun> = summary.runs.iter().filter(|run| !run.directions.is_empty()).collect();
    let Some(first) = runs.first() else { return html! {} };
    let table = html! {
        thead {
            tr {
                th scope="col" { "Search" } th scope="col" { "Goal" } th scope="col" { "Bound" }
                th scope="col" { "Offered each way" } th scope="col" { "Both together" }
                @for direction in &first.directions { th scope="col" { "Lost " (direction) } }
                th scope="col" { "Lost of all" }
            }
        }
        tbody {
            @for run in &runs {
                @for found in &run.goals {
                    @for (bound, at) in [("lower", found.bounds.lower), ("upper", found.bounds.upper)] {
                        @if let Some(at) = at { (row(summary, run, (&found.goal.name, bound), at)) }
                    }
                }
            }
        }
    };
    page::section(
        "directions",
        "Both directions",
        &html! {
            p {
                "Packets go both ways at once, the same rate each (RFC 2544, section 14). All rates on this page are those of one direction; a goal’s loss is "
                "that of all packets of both."
            }
            (page::scrolling("What each direction lost in all trials that count at the bounds", &table))
        },
    )
}

fn row(summary: &SearchCampaign, run: &SearchRun, (goal, bound): (&str, &str), at: u64) -> Markup {
    let streams = at_rate(run, at);
    let together = at.saturating_mul(run.directions.len() as u64);
    let all = TrialStream {
        name: String::new(),
        sent: streams.iter().map(|stream| stream.sent).sum(),
        received: streams.iter().map(|stream| stream.received).sum(),
        lost: streams.iter().map(|stream| stream.lost).sum(),
    };
    html! {
        tr {
            th scope="row" { (name_of(summary, run.cell)) span.under { code { (run.run) } } }
            td { (goal) } td { (bound) } td { (rate(at)) } td { (rate(together)) }
            @for stream in &streams { td { (lost(stream)) } }
            td { (lost(&all)) }
        }
    }
}

/// Each direction over all trials of a rate that count, in the order of the search's directions.
fn at_rate(run: &SearchRun, rate: u64) -> Vec<TrialStream> {
    let of_load = run.log.iter().filter(|trial| trial.is_valid() && trial.rate == rate && trial.purpose == Purpose::Load);
    let trials: Vec<_> = of_load.collect();
    let sum = |name: &String| {
        let own = || trials.iter().flat_map(|trial| &trial.streams).filter(|stream| stream.name == *name);
        TrialStream {
            name: name.clone(),
            sent: own().map(|stream| stream.sent).sum(),
            received: own().map(|stream| stream.received).sum(),
            lost: own().map(|stream| stream.lost).sum(),
        }
    };
    run.directions.iter().map(sum).collect()
}

fn lost(stream: &TrialStream) -> Markup {
    html! {
        @if stream.sent == 0 { "–" } @else {
            (number::share(stream.lost, stream.sent))
            span.under { (number::count(stream.lost)) " of " (number::count(stream.sent)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::summary::tests::example;

    #[test]
    fn each_direction_stands_with_what_it_lost_at_the_bounds() {
        let mut campaign = example();
        assert_eq!(section(&campaign).into_string(), "", "one direction needs no table");
        for run in &mut campaign.runs {
            run.directions = vec!["forth".to_owned(), "back".to_owned()];
            for trial in &mut run.log {
                // all that is lost is lost on the way back
                let one = |name: &str, lost| {
                    let sent = trial.counts.sent / 2;
                    TrialStream { name: name.to_owned(), sent, received: sent - lost, lost }
                };
                let lost = trial.counts.lost.min(trial.counts.sent / 2);
                trial.streams = vec![one("forth", 0), one("back", lost)];
            }
        }
        let run = &campaign.runs[0];
        let upper = run.goals[0].bounds.upper.unwrap();
        let [forth, back] = at_rate(run, upper).try_into().unwrap();
        assert!(forth.lost == 0 && back.lost > 0 && forth.sent == back.sent, "{forth:?} {back:?}");
        let page = section(&campaign).into_string();
        assert!(page.contains("Lost forth") && page.contains("Lost back"), "{page}");
        assert!(page.contains(&rate(upper * 2)), "{page}");
    }
}
