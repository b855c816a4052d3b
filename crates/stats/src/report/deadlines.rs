//! The deadlines: held, missed or not to be decided, with their figures.

use maud::{Markup, html};
use tailbed_format::slo::{SloCount, SloResult, SloVerdict};
use tailbed_format::summary::CampaignSummary;

use super::cells::{Cell, label_of};
use super::page;
use crate::plot::number;

/// Verdicts, figures, repeats; nothing where there is no deadline.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    if summary.slos.is_empty() {
        return Markup::default();
    }
    let by_deadline = summary.slos.chunk_by(|one, other| one.slo == other.slo);
    let table = html! {
        thead { tr {
            th scope="col" { "Configuration" }
            th.word scope="col" { "Verdict" }
            th scope="col" { "Late" }
            th scope="col" { "Lost" }
            th scope="col" { "Of" }
            th scope="col" { "Share" }
            th.word scope="col" { "Figures" }
        } }
        @for results in by_deadline {
            tbody {
                tr { th.pair scope="rowgroup" colspan="7" { (results[0].slo) } }
                @for result in results { (row(result, cells)) }
            }
        }
    };
    page::section(
        "deadlines",
        "Deadlines",
        &html! {
            (page::scrolling("Packets that came too late or not at all, against what is allowed", &table))
            p.hint {
                "A packet is in time when its latency is below the deadline; a lost one is not. Held: the whole 95\u{a0}% interval of the share "
                "that was not in time lies at or below what is allowed. Missed: it lies above, or nothing came through at all. Packets that are late together count as one."
            }
            details {
                summary { "Deadlines, repeat by repeat" }
                (page::scrolling("Each repeat by itself", &repeats(&summary.slos, cells)))
            }
        },
    )
}

fn row(result: &SloResult, cells: &[Cell<'_>]) -> Markup {
    html! {
        tr {
            th scope="row" { (label_of(cells, result.cell)) }
            td.word.phrase.claim[result.verdict != SloVerdict::Undecided] { (result.verdict) }
            (counts(&result.pooled))
            td.word { (result.why) "." @if let Some(remark) = &result.remark { span.under { (remark) } } }
        }
    }
}

fn counts(count: &SloCount) -> Markup {
    html! {
        td { (number::count(count.late)) }
        td { (number::count(count.lost)) }
        td { (number::count(count.sent)) }
        td {
            @if count.sent == 0 { "–" } @else {
                (number::share(count.above(), count.sent)) span.under { (percent(count.low)) "–" (percent(count.high)) }
            }
        }
    }
}

/// A bound of a share as a percentage with three significant digits.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent <= 0.0 {
        return "0\u{a0}%".to_owned();
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 12")]
    let places = (2.0 - percent.log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{percent:.places$}\u{a0}%")
}

fn repeats(results: &[SloResult], cells: &[Cell<'_>]) -> Markup {
    html! {
        thead { tr {
            th.word scope="col" { "Run" }
            th.word scope="col" { "Configuration" }
            th.word scope="col" { "Deadline" }
            th.word scope="col" { "By itself" }
            th scope="col" { "Late" }
            th scope="col" { "Lost" }
            th scope="col" { "Of" }
            th scope="col" { "Share" }
        } }
        tbody { @for result in results { @for repeat in &result.repeats { tr {
            th scope="row" { code { (repeat.run) } }
            td.word { (label_of(cells, result.cell)) }
            td.word { (result.slo) }
            td.word { (repeat.verdict) }
            (counts(&repeat.count))
        } } } }
    }
}
