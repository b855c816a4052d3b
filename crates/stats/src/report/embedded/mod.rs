//! What the script of the page works with: the configurations, their distributions in buckets, and the records of their worst packets.
//!
//! All of it is bounded, however many packets there were: the page stays a file that can be sent by mail.

pub mod buckets;

use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use tailbed_format::packet::PacketRecord;
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{CampaignSummary, Contrast, Distribution, Estimate, RunKind};

use super::cells::Cell;
use super::{contrasts, worst};
use crate::plot::theme::Style;

/// The distributions take at most so many bytes of the page, as far as buckets can be made coarser.
const DISTRIBUTIONS: usize = 1_500_000;

/// So many bytes the records of packets may take at most; one takes some 50.
const RECORDS: usize = 600_000 / 50;

/// The element, to stand anywhere within the body; nothing where no packet came in.
pub(super) fn block(summary: &CampaignSummary, cells: &[Cell<'_>]) -> Markup {
    let values: Vec<&[(u64, u64)]> = cells.iter().map(|cell| cell.data.map_or(&[][..], |data| data.latency.as_slice())).collect();
    if values.iter().all(|values| values.is_empty()) {
        return Markup::default();
    }
    let (bits, buckets) = buckets::within(&values, DISTRIBUTIONS);
    let most = RECORDS / cells.len().max(1);
    let data = Data {
        bits,
        percentiles: Percentile::REPORTED.iter().map(|percentile| (percentile.ppm(), percentile.to_string())).collect(),
        cells: cells.iter().zip(&buckets).map(|(cell, buckets)| CellBlock::of(cell, buckets.text(), most)).collect(),
        contrasts: summary.contrasts.iter().map(ContrastBlock::of).collect(),
    };
    // what a script element holds is not escaped as text is: only its end must not occur in it (HTML, 13.1.2)
    let text = serde_json::to_string(&data).unwrap_or_else(|_| "null".to_owned()).replace('<', "\\u003c");
    html! { script id="embedded" type="application/json" { (PreEscaped(text)) } }
}

#[derive(Serialize)]
struct Data<'a> {
    bits: u32,
    percentiles: Vec<(u32, String)>,
    cells: Vec<CellBlock<'a>>,
    contrasts: Vec<ContrastBlock>,
}

#[derive(Serialize)]
struct CellBlock<'a> {
    cell: usize,
    label: &'a str,
    style: String,
    floor: bool,
    /// Key and value of what was varied.
    values: Vec<(&'a str, &'a str)>,
    count: u64,
    minimum: Option<u64>,
    maximum: Option<u64>,
    /// Value, lower and upper bound of each reported percentile; null where there is none.
    percentiles: Vec<Option<[Option<u64>; 3]>>,
    buckets: String,
    runs: Vec<RunBlock<'a>>,
}

/// The worst packets of a run: sent, latency, flow, number, lateness, latency to user space; ns.
#[derive(Serialize)]
struct RunBlock<'a> {
    repeat: String,
    run: &'a str,
    packets: Vec<[i64; 6]>,
}

#[derive(Serialize)]
struct ContrastBlock {
    base: usize,
    other: usize,
    ppm: u32,
    words: String,
    /// What it is called when both change places.
    reversed: String,
}

impl ContrastBlock {
    fn of(contrast: &Contrast) -> Self {
        Self {
            base: contrast.base,
            other: contrast.other,
            ppm: contrast.percentile.ppm(),
            words: contrasts::words(contrast, contrast.verdict),
            reversed: contrasts::words(contrast, contrasts::reversed(contrast.verdict)),
        }
    }
}

impl<'a> CellBlock<'a> {
    fn of(cell: &'a Cell<'_>, buckets: String, most: usize) -> Self {
        let latency = &cell.summary.latency;
        Self {
            cell: cell.summary.cell,
            label: &cell.label,
            style: if cell.style == Style::Floor { "floor".to_owned() } else { cell.style.class() },
            floor: cell.summary.kind == RunKind::Floor,
            values: cell.summary.parameters.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect(),
            count: latency.count,
            minimum: latency.minimum,
            maximum: latency.maximum,
            percentiles: Percentile::REPORTED.iter().map(|percentile| known(latency, *percentile)).collect(),
            buckets,
            runs: runs(cell, most),
        }
    }
}

fn known(distribution: &Distribution, percentile: Percentile) -> Option<[Option<u64>; 3]> {
    match *distribution.at(percentile)? {
        Estimate::Value { value, low, high } => Some([Some(value), low, high]),
        Estimate::NotEnough { .. } => None,
    }
}

fn runs<'a>(cell: &'a Cell<'_>, most: usize) -> Vec<RunBlock<'a>> {
    let mut runs: Vec<RunBlock<'a>> = Vec::new();
    for (repeat, run, record) in worst::greatest(cell, most) {
        let Some(packet) = packet(record) else { continue };
        let repeat = worst::repeat_name(repeat);
        match runs.iter_mut().find(|known| known.repeat == repeat) {
            Some(known) => known.packets.push(packet),
            None => runs.push(RunBlock { repeat, run, packets: vec![packet] }),
        }
    }
    runs
}

fn packet(record: &PacketRecord) -> Option<[i64; 6]> {
    let departure = &record.departure;
    let number = i64::try_from(departure.sequence).unwrap_or(i64::MAX);
    let lateness = departure.sent - departure.due;
    Some([departure.sent, record.latency()?, i64::from(departure.flow), number, lateness, record.latency_to_user()?])
}
