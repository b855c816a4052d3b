//! Sets of CPUs, as the kernel writes them: lists (`0-3,8`) and masks (`ff,00000000`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// CPUs, in the kernel's numbering.
pub type Cpus = BTreeSet<usize>;

/// One more than the highest number taken for a CPU, a NUMA node or an interrupt: 8192 is the most CPUs that x86 kernels are built for
/// (`NR_CPUS_RANGE_END` in arch/x86/Kconfig); what lies beyond is no list of a kernel's.
pub const MOST: usize = 8192;

/// Reads a list (cpuset(7), "List format"): numbers and ranges with commas between, a range perhaps with a stride (`0-10:2/4`, the first 2
/// of each 4). `None` when it is something else or reaches [`MOST`]; the empty list is the empty set.
pub fn parse_list(text: &str) -> Option<Cpus> {
    parse(text, None)
}

/// Reads a list of the kernel's command line, which may say `N` for the last CPU and `all` for every one (`8-N`, `all:1/2`;
/// Documentation/admin-guide/kernel-parameters.rst, "cpu lists"). `last` is the number of that CPU.
pub fn parse_boot_list(text: &str, last: usize) -> Option<Cpus> {
    parse(text, Some(last))
}

fn parse(text: &str, last_cpu: Option<usize>) -> Option<Cpus> {
    let number = |text: &str| match (text.trim(), last_cpu) {
        ("N", Some(last)) => Some(last),
        (text, _) => text.parse::<usize>().ok(),
    };
    let mut cpus = Cpus::new();
    for part in text.trim().split(',').filter(|part| !part.trim().is_empty()) {
        let (range, stride) = part.split_once(':').map_or((part, None), |(range, stride)| (range, Some(stride)));
        let (first, last) = match last_cpu {
            Some(last) if range.trim().eq_ignore_ascii_case("all") => (0, last),
            _ => {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                (number(first)?, number(last)?)
            }
        };
        let (used, group): (usize, usize) = match stride {
            None => (1, 1),
            Some(stride) => stride.split_once('/').and_then(|(used, group)| Some((used.parse().ok()?, group.parse().ok()?)))?,
        };
        if first > last || last >= MOST || group == 0 {
            return None;
        }
        cpus.extend((first..=last).filter(|cpu| (cpu - first) % group < used));
    }
    Some(cpus)
}

/// Reads a mask (cpuset(7), "Mask format"): words of 32 bits in hexadecimal, the highest first, commas between. `None` when it is
/// something else or sets a bit from [`MOST`] on.
pub fn parse_mask(text: &str) -> Option<Cpus> {
    let mut cpus = Cpus::new();
    for (place, word) in text.trim().split(',').rev().enumerate() {
        let bits = u32::from_str_radix(word.trim(), 16).ok()?;
        cpus.extend((0..32).filter(|bit| bits & (1 << bit) != 0).map(|bit| place.saturating_mul(32).saturating_add(bit)));
        if cpus.last().is_some_and(|last| *last >= MOST) {
            return None;
        }
    }
    Some(cpus)
}

/// Writes a list: `0-3,8`; empty for the empty set.
pub fn list(cpus: &Cpus) -> String {
    let mut text = String::new();
    let mut rest = cpus.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if(|next| *next == last + 1) {
            last = next;
        }
        let comma = if text.is_empty() { "" } else { "," };
        // writing to a String never fails
        let _ = match last - first {
            0 => write!(text, "{comma}{first}"),
            _ => write!(text, "{comma}{first}-{last}"),
        };
    }
    text
}

/// In words: `CPU 3`, `CPUs 0-3,8`.
pub fn named(cpus: &Cpus) -> String {
    format!("{} {}", if cpus.len() == 1 { "CPU" } else { "CPUs" }, list(cpus))
}

/// Writes a mask: `ff`, `1,00000000`; `0` for the empty set.
pub fn mask(cpus: &Cpus) -> String {
    let words = cpus.last().map_or(1, |last| last / 32 + 1);
    let word = |place: usize| cpus.range(place * 32..place * 32 + 32).fold(0_u32, |bits, cpu| bits | 1 << (cpu % 32));
    let words: Vec<String> = (0..words)
        .rev()
        .map(|place| if place + 1 == words { format!("{:x}", word(place)) } else { format!("{:08x}", word(place)) })
        .collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_are_read_and_written_as_the_kernel_does() {
        assert_eq!(list(&parse_list("0-2,8,10-11").unwrap()), "0-2,8,10-11");
        assert_eq!(parse_list("0-9:2/4").unwrap(), Cpus::from([0, 1, 4, 5, 8, 9]));
        assert_eq!(parse_list("\n"), Some(Cpus::new()));
        for wrong in ["x", "3-1", "0-4294967295", "8192", "-1", "0-9:2/0", "1 2"] {
            assert_eq!(parse_list(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lists_of_the_command_line_know_the_last_cpu_and_all() {
        let read = |text: &str| parse_boot_list(text, 7).map(|cpus| list(&cpus));
        for (text, cpus) in
            [("4-N", "4-7"), ("N", "7"), ("all", "0-7"), ("ALL:1/2", "0,2,4,6"), ("0-N:2/4", "0-1,4-5"), ("1,3", "1,3")]
        {
            assert_eq!(read(text).as_deref(), Some(cpus), "{text}");
        }
        for wrong in ["n", "N-4", "allx", "9-N", "4-M"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        // no file of the kernel's says so
        assert_eq!((parse_list("4-N"), parse_list("all")), (None, None));
    }

    #[test]
    fn masks_are_read_and_written_as_the_kernel_does() {
        assert_eq!(parse_mask("1,0000000f"), Some(Cpus::from([0, 1, 2, 3, 32])));
        assert_eq!(mask(&Cpus::from([0, 1, 2, 3, 32])), "1,0000000f");
        assert_eq!(mask(&Cpus::new()), "0");
        assert_eq!(parse_mask("100000000"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(cpus in prop::collection::btree_set(0usize..MOST, 0..40)) {
            prop_assert_eq!(parse_list(&list(&cpus)), Some(cpus.clone()));
            prop_assert_eq!(parse_mask(&mask(&cpus)), Some(cpus));
        }
    }
}
