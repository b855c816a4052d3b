//! Stamps of network cards: had, or refused in the words of the driver.

use crate::support::{lab, traces};

/// The links that are made here have no card: each driver says itself that it stamps in software alone.
#[test]
fn stamps_that_no_card_takes_are_refused_and_everything_is_taken_back() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("container", "200ms", "[capture]\nstamps = \"hardware\"");
    let output = lab.run(&["run", "experiment.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("cannot stamp frames in hardware: its driver says "), "{said}");
    assert!(said.contains("software-receive") && said.contains("and no clock of its own"), "{said}");
    assert_eq!(traces(), before);
    let plan = lab.run(&["plan", "experiment.toml", "--steps"]);
    let steps = String::from_utf8_lossy(&plan.stdout);
    assert!(steps.contains("hwstamp_ctl -i rx -r 1") && steps.contains("hwstamp_ctl -i rx -r $BEFORE"), "{steps}");
}
