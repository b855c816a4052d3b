//! Huge pages in reserve.

use std::collections::BTreeMap;

use tailbed_format::unit::Bytes;

use crate::knob::means::{Means, setting};
use crate::knob::{About, Accepts, Knob, Manner, Place};
use crate::step::Form;

pub(super) const KNOB: Knob = Knob {
    name: "hugepages",
    unit: "pages of a size",
    what: "Keeps at least so many huge pages of a size in reserve, on each NUMA node of the cores for packets; of more that are there none is given away.",
    why: "Memory of huge pages takes fewer entries of the TLB, and is neither swapped nor moved; while a run is under way the kernel may not \
          find as much in one piece.",
    source: "Documentation/admin-guide/mm/hugetlbpage.rst",
    about: About::MemoryNodes,
    accepts: Accepts::Pages,
    standard: "64 x 2MiB",
    files: &["/sys/devices/system/node/node*/hugepages/*/nr_hugepages", "/sys/devices/system/node/node*/cpulist"],
    form: Form::Text,
    manner: Manner {
        read: "from the file of each node and size",
        set: "by writing the file, where it says less; the pages that containers of the run may have (`hugepages`) are added to the number, since they lie in the same pool",
        verified: "read back: the kernel takes fewer than it is asked for where it finds no more memory in one piece, which is refused",
        undone: "the number found before is written back, unless somebody else has changed it since; pages in use go when they are free",
    },
    plan,
};

/// Numbers of pages and the size of each in KiB, of a text like `512 x 2MiB, 4 x 1GiB`.
pub(in crate::knob) fn parse(value: &str) -> Option<Vec<(u32, u64)>> {
    let part = |part: &str| {
        let (count, size) = part.split_once('x')?;
        let kib = ["KiB", "MiB", "GiB"].iter().zip([1, 1 << 10, 1 << 20]).find_map(|(unit, kib)| {
            let number: u64 = size.trim().strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(kib)
        });
        Some((count.trim().parse().ok()?, kib.filter(|kib| *kib > 0)?))
    };
    value.split(',').map(part).collect()
}

/// The file of each pool, with how many pages of what size (KiB) it is to have at least, and its node.
///
/// # Errors
/// Why there is no pool to keep any in: a clause.
fn pools(value: &str, place: &Place<'_>) -> Result<Vec<(String, u32, u64, usize)>, String> {
    let wanted = parse(value).ok_or_else(|| format!("{value} says no number of pages and size"))?;
    place.cores()?;
    let nodes = place.memory_nodes();
    if nodes.is_empty() {
        return Err("the kernel tells no NUMA node of the cores for packets (/sys/devices/system/node)".to_owned());
    }
    let file = |node: usize, kib: u64| format!("/sys/devices/system/node/node{node}/hugepages/hugepages-{kib}kB/nr_hugepages");
    let of_node = |node: usize| wanted.iter().map(move |(count, kib)| (file(node, *kib), *count, *kib, node));
    Ok(nodes.into_iter().flat_map(of_node).collect())
}

/// How many pages are kept in each pool, by its file: others that lie there are to be there besides.
pub(in crate::knob) fn kept(value: &str, place: &Place<'_>) -> BTreeMap<String, u64> {
    let pools = pools(value, place).unwrap_or_default();
    pools.into_iter().map(|(file, count, ..)| (file, u64::from(count))).collect()
}

fn plan(knob: &Knob, value: &str, place: &Place<'_>) -> Result<Means, String> {
    let mut all = Means::default();
    for (file, count, kib, node) in pools(value, place)? {
        // a smaller number would take pages from whoever has set them aside, for a program that is yet to start; what is there already is
        // not written, and must hold as well
        let (asked, found) = (u64::from(count), place.settings().text(&file).and_then(|text| text.trim().parse::<u64>().ok()));
        let enough = found.filter(|found| *found >= asked);
        all.remarks
            .extend(enough.map(|found| format!("node {node} has {found} of {} already, and keeps them", Bytes(kib << 10))));
        let value = enough.unwrap_or(asked).to_string();
        let setting = setting(knob.name, file, knob.form, value, "huge pages in reserve");
        let Means { steps, remarks } = Means::write(setting, place.settings())?;
        all.steps.extend(steps);
        all.remarks.extend(remarks);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_are_read() {
        assert_eq!(parse("512 x 2MiB, 4x1 GiB"), Some(vec![(512, 2048), (4, 1 << 20)]));
        for wrong in ["", "512", "x 2MiB", "5 x 2MB", "5 x 0MiB", "-1 x 2MiB", "1 x 99999999999999999999GiB"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
