//! How closely the host is watched, within what can be done.

use crate::experiment;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// More readings a second than this would be one after the other on a large host, where one takes most of a millisecond.
const HIGHEST: u32 = 1_000;

/// What is recorded of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Readings a second; `None` when that depends on where the reader can run.
    pub(crate) rate: Option<u32>,
    /// Whether changes of task are noted; `None` when that depends on what is measured.
    pub(crate) switches: Option<bool>,
}

/// Checks `[proof]`.
pub(super) fn of(settings: &experiment::Proof, tree: &Table<'_>) -> Result<Proof, Fault> {
    let experiment::Proof { rate, switches } = *settings;
    match rate {
        Some(too_high) if too_high > HIGHEST => Err(Fault::file(format!("the host cannot be read {too_high} times a second"))
            .at(tree::span(tree, &["proof", "rate"]), format!("at most {HIGHEST}"))
            .help(
                "1 shows what comes and goes over seconds, 100 what happens around a late packet; 0 reads before and after alone",
            )),
        rate => Ok(Proof { rate, switches }),
    }
}
