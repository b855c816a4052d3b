//! What packets are held against.

use tailbed_format::unit::Time;

use crate::plan::Plan;

/// A line per deadline.
pub(super) fn table(plan: &Plan) -> Vec<[String; 2]> {
    let row = |slo: &tailbed_format::slo::Slo| {
        let percentile = slo.percentile.to_string();
        [slo.subject.to_string(), format!("{}% below {}", percentile.trim_start_matches('p'), Time(slo.below))]
    };
    plan.slos.iter().map(row).collect()
}
