//! What links in shared memory take of the host.

use crate::plan::Run;
use crate::step::Step;

/// A row for each: its name on the host, its rings, the memory it takes.
pub(super) fn table(run: &Run) -> Vec<[String; 3]> {
    let links = run.steps.iter().filter_map(|step| match step {
        Step::MakeMemory(link) => Some(link),
        _ => None,
    });
    let row = |link: &crate::step::MemoryLink| {
        let rings = format!("two rings of {} slots of {} bytes", link.geometry.slots, link.geometry.slot);
        let place = if link.hugepages { "huge pages" } else { "memory" };
        let name = link.id.rsplit('-').next().unwrap_or(&link.id).trim_end_matches(".memory").to_owned();
        [name, rings, format!("{} KiB of {place}", link.memory() >> 10)]
    };
    links.map(row).collect()
}
