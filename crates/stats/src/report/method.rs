//! How a number was made: one entry for each kind of number on the page, which sections link to.

use maud::{Markup, html};

use super::embedded::buckets::{Buckets, FINEST};
use super::page;

/// Identifier, title and text of each entry.
fn entries() -> Vec<(&'static str, &'static str, Markup)> {
    vec![
        (
            "latency",
            "A latency",
            html! {
                "The time the kernel received a packet back minus the time just before it was sent, both taken outside the device and on one "
                "clock, by the same process. Packets leave by a fixed schedule whether or not earlier ones have come back, so a stalled device "
                "cannot slow down the load and hide its stall. How late a packet left is kept beside it: that is the instrument’s fault."
            },
        ),
        (
            "percentile",
            "A percentile and its interval",
            html! {
                "The value at its exact rank among all packets of the valid runs (nearest rank): nothing is interpolated and nothing rounded "
                "into buckets. The interval below it consists of two measured values, chosen by their ranks so that they enclose the true "
                "percentile with a probability of 95 % whatever the distribution. A percentile with fewer than ten packets beyond it is not given: it would be little "
                "more than the maximum."
            },
        ),
        (
            "difference",
            "A difference and what may be said of it",
            html! {
                "Repeats are what differs by chance, not packets. Each repeat of one configuration is paired with the same repeat of the other; "
                "the difference is the median over these pairs. A configuration is called slower or faster only where the interval leaves out zero and the "
                "difference is greater than the instrument’s own floor."
            },
        ),
        (
            "pair",
            "Two configurations that you choose",
            html! {
                "Percentiles are those of the table, difference and ratio are theirs. The probability that a packet of one is slower than one of the other "
                "is over all pairs of their packets, equal ones counted half. For that the page holds each distribution in buckets, at best "
                (format!("{:.1}\u{a0}%", Buckets::error(FINEST) * 200.0)) " wide; the bounds given hold whatever lies in a bucket. "
                "These figures are of the packets that were measured: whether the difference would be there again, the repeats say, in “Differences”."
            },
        ),
        (
            "spread",
            "Between repeats",
            html! {
                "The percentile of each valid run by itself, and of these the least, the median and the greatest. Where the repeats of two "
                "configurations overlap, their difference is no larger than what one run differs from the next."
            },
        ),
        (
            "floor",
            "The floor",
            html! {
                "The same path with a wire in place of the device: what the instrument itself takes. Latencies include it, and no difference smaller than it is claimed."
            },
        ),
        (
            "validity",
            "Whether a run counts",
            html! {
                "A run is invalid when the instrument failed, never because the device was slow: packets left too late, the generator stood still, the "
                "receiver had no room, or the clocks moved against each other. It is repeated and kept out of every figure."
            },
        ),
        (
            "host",
            "Whether the host was quiet",
            html! {
                "The kernel’s own counters of interrupts, softirqs, stolen time and tasks are read before, during and after each run. On a core of "
                "packets nothing belongs but the packet loop, the timer’s tick and the softirqs that carry the packets; what else came is named."
            },
        ),
    ]
}

/// All entries.
pub(super) fn section() -> Markup {
    page::section(
        "method",
        "How a number was made",
        &html! {
            @for (id, title, text) in entries() {
                h3 id=(format!("method-{id}")) tabindex="-1" { (title) }
                p { (text) }
            }
            p { "The whole of it, with sources, is in " code { "docs/method.md" } " of tailbed." }
        },
    )
}

#[cfg(test)]
mod tests {
    /// Every link of a page to the method leads somewhere.
    #[test]
    fn links_to_the_method_have_an_entry() {
        let example = crate::report::example::campaign();
        let page = crate::report::html(&example.input());
        let links: Vec<_> = page.split("href=\"#").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
        assert!(links.iter().any(|link| link.starts_with("method-")), "{links:?}");
        for link in links {
            assert!(page.contains(&format!("id=\"{link}\"")), "{link}");
        }
    }
}
