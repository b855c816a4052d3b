//! Several streams in text: the nodes, then the way of each stream through them.

use super::{GENERATOR, WIDEST, boxes, cores_of, place, row, spaced};
use crate::plan::{Hop, Run, StreamPath};

/// Between two interfaces of a link.
const LINK: &str = " ── ";

/// A line of nodes that all streams pass is drawn as that of a single one; whatever else there is, is listed:
///
/// ```text
/// generator  cpu 1
/// n1         host  cpu 2
///
/// west  generator side1 ── left n1 out ── rx sink
/// ```
pub(super) fn draw(run: &Run) -> Vec<String> {
    let mut lines = in_a_line(run).unwrap_or_else(|| nodes(run));
    lines.push(String::new());
    let width = run.streams.iter().map(|stream| stream.name.chars().count()).max().unwrap_or(0);
    for stream in &run.streams {
        lines.extend(wrapped(&format!("{:width$}  ", stream.name), &way(stream)));
    }
    lines
}

/// The boxes, where every stream goes from one end of the same line of nodes to the other.
fn in_a_line(run: &Run) -> Option<Vec<String>> {
    let first = run.streams.first()?;
    let turned = |stream: &StreamPath| -> Vec<Hop> {
        let turn = |hop: &Hop| Hop { node: hop.node.clone(), inward: hop.outward.clone(), outward: hop.inward.clone() };
        stream.hops.iter().rev().map(turn).collect()
    };
    let along = |stream: &StreamPath| match (stream.from.as_str(), stream.to.as_str()) {
        ("tx", "rx") => stream.hops == first.hops,
        ("rx", "tx") => turned(stream) == first.hops,
        _ => false,
    };
    let lines = (first.from == "tx" && run.streams.iter().all(along)).then(|| row(&boxes(run, &first.hops)))?;
    lines.iter().all(|line| line.chars().count() <= WIDEST).then_some(lines)
}

fn nodes(run: &Run) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    for hop in &run.hops {
        if !names.contains(&hop.node.as_str()) {
            names.push(&hop.node);
        }
    }
    let roles = names.into_iter().map(|name| (name, spaced(&place(run, name), &cores_of(run, name))));
    let all: Vec<_> = [(GENERATOR, cores_of(run, GENERATOR))].into_iter().chain(roles).collect();
    let width = all.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    all.iter().map(|(name, what)| format!("{name:width$}  {what}").trim_end().to_owned()).collect()
}

/// Each station with its interfaces; the first and the last are ends of the measuring side.
fn way(StreamPath { from, hops, to, .. }: &StreamPath) -> Vec<String> {
    let station = |hop: &Hop| match hop.outward.as_str() {
        "" => format!("{} {}, and back", hop.inward, hop.node),
        outward => format!("{} {} {outward}", hop.inward, hop.node),
    };
    let mirrored = hops.last().is_some_and(|last| last.outward.is_empty());
    let called = |interface: &str| if interface == "rx" { "sink" } else { GENERATOR };
    let last = (!mirrored).then(|| format!("{to} {}", called(to)));
    [format!("{} {from}", called(from))].into_iter().chain(hops.iter().map(station)).chain(last).collect()
}

/// Stations one after the other behind a title, with new lines where they would be too wide.
fn wrapped(title: &str, stations: &[String]) -> Vec<String> {
    let indent = title.chars().count();
    let mut lines = vec![title.to_owned()];
    let mut width = indent;
    for (number, station) in stations.iter().enumerate() {
        let wide = station.chars().count() + LINK.chars().count();
        if number > 0 && width + wide > WIDEST {
            lines.push(" ".repeat(indent));
            width = indent;
        }
        if let Some(line) = lines.last_mut() {
            *line += if number > 0 { LINK } else { "" };
            *line += station;
        }
        width += wide;
    }
    lines
}
