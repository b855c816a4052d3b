//! How much memory in huge pages a container may have.

use tailbed_format::unit::Bytes;

use super::Place;
use crate::experiment::HugePages;
use crate::step::HugePageLimit;
use crate::text::error::Fault;

/// Each limit is a whole number of pages, at least one.
pub(super) fn limits(settings: &HugePages, place: &Place<'_>) -> Result<Vec<HugePageLimit>, Fault> {
    settings.0.iter().map(|(&Bytes(page), &Bytes(limit))| one(page, limit, place)).collect()
}

fn one(page: u64, limit: u64, place: &Place<'_>) -> Result<HugePageLimit, Fault> {
    let fault = |what: String, label: &str| {
        place.fault("hugepages", what, label).help("write it like hugepages = \"512MiB\", or hugepages = { \"1GiB\" = \"2GiB\" }")
    };
    // a page table holds 512 entries of 4 KiB, each level above 512 of those (x86-64), and pages of other processors are powers of two too
    if !page.is_power_of_two() || page < 1 << 13 {
        return Err(fault(format!("there are no huge pages of {}", Bytes(page)), "usual sizes are 2MiB and 1GiB"));
    }
    if limit == 0 || !limit.is_multiple_of(page) {
        let what = format!("{} is no whole number of pages of {}", Bytes(limit), Bytes(page));
        return Err(fault(what, "a multiple of the page is wanted"));
    }
    Ok(HugePageLimit { page, limit })
}
