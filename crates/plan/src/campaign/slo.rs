//! What is to be said of deadlines before anything is measured.

use tailbed_format::unit::Time;

use super::cells::Planned;
use crate::setup::slo::{packets, too_few};

/// A note for each deadline that the planned packets cannot show to be held, even if none is late; the combination with the fewest is named
/// by its number of packets.
pub(super) fn notes(measured: &[Planned], repeats: u32) -> Vec<String> {
    let Some(first) = measured.first() else { return Vec::new() };
    let note = |(number, slo): (usize, &tailbed_format::slo::Slo)| {
        let planned = measured.iter().filter_map(|cell| Some(packets(cell.setup.slos.get(number)?, cell.setup.load()?)));
        // of a replay it is not known yet how many packets it has
        let fewest = planned.min().filter(|packets| *packets > 0)?.saturating_mul(u64::from(repeats));
        let needed = too_few(slo, fewest)?;
        let percentile = slo.percentile.to_string();
        Some(format!(
            "whether {}% stay below {} cannot be shown here: it takes {needed} packets of which none is late, and all repeats together send \
             {fewest}",
            percentile.trim_start_matches('p'),
            Time(slo.below)
        ))
    };
    first.setup.slos.iter().enumerate().filter_map(note).collect()
}
