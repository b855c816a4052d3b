//! Every plot with any data: the drawing is well-formed, keeps the contract with scripts, and its texts lie within it and beside each other.

use proptest::prelude::*;
use roxmltree::{Document, Node};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Distribution, Estimate, PercentileRow};

use super::Figure;
use super::boxes::{BoxRow, boxes};
use super::ccdf::ccdf;
use super::density::{Density, density};
use super::gaps::{Gaps, gaps};
use super::heat::{Field, Map, heat};
use super::histogram::{Histogram, histogram};
use super::multiples::{Panel, multiples};
use super::percentiles::{Curve, percentiles};
use super::repeats::{Strip, repeats};
use super::svg::text_width;
use super::theme::Style;
use super::traffic::{Traffic, traffic};
use super::worst::{WorstPoint, WorstSeries, worst};
use crate::timeline::Timeline;

/// A text and the box it fills: left, right, top, bottom.
type Placed = (String, f64, f64, f64, f64);

fn number(node: &Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} of {node:?}"))
}

fn texts(document: &Document<'_>) -> Vec<Placed> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts
        .map(|node| {
            let text = node.text().unwrap_or_default().to_owned();
            let size = if node.attribute("class").is_some_and(|class| class.contains("small")) { 11.5 } else { 13.0 };
            // the estimate is rounded up; what touches by less is a matter of the reader's face
            let (x, y, width) = (number(&node, "x"), number(&node, "y"), text_width(&text, size) * 0.94);
            let left = match node.attribute("text-anchor") {
                Some("middle") => x - width / 2.0,
                Some("end") => x - width,
                _ => x,
            };
            (text, left, left + width, y - size * 0.72, y + size * 0.2)
        })
        .collect()
}

/// Everything that holds of any drawing.
pub(crate) fn examine(figure: &Figure) {
    let svg = figure.standalone();
    let document = Document::parse(&svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
    let root = document.root_element();
    assert!(root.attribute("data-plot").is_some());
    let view: Vec<f64> = root.attribute("viewBox").unwrap().split(' ').map(|text| text.parse().unwrap()).collect();
    for node in document.descendants().filter(Node::is_element) {
        for attribute in
            node.attributes().filter(|attribute| !["aria-label", "data-series", "data-panel"].contains(&attribute.name()))
        {
            assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"), "{attribute:?}");
        }
        if let Some(area) = node.attribute("data-area") {
            let area: Vec<f64> = area.split(' ').map(|text| text.parse().unwrap()).collect();
            assert!(area[0] < area[1] && area[2] < area[3] && area[1] <= view[2] && area[3] <= view[3], "{area:?}");
            for name in ["data-x", "data-y"] {
                let axis: Vec<_> = node.attribute(name).unwrap().split(' ').collect();
                assert!(["linear", "log", "tail"].contains(&axis[0]), "{axis:?}");
                assert!(["ns", "s", "packets", "pps", "share", "one-in", "none"].contains(&axis[3]), "{axis:?}");
                assert!(axis[1].parse::<f64>().unwrap() < axis[2].parse::<f64>().unwrap(), "{axis:?}");
            }
        }
        if let Some(at) = node.attribute("data-at") {
            assert_eq!(at.split(' ').filter(|value| value.parse::<f64>().is_ok()).count(), 2, "{at}");
            assert!(node.children().any(|child| child.has_tag_name("title")));
            assert!(
                node.ancestors().any(|above| above.attribute("data-series").is_some() || above.attribute("data-panel").is_some())
            );
        }
    }
    let texts = texts(&document);
    for (index, one) in texts.iter().enumerate() {
        assert!(one.1 >= -1.0 && one.2 <= view[2] + 1.0 && one.3 >= 0.0 && one.4 <= view[3], "cut: {one:?} in {view:?}");
        for other in &texts[..index] {
            let apart = one.2 <= other.1 || other.2 <= one.1 || one.4 <= other.3 || other.4 <= one.3;
            assert!(apart, "{one:?} over {other:?}");
        }
    }
    assert!(figure.csv().lines().count() >= 1 && !figure.csv().contains("NaN"));
}

fn values() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let value = prop_oneof![0u64..3, 500u64..3_000, 0u64..10_000_000_000, Just(u64::MAX / 4)];
    proptest::collection::btree_map(value, 0u64..100_000, 0..40).prop_map(|values| values.into_iter().collect())
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![Just("host".to_owned()), Just("container, 100kpps".to_owned()), "[a-zµ ]{0,60}"]
}

fn cells<T: std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<(String, T)>> {
    proptest::collection::vec((label(), one), 0..14)
}

fn style(place: usize) -> Style {
    if place == 0 { Style::Floor } else { Style::Series(place - 1) }
}

fn distribution(values: &[(u64, u64)]) -> Distribution {
    let estimate = |index: usize| match values.get(index) {
        Some(&(value, count)) => Estimate::Value {
            value,
            low: (count % 3 > 0).then_some(value / 2),
            high: (count % 5 > 0).then_some(value.saturating_mul(2)),
        },
        None => Estimate::NotEnough { needed: 1_000 },
    };
    let rows = Percentile::REPORTED.into_iter().enumerate();
    let percentiles = rows.map(|(index, percentile)| PercentileRow { percentile, estimate: estimate(index) }).collect();
    Distribution { count: 0, minimum: None, maximum: None, mean: None, percentiles }
}

fn timeline() -> impl Strategy<Value = Timeline> {
    let bands = proptest::collection::btree_map((0u32..256, 0u32..440), 1u64..10_000_000, 0..60);
    (16u32..44, proptest::collection::vec((0u64..1_000_000, 0u64..1_000_000), 0..257), bands, values(), values()).prop_map(
        |(length, counts, bands, gaps_sent, gaps_received)| Timeline {
            column: if counts.is_empty() { 0 } else { 1 << length },
            sent: counts.iter().map(|(sent, _)| *sent).collect(),
            received: counts.iter().map(|(_, received)| *received).collect(),
            latency: bands
                .into_iter()
                .filter(|((at, _), _)| (*at as usize) < counts.len())
                .map(|((at, band), n)| (at, band, n))
                .collect(),
            gaps_sent,
            gaps_received,
        },
    )
}

fn points() -> impl Strategy<Value = Vec<WorstPoint>> {
    let point = (0i64..100_000_000_000, 0u64..10_000_000_000).prop_map(|(at, latency)| WorstPoint { at, latency });
    proptest::collection::vec(point, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn distributions(cells in cells(values())) {
        let reported: Vec<_> = cells.iter().map(|(_, values)| distribution(values)).collect();
        let curves: Vec<_> = cells
            .iter()
            .zip(&reported)
            .enumerate()
            .map(|(place, ((label, values), reported))| Curve { label, style: style(place), values, distribution: Some(reported) })
            .collect();
        examine(&percentiles("Latency", &curves));
        examine(&ccdf("Latency", &curves));
        let rows: Vec<_> = curves.iter().map(|curve| BoxRow { label: curve.label, style: curve.style, values: curve.values }).collect();
        examine(&boxes("Latency", &rows));
        let histograms: Vec<_> =
            curves.iter().map(|curve| Histogram { label: curve.label, style: curve.style, buckets: curve.values }).collect();
        examine(&histogram("Latency", 100, &histograms));
        let legend: Vec<_> = curves.iter().map(|curve| (curve.style, curve.label.to_owned())).collect();
        let panels: Vec<_> = curves.chunks(3).map(|curves| Panel { title: curves[0].label.to_owned(), curves: curves.to_vec() }).collect();
        examine(&multiples("Latency", &legend, &panels));
    }

    #[test]
    fn timelines(cells in cells(proptest::collection::vec(timeline(), 0..6))) {
        let named: Vec<_> = cells
            .iter()
            .map(|(label, timelines)| {
                let repeats = timelines.iter().enumerate().map(|(n, timeline)| (format!("repeat {}", n + 1), timeline));
                (label.clone(), repeats.collect::<Vec<(String, &Timeline)>>())
            })
            .collect();
        let all = || named.iter().enumerate();
        let densities: Vec<_> = all().map(|(n, (label, repeats))| Density { label, style: style(n), repeats }).collect();
        examine(&density(&densities));
        let traffics: Vec<_> = all().map(|(n, (label, repeats))| Traffic { label, style: style(n), repeats }).collect();
        examine(&traffic(&traffics));
        let firsts = cells.iter().enumerate().filter_map(|(n, (label, timelines))| Some((n, label, timelines.first()?)));
        let panels: Vec<_> = firsts
            .map(|(n, label, timeline)| Gaps {
                label,
                style: style(n),
                sent: &timeline.gaps_sent,
                received: &timeline.gaps_received,
                floor: &timeline.gaps_sent,
            })
            .collect();
        examine(&gaps(100, &panels));
    }

    #[test]
    fn repeats_and_worst(cells in cells(proptest::collection::vec(points(), 0..25))) {
        let named: Vec<_> = cells
            .into_iter()
            .map(|(label, runs)| {
                let repeats = runs.into_iter().enumerate().map(|(n, run)| (format!("repeat {}", n + 1), run));
                (label, repeats.collect::<Vec<(String, Vec<WorstPoint>)>>())
            })
            .collect();
        let series: Vec<_> =
            named.iter().enumerate().map(|(n, (label, repeats))| WorstSeries { label, style: style(n), repeats }).collect();
        examine(&worst(&series));
        let shown = [Percentile::REPORTED[0], Percentile::REPORTED[2], Percentile::REPORTED[3]];
        let known = |points: &[WorstPoint]| shown.into_iter().zip(points.iter().map(|point| point.latency)).collect::<Vec<_>>();
        let runs: Vec<Vec<_>> = named
            .iter()
            .map(|(_, repeats)| repeats.iter().map(|(name, points)| (name.clone(), known(points))).collect())
            .collect();
        let strips: Vec<_> = named
            .iter()
            .zip(&runs)
            .enumerate()
            .map(|(n, ((label, _), repeats))| Strip { label, style: style(n), repeats })
            .collect();
        examine(&repeats(&shown, &strips));
    }

    #[test]
    fn maps(
        across in proptest::collection::vec(label(), 1..12),
        down in proptest::collection::vec(label(), 1..8),
        fields in proptest::collection::vec(proptest::option::of((proptest::option::of(any::<u64>()), proptest::option::of(any::<u64>()))), 96)
    ) {
        let field = |at: usize| fields[at].map(|(value, floor)| Field { value, floor });
        let rows = (0..down.len()).map(|row| (0..across.len()).map(|column| field(row * 12 + column)).collect()).collect();
        let map = Map {
            title: "p99.9 of one-way latency".to_owned(),
            across: ("traffic.rate".to_owned(), across),
            down: ("nodes.dut.environment".to_owned(), down),
            fields: rows,
        };
        examine(&heat(&[map.clone(), map]));
    }
}
