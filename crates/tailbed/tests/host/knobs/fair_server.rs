//! Time that is kept for ordinary tasks: a file of debugfs, which is seldom mounted.

use super::{record, with_mounts};
use crate::support::{lab, results, traces};

/// A mount namespace of its own has debugfs for as long as the run.
#[test]
fn time_for_ordinary_tasks_is_taken_from_packet_cores_where_debugfs_is_mounted() {
    let Some(lab) = lab() else { return };
    lab.experiment("host", "50ms", "");
    let before = traces();
    let output = with_mounts(&lab, "mount -t debugfs none /sys/kernel/debug", "--json --set knobs.fair_server=1000000");
    assert_eq!(traces(), before);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(3) {
        let reason = said.lines().find(|line| line.contains("the knob `fair_server` cannot be 1000000 here"));
        println!("skipped: {}", reason.unwrap_or_else(|| panic!("refused without a reason: {said}")));
        return;
    }
    let results = results(&output);
    let readings = record(&results, "fair_server")["readings"].as_array().unwrap().clone();
    assert!(!readings.is_empty());
    // and it is put back: the next run finds what this one found
    let again = with_mounts(&lab, "mount -t debugfs none /sys/kernel/debug", "--json --set knobs.fair_server=1000000");
    let again = crate::support::results(&again);
    let found = |results: &serde_json::Value| record(results, "fair_server")["readings"][0]["before"].clone();
    assert_eq!(found(&again), found(&results));
}
