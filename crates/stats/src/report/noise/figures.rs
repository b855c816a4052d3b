//! The plots of a campaign of noise tests.

use tailbed_format::noise::{NoiseCell, NoisePooled};

use super::{NoiseInput, name, of_kind};
use crate::noise::{RecordedNoise, values};
use crate::plot::histogram::{Histogram, buckets, histogram_of};
use crate::plot::percentiles::{Curve, percentiles_of};
use crate::plot::theme::Style;
use crate::plot::worst::{Words, WorstPoint, WorstSeries, worst_of};
use crate::report::NamedFigure;
use crate::report::figures::Captioned;

const WAKE_UPS: Words<'static> = Words {
    first: "The latest wake-ups of each run by when they were due.",
    things: "wake-ups",
    time: "Time since the test began",
};
const GAPS: Words<'static> =
    Words { first: "The longest gaps of each run by when they began.", things: "gaps", time: "Time since the core's test began" };

/// Width of a bucket, ns.
const BUCKET: u64 = 100;

/// For each kind of test that was made the percentile diagram, the histogram and the worst over time.
pub(super) fn figures(input: &NoiseInput<'_>) -> Vec<Captioned> {
    let mut figures = Vec::new();
    for (kind, words, capitalised, what) in [("timer", WAKE_UPS, "Wake-ups", "Lateness"), ("gaps", GAPS, "Gaps", "Length")] {
        let cells: Vec<Drawn<'_>> =
            of_kind(input.summary, kind).map(|(place, cell, pooled)| drawn(input, place, cell, pooled)).collect();
        if cells.is_empty() {
            continue;
        }
        let curves: Vec<Curve<'_>> = cells
            .iter()
            .map(|cell| Curve {
                label: &cell.label,
                style: cell.style,
                values: &cell.values,
                distribution: Some(&cell.pooled.all.distribution),
            })
            .collect();
        let bucketed: Vec<_> = cells.iter().map(|cell| buckets(&cell.values, BUCKET)).collect();
        let histograms: Vec<Histogram<'_>> = cells
            .iter()
            .zip(&bucketed)
            .map(|(cell, buckets)| Histogram { label: &cell.label, style: cell.style, buckets })
            .collect();
        let series: Vec<WorstSeries<'_>> =
            cells.iter().map(|cell| WorstSeries { label: &cell.label, style: cell.style, repeats: &cell.worst }).collect();
        let all = [
            (
                kind.to_owned(),
                percentiles_of(words.things, what, &curves),
                format!(
                    "How to read it: at p99.9 on the horizontal axis, one in a thousand {} was at least as long as the curve is high.",
                    words.things
                ),
            ),
            (
                format!("{kind}-histogram"),
                histogram_of(capitalised, what, BUCKET, &histograms),
                "How many came in each tenth of a microsecond, on a logarithmic axis: a single one beside many thousands is what one looks for."
                    .to_owned(),
            ),
            (
                format!("{kind}-over-time"),
                worst_of(&words, &series),
                format!(
                    "The longest {} of each core and repeat, by their time. Regular stripes come from something periodic, such as the tick; a single cluster from something that happened once.",
                    words.things
                ),
            ),
        ];
        figures.extend(all.map(|(name, figure, caption)| Captioned {
            named: NamedFigure { name, figure },
            heading: None,
            caption,
        }));
    }
    figures
}

/// A cell as it is drawn.
struct Drawn<'a> {
    label: String,
    style: Style,
    values: Vec<(u64, u64)>,
    worst: Vec<(String, Vec<WorstPoint>)>,
    pooled: &'a NoisePooled,
}

fn drawn<'a>(input: &NoiseInput<'_>, place: usize, cell: &NoiseCell, pooled: &'a NoisePooled) -> Drawn<'a> {
    let own = input.runs.iter().filter(|recorded| recorded.run.cell == cell.cell && recorded.run.is_valid());
    let points = |recorded: &RecordedNoise| {
        let cores = recorded.records.iter().filter(|record| record.test == pooled.test).flat_map(|record| &record.cores);
        cores.flat_map(|core| &core.worst).map(|gap| WorstPoint { at: gap.at, latency: gap.length }).collect()
    };
    let mut worst: Vec<(u32, Vec<WorstPoint>)> = own.map(|recorded| (recorded.run.repeat, points(recorded))).collect();
    worst.sort_by_key(|(repeat, _)| *repeat);
    Drawn {
        label: name(input.summary, cell),
        style: Style::Series(place),
        values: values(cell.cell, &pooled.test, input.runs),
        worst: worst.into_iter().map(|(repeat, points)| (format!("repeat {}", repeat + 1), points)).collect(),
        pooled,
    }
}
