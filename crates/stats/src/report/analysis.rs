//! The page of `tailbed analyze`: two captures, before and after a device, and nothing known but what they hold.

use maud::{Markup, html};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Distribution, Estimate};

use super::figures::Captioned;
use super::{NamedFigure, again, page, percentiles as table};
use crate::plot::histogram::{self, Histogram};
use crate::plot::number;
use crate::plot::percentiles::{self, Curve};
use crate::plot::rates::{self, Rate};
use crate::plot::theme::Style;
use crate::plot::worst::{self, WorstPoint, WorstSeries};

/// What two captures amount to.
#[derive(Debug, Clone, Copy)]
pub struct AnalysisInput<'a> {
    /// Name of the capture before the device.
    pub before: &'a str,
    /// Name of the capture after the device.
    pub after: &'a str,
    /// How packets were matched and what was left out, each with its value: `("Key", "bytes 12 to 64 …")`.
    pub settings: &'a [(String, String)],
    /// What was counted, in the order to show it: `("Packets before the device", 300 000)`.
    pub counts: &'a [(String, u64)],
    /// Latency of the matched packets.
    pub latency: &'a Distribution,
    /// Every latency that occurred, ns, ascending, with how often.
    pub latencies: &'a [(u64, u64)],
    /// Every gap between neighbouring packets before the device, ns, ascending, with how often; may be in buckets already.
    pub gaps_before: &'a [(u64, u64)],
    /// The same after the device.
    pub gaps_after: &'a [(u64, u64)],
    /// Width of the buckets of all histograms, ns.
    pub bucket: u64,
    /// Number of each interval of [`Self::rate_interval`] that had packets before the device, ascending, with how many.
    pub rates_before: &'a [(u64, u64)],
    /// The same after the device.
    pub rates_after: &'a [(u64, u64)],
    /// Width of the intervals of the rates, ns.
    pub rate_interval: u64,
    /// The packets with the greatest latencies, by the time since the first packet before the device.
    pub worst: &'a [WorstPoint],
    /// Remarks, each a sentence: damaged ends, odd clocks.
    pub notes: &'a [String],
    /// The command line that does it again.
    pub command: &'a str,
    /// Version that made the page.
    pub tool_version: &'a str,
    /// Commit it was built from, where known.
    pub tool_commit: Option<&'a str>,
}

/// How many of the worst packets the page lists.
const LISTED: usize = 20;

const BEFORE: Style = Style::Series(0);
const AFTER: Style = Style::Series(1);

/// The analysis as one HTML file.
pub fn analysis_html(input: &AnalysisInput<'_>) -> String {
    let figures = figures(input);
    let of = |names: &[&str]| {
        let chosen = figures.iter().filter(|captioned| names.contains(&captioned.named.name.as_str()));
        html! { @for captioned in chosen { (page::figure(captioned)) } }
    };
    page::page(
        &format!("{} to {}", input.before, input.after),
        &html! {
            (opening(input))
            (page::section("latency", "Latency", &latency(input.latency)))
            (page::section("tail", "The tail", &of(&["percentiles"])))
            (page::section("distribution", "Distribution", &of(&["latency"])))
            (page::section("worst", "The worst packets", &html! { (of(&["worst"])) (worst_table(input.worst)) }))
            (page::section("gaps", "Gaps between packets", &of(&["gaps"])))
            (page::section("rates", "Packet rates", &of(&["rates"])))
            (page::section("matching", "Counts and matching", &matching(input)))
            (page::section("again", "Do it again", &html! {
                pre { (input.command) }
                p { (again::version(input.tool_version, input.tool_commit)) }
            }))
        },
    )
}

/// The plots of the analysis: `percentiles`, `latency`, `worst`, `gaps`, `rates`.
pub fn analysis_plots(input: &AnalysisInput<'_>) -> Vec<NamedFigure> {
    figures(input).into_iter().map(|captioned| captioned.named).collect()
}

fn opening(input: &AnalysisInput<'_>) -> Markup {
    let known = |percentile| input.latency.at(percentile).and_then(Estimate::value).map(|value| (percentile, value));
    let furthest = Percentile::REPORTED.into_iter().rev().find_map(known);
    html! {
        header {
            p.source { "Analysis of two captures" }
            h1 { (input.before) " to " (input.after) }
            p.answer {
                @match (known(Percentile::REPORTED[0]), furthest, input.latency.maximum) {
                    (Some((_, median)), Some((percentile, value)), Some(maximum)) => {
                        "Half of " (number::count(input.latency.count)) " matched packets took at most " (number::time(median)) "; "
                        (percentile) " is " (number::time(value)) ", the slowest took " (number::time(maximum)) "."
                    }
                    _ => { "Too few packets were matched to say anything of their latency." }
                }
            }
            @for note in input.notes { p.warning role="note" { (note) } }
        }
    }
}

fn latency(distribution: &Distribution) -> Markup {
    let time = |ns: Option<u64>| ns.map_or_else(|| "–".to_owned(), number::time);
    let table = html! {
        thead { tr {
            th scope="col" { "min" }
            th scope="col" { "mean" }
            @for percentile in Percentile::REPORTED { th scope="col" { (percentile) } }
            th scope="col" { "max" }
        } }
        tbody { tr {
            td { (time(distribution.minimum)) }
            td { (distribution.mean.map_or_else(|| "–".to_owned(), number::mean)) }
            @for percentile in Percentile::REPORTED { td { (table::estimate(distribution.at(percentile))) } }
            td { (time(distribution.maximum)) }
        } }
    };
    page::scrolling("Percentiles of latency with their 95 % intervals", &table)
}

fn worst_table(points: &[WorstPoint]) -> Markup {
    let mut worst = points.to_vec();
    worst.sort_by_key(|point| std::cmp::Reverse(point.latency));
    worst.truncate(LISTED);
    if worst.is_empty() {
        return Markup::default();
    }
    let table = html! {
        thead { tr { th scope="col" { "Latency" } th scope="col" { "Time since the first packet" } } }
        tbody { @for point in &worst { tr {
            td { (number::time(point.latency)) }
            td { (format!("{:.6}\u{a0}s", point.at as f64 / 1e9)) }
        } } }
    };
    html! {
        details {
            summary { "The " (worst.len()) " slowest" }
            div.short { (page::scrolling("The slowest packets", &table)) }
        }
    }
}

fn matching(input: &AnalysisInput<'_>) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in input.settings { dt { (name) } dd { (value) } }
            @for (name, value) in input.counts { dt { (name) } dd { (number::count(*value)) } }
        }
    }
}

fn figures(input: &AnalysisInput<'_>) -> Vec<Captioned> {
    let width = input.bucket;
    let latency = histogram::buckets(input.latencies, width);
    let (before, after) = (histogram::buckets(input.gaps_before, width), histogram::buckets(input.gaps_after, width));
    let repeat = [(String::new(), input.worst.to_vec())];
    let curve = Curve { label: "latency", style: BEFORE, values: input.latencies, distribution: Some(input.latency) };
    let gaps = [
        Histogram { label: "before the device", style: BEFORE, buckets: &before },
        Histogram { label: "after the device", style: AFTER, buckets: &after },
    ];
    let rate = [
        Rate { label: "before the device", style: BEFORE, packets: input.rates_before },
        Rate { label: "after the device", style: AFTER, packets: input.rates_after },
    ];
    let figures = [
        (
            "percentiles",
            percentiles::percentiles("Latency", &[curve]),
            "How to read it: at 99.9 % on the horizontal axis, one packet in a thousand took at least as long as the curve is high.",
        ),
        (
            "latency",
            histogram::histogram("Latency", width, &[Histogram { label: "latency", style: BEFORE, buckets: &latency }]),
            "Counts are logarithmic, so that single packets of the tail can be seen beside the bulk.",
        ),
        (
            "worst",
            worst::worst(&[WorstSeries { label: "latency", style: BEFORE, repeats: &repeat }]),
            "The packets with the greatest latencies, by the time they came to the device. Regular stripes come from something periodic.",
        ),
        (
            "gaps",
            histogram::histogram("Gap between neighbouring packets", width, &gaps),
            "What the device does to the spacing of packets: a wider curve after it means bursts and pauses of its own making.",
        ),
        (
            "rates",
            rates::rates(input.rate_interval, &rate),
            "Packets per second before and after the device; the first and the last interval may be covered in part.",
        ),
    ];
    figures
        .into_iter()
        .map(|(name, figure, caption)| Captioned {
            named: NamedFigure { name: name.to_owned(), figure },
            heading: None,
            caption: caption.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::summary::PercentileRow;

    fn distribution() -> Distribution {
        let rows = [(3_100, 3_090, 3_110), (3_900, 3_850, 3_980)];
        let percentiles = Percentile::REPORTED.into_iter().zip(rows).map(|(percentile, (value, low, high))| PercentileRow {
            percentile,
            estimate: Estimate::Value { value, low: Some(low), high: Some(high) },
        });
        Distribution {
            count: 1_000,
            minimum: Some(2_950),
            maximum: Some(61_000),
            mean: Some(3_204.25),
            percentiles: percentiles.collect(),
        }
    }

    fn nothing(latency: &Distribution) -> AnalysisInput<'_> {
        AnalysisInput {
            before: "pre.pcap",
            after: "post.pcap",
            settings: &[],
            counts: &[],
            latency,
            latencies: &[],
            gaps_before: &[],
            gaps_after: &[],
            bucket: 100,
            rates_before: &[],
            rates_after: &[],
            rate_interval: 100_000_000,
            worst: &[],
            notes: &[],
            command: "tailbed analyze pre.pcap post.pcap",
            tool_version: "0.1.0",
            tool_commit: None,
        }
    }

    #[test]
    fn the_whole_page() {
        let latency = distribution();
        let settings = [("Key".to_owned(), "bytes 12 to 64, checksums left out".to_owned())];
        let counts = [("Packets before the device".to_owned(), 1_003), ("Matched".to_owned(), 1_000)];
        let notes = ["The capture <after> breaks off within a packet.".to_owned()];
        let input = AnalysisInput {
            settings: &settings,
            counts: &counts,
            latencies: &[(2_950, 1), (3_100, 899), (3_900, 98), (61_000, 2)],
            gaps_before: &[(99_900, 500), (100_100, 502)],
            gaps_after: &[(96_000, 30), (99_900, 470), (100_100, 490), (104_000, 12)],
            rates_before: &[(0, 1_000), (1, 1_000)],
            rates_after: &[(0, 998), (1, 1_002)],
            worst: &[WorstPoint { at: 70_000_000, latency: 61_000 }, WorstPoint { at: 171_000_000, latency: 60_400 }],
            notes: &notes,
            ..nothing(&latency)
        };
        insta::assert_snapshot!("analysis.html", analysis_html(&input));
        assert_eq!(analysis_plots(&input).len(), 5);
    }

    #[test]
    fn two_captures_without_a_common_packet_are_said_to_be_so() {
        let empty = Distribution { count: 0, minimum: None, maximum: None, mean: None, percentiles: Vec::new() };
        let page = analysis_html(&nothing(&empty));
        assert!(page.contains("Too few packets were matched"));
        assert!(page.contains("No packets to show"));
    }
}
