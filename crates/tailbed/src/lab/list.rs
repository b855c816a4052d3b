//! `tailbed ls`.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Table};

use super::client;
use super::protocol::{ListedNode, Listing, State};
use crate::failure::Failure;
use crate::print;

/// Prints what is up.
pub(crate) fn ls(json: bool) -> Result<(), Failure> {
    let listing = client::list()?;
    if json {
        return print(&(serde_json::to_string_pretty(&listing).map_err(anyhow::Error::from)? + "\n"));
    }
    print(&table(&listing))
}

/// A row per node, a line per interface.
pub(super) fn table(listing: &Listing) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let titles = ["NODE", "ENVIRONMENT", "STATE", "PID", "CORES", "MEMORY", "INTERFACES"];
    table.set_header(titles.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for node in &listing.nodes {
        let state = match &node.state {
            State::Running => "running",
            State::NotForwarding(_) => "does not forward",
            State::Dead(_) => "dead",
        };
        table.add_row([
            Cell::new(&node.node),
            Cell::new(&node.environment),
            Cell::new(state),
            Cell::new(node.pid.map_or_else(none, |pid| pid.to_string())).set_alignment(CellAlignment::Right),
            Cell::new(cores(&node.cores)),
            Cell::new(node.memory.map_or_else(none, size)).set_alignment(CellAlignment::Right),
            Cell::new(interfaces(node)),
        ]);
    }
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    let mut text: String = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    for node in &listing.nodes {
        if let State::NotForwarding(why) | State::Dead(why) = &node.state {
            let _ = writeln!(text, "{}: {why}", node.node);
        }
    }
    for trouble in &listing.troubles {
        let _ = writeln!(text, "{trouble}");
    }
    text
}

fn none() -> String {
    "-".to_owned()
}

fn interfaces(node: &ListedNode) -> String {
    let lines: Vec<_> = node
        .interfaces
        .iter()
        .map(|interface| {
            let mac = interface.mac.map(|mac| mac.to_string());
            let words = [interface.name.clone()].into_iter().chain(mac).chain(interface.addresses.iter().cloned());
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    if lines.is_empty() { none() } else { lines.join("\n") }
}

/// As the kernel writes lists: `0,2-3`.
fn cores(cores: &[usize]) -> String {
    let mut sorted = cores.to_vec();
    sorted.sort_unstable();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for core in sorted {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == core => *last = core,
            _ => ranges.push((core, core)),
        }
    }
    let ranges: Vec<_> =
        ranges.iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") }).collect();
    if ranges.is_empty() { "any".to_owned() } else { ranges.join(",") }
}

/// In MiB, with one decimal below ten.
fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 10.0 { format!("{mib:.1} MiB") } else { format!("{mib:.0} MiB") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Interface;
    use tailbed_format::mac::MacAddress;

    #[test]
    fn cores_are_written_as_ranges() {
        assert_eq!(cores(&[]), "any");
        assert_eq!(cores(&[3, 0, 2]), "0,2-3");
    }

    #[test]
    fn a_table_has_a_row_per_node_and_says_why_one_is_dead() {
        let node = |name: &str, state| ListedNode {
            node: name.to_owned(),
            environment: "host".to_owned(),
            id: None,
            state,
            interfaces: vec![
                Interface {
                    name: "in".to_owned(),
                    mac: Some(MacAddress::local(1, 1)),
                    addresses: vec!["10.0.0.1/24".to_owned()],
                    packets: None,
                },
                Interface { name: "out".to_owned(), mac: Some(MacAddress::local(1, 2)), addresses: Vec::new(), packets: None },
            ],
            pid: Some(17),
            cores: vec![1],
            memory: Some(3 << 20),
        };
        let nodes = vec![node("dut", State::Running), node("other", State::Dead("out of memory".to_owned()))];
        let listing = Listing {
            name: "n".to_owned(),
            run: "r".to_owned(),
            keeper: 1,
            nodes,
            troubles: vec!["a command has ended".to_owned()],
        };
        let text = table(&listing);
        let at = |words: &str| text.lines().find_map(|line| line.find(words));
        assert_eq!(at("in 02:"), at("out 02:"), "{text}");
        let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[0], "NODE ENVIRONMENT STATE PID CORES MEMORY INTERFACES");
        assert_eq!(lines[1], "dut host running 17 1 3.0 MiB in 02:01:00:00:00:01 10.0.0.1/24");
        assert_eq!(lines[2], "out 02:01:00:00:00:02");
        assert_eq!(lines[5..], ["other: out of memory", "a command has ended"]);
    }
}
