//! The machine the campaign ran on.

use std::fmt::Write as _;

use maud::{Markup, html};
use tailbed_format::facts::{Cgroup, Facts};

use super::page;

/// The facts, long ones folded away.
pub(super) fn section(facts: &Facts) -> Markup {
    if !facts.is_known() {
        return page::section(
            "machine",
            "The machine",
            &html! { p { "Nothing is known of it: the record of its facts could not be read." } },
        );
    }
    page::section(
        "machine",
        "The machine",
        &html! {
            dl.facts {
                dt { "Host" } dd { (facts.hostname) @if let Some(hypervisor) = &facts.hypervisor { ", a guest of " (hypervisor) } }
                dt { "CPU" } dd { (facts.cpu_model) ", cores " (ranges(&facts.cpus)) }
                dt { "Memory" } dd { (format!("{:.1}\u{a0}GiB", facts.memory as f64 / f64::from(1 << 30))) @if facts.memory_nodes.len() == 1 { ", NUMA node " } @else { ", NUMA nodes " } (ranges(&facts.memory_nodes)) }
                dt { "Kernel" } dd { (facts.kernel) }
                dt { "Clock" } dd {
                    (facts.clocksource) @if facts.invariant_tsc { "; the TSC keeps one rate in all states" } @else { "; the TSC is not known to keep one rate" }
                }
                dt { "Control groups" } dd { (control_groups(&facts.cgroup)) }
                dt { "Permissions" } dd { (permissions(facts)) }
                @if let Some(runtime) = facts.rt_runtime_us {
                    dt { "Real-time share" }
                    dd { @if runtime < 0 { "unlimited" } @else { (runtime) " µs of each second" } }
                }
            }
            details { summary { "Kernel command line" } pre { (facts.command_line) } }
            @if !facts.mitigations.is_empty() {
                details {
                    summary { "Mitigations of processor vulnerabilities (" (facts.mitigations.len()) ")" }
                    dl.facts { @for (name, state) in &facts.mitigations { dt { (name) } dd { (state) } } }
                }
            }
        },
    )
}

fn control_groups(cgroup: &Cgroup) -> &'static str {
    match cgroup {
        Cgroup::V1 { unified: Some(_), .. } => "version 1 and 2 (hybrid)",
        Cgroup::V1 { unified: None, .. } => "version 1",
        Cgroup::V2 { .. } => "version 2",
        Cgroup::None => "none that could be used",
    }
}

fn permissions(facts: &Facts) -> String {
    let privilege = facts.privilege;
    let known = [
        (privilege.root, "root"),
        (privilege.real_time, "real-time priority"),
        (privilege.lock_memory, "locked memory"),
        (privilege.user_namespaces, "user namespaces"),
    ];
    let names =
        |granted: bool| known.iter().filter(|(has, _)| *has == granted).map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
    match (names(true), names(false)) {
        (granted, refused) if refused.is_empty() => granted,
        (granted, refused) if granted.is_empty() => format!("none of {refused}"),
        (granted, refused) => format!("{granted}; not {refused}"),
    }
}

/// Numbers as ranges: `0-3, 8`.
fn ranges(numbers: &[usize]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut text = String::new();
    for range in sorted.chunk_by(|a, b| a + 1 == *b) {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = match range {
            [one] => write!(text, "{separator}{one}"),
            [first, .., last] => write!(text, "{separator}{first}-{last}"),
            [] => Ok(()),
        };
    }
    if text.is_empty() { "unknown".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_named_by_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 3, 8]), "0-3, 8");
        assert_eq!(ranges(&[5]), "5");
        assert_eq!(ranges(&[]), "unknown");
    }
}
