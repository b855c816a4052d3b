//! What is compared of each repeat: a percentile or the greatest latency.

use tailbed_format::percentile::Percentile;
use tailbed_format::summary::RunSummary;

use crate::compare::gate::Measure;

/// Those compared when none is named: every table's percentiles but the 90th, and the maximum.
pub fn usual() -> Vec<Measure> {
    let percentiles = Percentile::REPORTED.into_iter().filter(|percentile| percentile.ppm() != 900_000);
    percentiles.map(Measure::At).chain([Measure::Maximum]).collect()
}

/// `p99.9,max`: measures by name.
///
/// # Errors
/// Which name is none, and which there are.
pub fn parse(text: &str) -> Result<Vec<Measure>, String> {
    let one = |name: &str| {
        let known = Percentile::REPORTED.into_iter().find(|percentile| percentile.to_string() == name).map(Measure::At);
        known.or((name == "max").then_some(Measure::Maximum)).ok_or_else(|| {
            let names: Vec<String> = Percentile::REPORTED.iter().map(ToString::to_string).collect();
            format!("`{name}` is none of {} and max", names.join(", "))
        })
    };
    text.split(',').map(|name| one(name.trim())).collect()
}

/// `p99.9`, `maximum`.
pub fn name(measure: Measure) -> String {
    match measure {
        Measure::At(percentile) => percentile.to_string(),
        Measure::Maximum => "maximum".to_owned(),
        Measure::Loss => "loss".to_owned(),
    }
}

/// What a repeat gives, ns; `None` where it has too few packets for that.
pub fn value(measure: Measure, run: &RunSummary) -> Option<f64> {
    let ns = match measure {
        Measure::At(percentile) => run.latency.at(percentile)?.value(),
        Measure::Maximum => run.latency.maximum,
        Measure::Loss => None,
    };
    ns.map(|ns| ns as f64)
}
