//! How steady a campaign was, in words.

use tailbed_format::course::{CampaignDrift, Modes};
use tailbed_format::rounded::time;
use tailbed_format::summary::CampaignSummary;

use crate::report::label;

/// One line that names what did not stand still; `None` where all did.
pub fn sentence(summary: &CampaignSummary) -> Option<String> {
    let courses: Vec<_> = summary.runs.iter().filter(|run| run.is_valid()).filter_map(|run| run.course.as_ref()).collect();
    let mut parts: Vec<String> = summary.drift.iter().map(campaign_drift).collect();
    for cell in &summary.cells {
        if let Some(found) = cell.repeats.as_ref().and_then(|repeats| repeats.modes.as_ref()) {
            let label = Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| summary.name.clone());
            parts.push(format!("{label}: {}", modes(found)));
        }
    }
    let count = |number: usize, one: &str, many: &str| match number {
        0 => None,
        1 => Some(format!("1 of {} runs {one}", courses.len())),
        _ => Some(format!("{number} of {} runs {many}", courses.len())),
    };
    let warming = courses.iter().filter(|course| course.warm_up.is_some()).count();
    let drifting = courses.iter().filter(|course| !course.drift.is_empty()).count();
    parts.extend(count(warming, "begins unlike it goes on", "begin unlike they go on"));
    parts.extend(count(drifting, "drifts", "drift"));
    (!parts.is_empty()).then(|| format!("not steady: {}", parts.join("; ")))
}

/// A drift of the campaign: `from the first repeat to the last, p50 rises by 12 % (median over 3 configurations)`.
pub fn campaign_drift(drift: &CampaignDrift) -> String {
    let way = if drift.change > 0.0 { "rises" } else { "falls" };
    let over = if drift.cells == 1 { String::new() } else { format!(" (median over {} configurations)", drift.cells) };
    format!("from the first repeat to the last, {} {way} by {}{over}", drift.percentile, percent(drift.change.abs()))
}

/// Runs of two kinds: `2 of 5 runs are of another kind, with p99 at 14.2 µs instead of 10.1 µs (+41 %)`.
pub fn modes(modes: &Modes) -> String {
    let at = |values: &[(_, u64)]| values.iter().find(|(percentile, _)| *percentile == modes.percentile).map_or(0, |(_, ns)| *ns);
    let (fast, slow) = (at(&modes.fast.values), at(&modes.slow.values));
    let all = modes.fast.runs.len() + modes.slow.runs.len();
    let more = if fast > 0 { format!(" (+{})", percent(slow as f64 / fast as f64 - 1.0)) } else { String::new() };
    let are = if modes.slow.runs.len() == 1 { "runs is" } else { "runs are" };
    format!(
        "{} of {all} {are} of another kind, with {} at {} instead of {}{more}",
        modes.slow.runs.len(),
        modes.percentile,
        time(slow),
        time(fast)
    )
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 { format!("{percent:.1}\u{a0}%") } else { format!("{percent:.0}\u{a0}%") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::course::Mode;
    use tailbed_format::percentile::Percentile;

    #[test]
    fn kinds_of_runs_are_named_with_their_size() {
        let mode = |runs: &[&str], ns| Mode {
            runs: runs.iter().map(|run| (*run).to_owned()).collect(),
            values: vec![(Percentile::REPORTED[0], ns)],
        };
        let found = Modes {
            percentile: Percentile::REPORTED[0],
            chance: 0.001,
            fast: mode(&["a", "b"], 10_000),
            slow: mode(&["c"], 14_000),
        };
        assert_eq!(
            modes(&found).replace('\u{a0}', " "),
            "1 of 3 runs is of another kind, with p50 at 14.0 µs instead of 10.0 µs (+40 %)"
        );
        let drift = CampaignDrift { percentile: Percentile::REPORTED[2], change: -0.034, cells: 2, repeats: 8, chance: 0.001 };
        let text = campaign_drift(&drift).replace('\u{a0}', " ");
        assert_eq!(text, "from the first repeat to the last, p99 falls by 3.4 % (median over 2 configurations)");
    }
}
