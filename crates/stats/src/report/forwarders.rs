//! What forwarders did not send on, and why.

use maud::{Markup, html};
use tailbed_format::message::RuleCount;
use tailbed_format::summary::{CampaignSummary, RunSummary};

use super::cells::{Cell, label_of};
use super::page;
use crate::plot::number;

/// Every forwarder of every run that received more frames than it sent; nothing when there is none.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    let rows: Vec<_> = summary.runs.iter().flat_map(rows).collect();
    if rows.is_empty() {
        return html! {};
    }
    page::section(
        "forwarders",
        "Frames the forwarders dropped",
        &html! {
            p {
                "Frames that a node received and did not send on, the warm-up’s and strangers’ included. They are the device’s own: "
                "a packet of the load among them counts as lost."
            }
            (page::scrolling("Frames dropped, by reason", &table(&rows, cells)))
        },
    )
}

/// A direction through a node in a run.
struct Row<'a> {
    run: &'a RunSummary,
    node: &'a str,
    from: &'a str,
    count: &'a RuleCount,
}

fn rows(run: &RunSummary) -> impl Iterator<Item = Row<'_>> {
    let directions = run.forwarders.iter().flat_map(move |forwarder| {
        let usual = ["in", "out"].into_iter().skip(if forwarder.ports.is_empty() { 0 } else { 2 });
        let named = forwarder.rules.iter().zip(forwarder.ports.iter().map(String::as_str).chain(usual));
        named.map(move |(count, from)| Row { run, node: &forwarder.node, from, count })
    });
    directions.filter(|row| row.count.received > row.count.sent || row.count.receive_drops > 0)
}

fn table(rows: &[Row<'_>], cells: &[Cell<'_>]) -> Markup {
    html! {
        thead { tr {
            th.word scope="col" { "Run" }
            th.word scope="col" { "Configuration" }
            th.word scope="col" { "Node" }
            th.word scope="col" { "From" }
            th scope="col" { "Received" }
            th scope="col" { "Sent" }
            th.word scope="col" { "Not sent" }
        } }
        tbody { @for Row { run, node, from, count } in rows { tr data-cell=(run.cell) {
            th scope="row" { code { (run.run) } }
            td.word { (label_of(cells, run.cell)) }
            td.word { (node) }
            td.word { (from) }
            td { (number::count(count.received)) }
            td { (number::count(count.sent)) }
            td.word { (reasons(count)) }
        } } }
    }
}

/// Each reason with how often, the kernel's among them.
fn reasons(count: &RuleCount) -> String {
    let named = [
        ("malformed", count.malformed),
        ("refused by the kernel", count.send_errors),
        ("no room in the ring", count.receive_drops),
    ];
    let named = named.into_iter().filter(|(_, frames)| *frames > 0).map(|(name, frames)| (name.to_owned(), frames));
    let dropped = count.dropped.counted().map(|(reason, frames)| (reason.to_string(), frames));
    named.chain(dropped).map(|(name, frames)| format!("{name}: {}", number::count(frames))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use tailbed_format::function::{Drops, Reason};
    use tailbed_format::summary::ForwarderSummary;

    use super::*;
    use crate::report::example;

    #[test]
    fn only_what_dropped_something_is_listed() {
        let mut summary = example::campaign().summary;
        assert_eq!(section(&summary, &[]).into_string(), "");
        let all_sent = RuleCount { received: 1_500, sent: 1_500, ..RuleCount::default() };
        let dropped = Drops::default().with(Reason::NoRoute, 1_200).with(Reason::TtlExpired, 3);
        let lossy = RuleCount { received: 1_500, sent: 296, malformed: 1, dropped, ..RuleCount::default() };
        summary.runs[0].forwarders =
            vec![ForwarderSummary { node: "a<b".to_owned(), ports: Vec::new(), rules: vec![all_sent, lossy] }];
        let page = section(&summary, &[]).into_string();
        assert_eq!(page.matches("<tr").count(), 2, "{page}");
        assert!(page.contains("a&lt;b") && page.contains("malformed: 1, time to live expired: 3, no route: 1"), "{page}");
    }
}
