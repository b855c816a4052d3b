//! What is asked of the host's knobs.

use crate::plan::Run;

/// Each knob with what is asked for and what the host says now; empty where the host is left as it is.
pub(super) fn table(run: &Run) -> Vec<[String; 3]> {
    if run.knobs.profile.is_empty() || run.knobs.is_stock() {
        return Vec::new();
    }
    let row = |knob: &crate::knob::KnobPlan| {
        let now = knob.now.as_ref().map_or_else(String::new, |now| format!("now {now}"));
        let wanted = if knob.left.is_some() { "left alone".to_owned() } else { knob.wanted.clone() };
        [knob.knob.clone(), wanted, now]
    };
    run.knobs.knobs.iter().map(row).collect()
}

/// What stands above the table.
pub(super) fn title(run: &Run) -> String {
    format!("Knobs of the profile {}", run.knobs.profile)
}
