//! The plots of the report with their captions: which are worth drawing, and what each is drawn from.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::CampaignSummary;

use super::cells::Cell;
use super::worst::repeat_name;
use super::{NamedFigure, extremes, page, proof, sweep};
use crate::plot::Figure;
use crate::plot::boxes::{BoxRow, boxes};
use crate::plot::ccdf::ccdf;
use crate::plot::density::{Density, density};
use crate::plot::gaps::{Gaps, gaps};
use crate::plot::heat::heat;
use crate::plot::histogram::{self, Histogram};
use crate::plot::multiples::multiples;
use crate::plot::percentiles::{self, Curve};
use crate::plot::repeats::{self, Strip};
use crate::plot::theme::Style;
use crate::plot::traffic;
use crate::plot::worst::{self, WorstPoint, WorstSeries};
use crate::timeline::{self, Timeline};

/// Up to so many groups of cells each has all kinds of plots of its own; of more, some kinds are drawn of all cells together.
const FEW: usize = 3;

/// Width of a bucket of lateness, ns.
const BUCKET: u64 = 100;

/// The percentiles whose repeats are shown side by side.
const COMPARED: [Percentile; 3] = [Percentile::REPORTED[0], Percentile::REPORTED[2], Percentile::REPORTED[3]];

/// A plot with what stands above and below it.
#[derive(Debug, Clone)]
pub(super) struct Captioned {
    /// The plot and its name.
    pub(super) named: NamedFigure,
    /// Which cells it shows, where there are several of the kind.
    pub(super) heading: Option<String>,
    /// What it shows and how to read it.
    pub(super) caption: String,
}

/// All plots: some once for the campaign, the others once for every group of cells.
pub(super) fn all(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Vec<Captioned> {
    let groups = cells.iter().map(|cell| cell.group).max().map_or(1, |last| last + 1);
    let mut figures = overviews(cells);
    for group in 0..groups {
        let own: Vec<_> = cells.iter().filter(|cell| cell.group == group).collect();
        let traffic = own.iter().find(|cell| cell.style == Style::Floor);
        let heading = traffic.filter(|_| groups > 1).map(|floor| floor.label.replacen("floor, ", "", 1));
        let mut kinds = vec![("percentiles", curves_of(&own), CURVES_CAPTION)];
        if groups <= FEW {
            kinds.extend(spreads_of(&own));
        }
        kinds.push(("worst", worst_of(&own), WORST_CAPTION));
        if groups <= FEW {
            kinds.extend(over_time_of(&own));
        }
        kinds.extend(repeats_of(&own).map(|figure| ("repeats", figure, REPEATS_CAPTION)));
        kinds.push(("lateness", lateness_of(&own), LATENESS_CAPTION));
        kinds.extend(extremes::figures(summary, &own));
        kinds.extend(proof::figure(&own).map(|figure| ("host", figure, HOST_CAPTION)));
        for (kind, figure, caption) in kinds {
            let name = if group == 0 { kind.to_owned() } else { format!("{kind}-{}", group + 1) };
            figures.push(captioned(name, figure, heading.clone(), caption));
        }
    }
    if groups > FEW {
        let all: Vec<_> = cells.iter().collect();
        let kinds = spreads_of(&all).into_iter().chain(over_time_of(&all));
        figures.extend(kinds.map(|(kind, figure, caption)| captioned(kind.to_owned(), figure, None, caption)));
    }
    figures
}

fn captioned(name: String, figure: Figure, heading: Option<String>, caption: &str) -> Captioned {
    Captioned { named: NamedFigure { name, figure }, heading, caption: caption.to_owned() }
}

/// What shows a sweep as a whole.
fn overviews(cells: &[Cell<'_>]) -> Vec<Captioned> {
    let mut figures = Vec::new();
    let maps = sweep::maps(cells);
    if !maps.is_empty() {
        figures.push(captioned("heat".to_owned(), heat(&maps), None, HEAT_CAPTION));
    }
    if let Some((legend, panels)) = sweep::panels(cells) {
        figures.push(captioned("multiples".to_owned(), multiples("One-way latency", &legend, &panels), None, MULTIPLES_CAPTION));
    }
    figures
}

type Kind = (&'static str, Figure, &'static str);

/// The distributions as a whole.
fn spreads_of(cells: &[&Cell<'_>]) -> Vec<Kind> {
    let rows: Vec<_> = cells
        .iter()
        .filter_map(|cell| Some(BoxRow { label: &cell.label, style: cell.style, values: &cell.data?.latency }))
        .collect();
    vec![
        ("ccdf", ccdf("One-way latency", &curves(cells)), CCDF_CAPTION),
        ("boxes", boxes("One-way latency", &rows), BOXES_CAPTION),
    ]
}

/// What went over time, of cells that have kept it.
fn over_time_of(cells: &[&Cell<'_>]) -> Vec<Kind> {
    let kept: Vec<(&Cell<'_>, Vec<(String, &Timeline)>)> =
        cells.iter().filter_map(|cell| Some((*cell, timelines(cell)?))).collect();
    if kept.is_empty() {
        return Vec::new();
    }
    let densities: Vec<_> =
        kept.iter().map(|(cell, repeats)| Density { label: &cell.label, style: cell.style, repeats }).collect();
    let traffics: Vec<_> =
        kept.iter().map(|(cell, repeats)| traffic::Traffic { label: &cell.label, style: cell.style, repeats }).collect();
    let pooled: Vec<_> = kept.iter().map(|(cell, repeats)| (*cell, Pooled::of(repeats))).collect();
    let alone = pooled.iter().all(|(cell, _)| cell.style == Style::Floor);
    let panels = pooled.iter().filter(|(cell, _)| alone || cell.style != Style::Floor);
    let panels: Vec<_> = panels
        .map(|(cell, own)| {
            let floor = pooled.iter().find(|(other, _)| Some(other.summary.cell) == cell.summary.floor);
            let floor = floor.map_or(&[][..], |(_, floor)| &floor.received);
            Gaps { label: &cell.label, style: cell.style, sent: &own.sent, received: &own.received, floor }
        })
        .collect();
    vec![
        ("density", density(&densities), DENSITY_CAPTION),
        ("gaps", gaps(timeline::STEP, &panels), GAPS_CAPTION),
        ("traffic", traffic::traffic(&traffics), TRAFFIC_CAPTION),
    ]
}

/// The timelines of a cell's repeats with their names; nothing where none was kept.
fn timelines<'a>(cell: &Cell<'a>) -> Option<Vec<(String, &'a Timeline)>> {
    let mut repeats: Vec<_> = cell.data?.timeline.iter().collect();
    repeats.sort_by_key(|(repeat, _)| *repeat);
    let named: Vec<_> = repeats.into_iter().map(|(repeat, timeline)| (repeat_name(*repeat), timeline)).collect();
    named.iter().any(|(_, timeline)| timeline.column > 0).then_some(named)
}

/// The gaps of all repeats.
struct Pooled {
    sent: Vec<(u64, u64)>,
    received: Vec<(u64, u64)>,
}

impl Pooled {
    fn of(repeats: &[(String, &Timeline)]) -> Self {
        let pool = |gaps: fn(&Timeline) -> &[(u64, u64)]| {
            let mut pooled: BTreeMap<u64, u64> = BTreeMap::new();
            for &(from, count) in repeats.iter().flat_map(|(_, timeline)| gaps(timeline)) {
                *pooled.entry(from).or_default() += count;
            }
            pooled.into_iter().collect()
        };
        Self { sent: pool(|timeline| &timeline.gaps_sent), received: pool(|timeline| &timeline.gaps_received) }
    }
}

const CURVES_CAPTION: &str = "How to read it: at 99.9 % on the horizontal axis, one packet in a thousand took at least as long as the curve \
     is high. Each step to the right is ten times rarer.";
const WORST_CAPTION: &str = "The packets with the greatest latencies, by the time they were sent, each repeat in a colour of its own. Regular \
     stripes come from something periodic, such as a timer; a single cluster from something that happened once.";
const HEAT_CAPTION: &str = "Each field is one configuration, with the instrument’s own floor below its figure. What changes from left to right or from \
     top to bottom is the effect of that factor; what changes along one only is an interaction of both.";
const MULTIPLES_CAPTION: &str = "All configurations to the same scales, dashed and grey the instrument’s own floor. How to read it: at 99.9 %, one packet in \
     a thousand took at least as long as the curve is high.";
const CCDF_CAPTION: &str = "How to read it: at 100 µs on the horizontal axis, the curve is as high as the share of packets that took at least 100 µs. A \
     straight fall is a heavy tail, a cliff a bound, a shelf a second way through the device.";
const BOXES_CAPTION: &str = "Each box holds half of what the one within it leaves out on either side (letter values, Hofmann, Wickham and Kafadar 2017); the \
     middle one holds half of the packets.";
const DENSITY_CAPTION: &str = "All packets, by the time they were sent: the stronger the shade, the more packets had that latency then. A bulk that drifts or \
     jumps within a run says that its percentiles mix two states.";
const GAPS_CAPTION: &str = "How far neighbouring packets lay apart when they were sent and when they came in. A wider curve of what came in means bursts \
     and pauses of the device’s own making, as far as the instrument alone does not show them as well.";
const TRAFFIC_CAPTION: &str = "Packets a second as they were sent and as they came in, a line for each repeat. A dip below what was sent is packets held \
     back or lost.";
const REPEATS_CAPTION: &str = "Each mark is one valid run. Where the repeats of two configurations overlap, their difference is no larger \
     than what one run differs from the next.";
const HOST_CAPTION: &str = "The worst packets again, and beneath them on the same axis of time what came to the packet cores: interrupts from one reading \
     of the kernel’s counters to the next, grey where they belong there, and each turn of a task that does not.";
const LATENESS_CAPTION: &str = "How long after it was due each packet left the generator. A packet that leaves late is the instrument’s fault, never the device’s.";

/// The figures of a kind: those called so, and those numbered from 2 on.
pub(super) fn of_kind<'a>(figures: &'a [Captioned], kind: &'a str) -> impl Iterator<Item = &'a Captioned> {
    let own = move |name: &str| {
        let rest = name.strip_prefix(kind)?;
        let number = rest.strip_prefix('-').unwrap_or("2");
        (rest.is_empty() || rest.starts_with('-')).then(|| number.bytes().all(|digit| digit.is_ascii_digit()))
    };
    figures.iter().filter(move |captioned| own(&captioned.named.name).unwrap_or(false))
}

/// The percentile diagrams, after what shows the sweep as a whole, and the other views of the distributions.
pub(super) fn curves_and_spreads(figures: &[Captioned]) -> Markup {
    let kinds = ["heat", "multiples", "percentiles", "ccdf", "boxes"];
    let content = html! { @for kind in kinds { @for captioned in of_kind(figures, kind) { (page::figure(captioned)) } } };
    page::section_by("tail", "The tail", "percentile", &content)
}

/// Gaps and rates; nothing where no run has kept them.
pub(super) fn traffic(figures: &[Captioned]) -> Markup {
    let kinds = ["gaps", "traffic"];
    if kinds.iter().all(|kind| of_kind(figures, kind).next().is_none()) {
        return html! {};
    }
    let content = html! { @for kind in kinds { @for captioned in of_kind(figures, kind) { (page::figure(captioned)) } } };
    page::section("gaps", "Gaps and rates", &content)
}

fn curves<'a>(cells: &[&'a Cell<'_>]) -> Vec<Curve<'a>> {
    let one = |cell: &&'a Cell<'_>| {
        let values = &cell.data?.latency;
        Some(Curve { label: &cell.label, style: cell.style, values, distribution: Some(&cell.summary.latency) })
    };
    cells.iter().filter_map(one).collect()
}

fn curves_of(cells: &[&Cell<'_>]) -> Figure {
    percentiles::percentiles("One-way latency", &curves(cells))
}

fn worst_of(cells: &[&Cell<'_>]) -> Figure {
    let named: Vec<_> = cells.iter().filter_map(|cell| Some((*cell, worst_packets(cell)?))).collect();
    let series: Vec<_> =
        named.iter().map(|(cell, repeats)| WorstSeries { label: &cell.label, style: cell.style, repeats }).collect();
    worst::worst(&series)
}

/// The worst packets of each repeat of a cell, with its name.
pub(super) fn worst_packets(cell: &Cell<'_>) -> Option<Vec<(String, Vec<WorstPoint>)>> {
    let mut repeats: Vec<_> = cell.data?.worst.iter().collect();
    repeats.sort_by_key(|(repeat, _)| *repeat);
    let mut latencies: Vec<u64> = repeats.iter().flat_map(|(_, points)| points).map(|point| point.latency).collect();
    latencies.sort_unstable_by_key(|latency| Reverse(*latency));
    // of equal ones either all are drawn or none, lest a repeat be favoured
    let least = latencies.get(cell.most_worst).map_or(0, |first_left_out| first_left_out.saturating_add(1));
    let drawn = |points: &[WorstPoint]| points.iter().copied().filter(|point| point.latency >= least).collect();
    Some(repeats.into_iter().map(|(repeat, points)| (repeat_name(*repeat), drawn(points))).collect())
}

/// How far repeats lie apart; nothing where no cell has two.
fn repeats_of(cells: &[&Cell<'_>]) -> Option<Figure> {
    let named: Vec<_> = cells
        .iter()
        .map(|cell| {
            let values = cell.runs.iter().map(|run| {
                let rows = run.latency.percentiles.iter();
                let known = rows.filter_map(|row| Some((row.percentile, row.estimate.value()?))).collect();
                (repeat_name(run.repeat), known)
            });
            (cell, values.collect::<Vec<_>>())
        })
        .collect();
    if named.iter().all(|(_, repeats)| repeats.len() < 2) {
        return None;
    }
    let strips: Vec<_> = named.iter().map(|(cell, repeats)| Strip { label: &cell.label, style: cell.style, repeats }).collect();
    Some(repeats::repeats(&COMPARED, &strips))
}

fn lateness_of(cells: &[&Cell<'_>]) -> Figure {
    let bucketed: Vec<_> =
        cells.iter().filter_map(|cell| Some((cell, histogram::buckets(&cell.data?.lateness, BUCKET)))).collect();
    let histograms: Vec<_> =
        bucketed.iter().map(|(cell, buckets)| Histogram { label: &cell.label, style: cell.style, buckets }).collect();
    histogram::histogram("Lateness of the generator", BUCKET, &histograms)
}
