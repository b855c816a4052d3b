//! The rows under the worst packets: what came to each packet core of a cell over time.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::plot::Figure;
use crate::plot::host::{Kind, Piece, Row, Timeline, host};
use crate::proof::HostTimeline;
use crate::report::cells::Cell;
use crate::report::figures::worst_packets;

/// So many kinds of interrupts are drawn of one core: those that do not belong there first, then those that came most often.
const MOST_INTERRUPTS: usize = 4;

/// So many names of tasks are drawn of one core, those that ran longest.
const MOST_TASKS: usize = 3;

/// The plot; none where the host was watched in no run.
pub(in crate::report) fn figure(cells: &[&Cell<'_>]) -> Option<Figure> {
    let watched = cells
        .iter()
        .filter(|cell| cell.data.is_some_and(|data| data.host.iter().any(|(_, host)| *host != HostTimeline::default())));
    let drawn: Vec<_> = watched.filter_map(|cell| Some((*cell, worst_packets(cell)?, rows(cell)))).collect();
    let timelines: Vec<_> =
        drawn.iter().map(|(cell, repeats, rows)| Timeline { label: &cell.label, style: cell.style, repeats, rows }).collect();
    (!timelines.is_empty()).then(|| host(&timelines))
}

/// What came to a core, by what it is called and whether it belongs there.
type Found = BTreeMap<(String, bool), Vec<Vec<Piece>>>;

fn rows(cell: &Cell<'_>) -> Vec<Row> {
    let Some(data) = cell.data else { return Vec::new() };
    let mut timelines: Vec<_> = data.host.iter().collect();
    timelines.sort_by_key(|(repeat, _)| *repeat);
    let cores = cell.runs.iter().find_map(|run| run.proof.as_ref()).map(|proof| &proof.cores);
    let mut rows = Vec::new();
    for core in cores.into_iter().flatten() {
        let cpu = core.core.cpu;
        let (mut interrupts, mut tasks) = (Found::new(), Found::new());
        for (place, (_, timeline)) in timelines.iter().enumerate() {
            let add = |found: &mut Found, name: String, expected, piece| {
                found.entry((name, expected)).or_insert_with(|| vec![Vec::new(); timelines.len()])[place].push(piece);
            };
            for point in timeline.interrupts.iter().filter(|point| point.cpu == cpu && !point.soft) {
                let belongs = belongs(cell, cpu, &point.source);
                let named =
                    if point.name.is_empty() { point.source.to_string() } else { format!("{} ({})", point.name, point.source) };
                add(&mut interrupts, named, belongs, Piece { from: point.from, to: point.to, count: point.count });
            }
            for turn in timeline.turns.iter().filter(|turn| turn.cpu == cpu) {
                let name = if turn.name.is_empty() { "tasks that have ended" } else { &turn.name };
                let to = turn.at.saturating_add_unsigned(turn.length);
                add(&mut tasks, name.to_owned(), false, Piece { from: turn.at, to, count: 1 });
            }
        }
        rows.extend(most(tasks, MOST_TASKS, cpu, Kind::Turns));
        rows.extend(most(interrupts, MOST_INTERRUPTS, cpu, Kind::Rate));
    }
    rows
}

/// Whether interrupts of a source belong on a core: as the runs were judged.
fn belongs(cell: &Cell<'_>, cpu: usize, source: &str) -> bool {
    let cores = cell.runs.iter().filter_map(|run| run.proof.as_ref()).flat_map(|proof| &proof.cores);
    let mut counts = cores.filter(|core| core.core.cpu == cpu).flat_map(|core| &core.interrupts);
    counts.find(|count| count.source == source).is_some_and(|count| count.expected)
}

fn most(found: Found, most: usize, cpu: usize, kind: Kind) -> impl Iterator<Item = Row> {
    let row = |((name, expected), repeats)| Row { label: format!("core {cpu}: {name}"), expected, kind, repeats };
    let mut rows: Vec<Row> = found.into_iter().map(row).collect();
    let weight = |piece: &Piece| match kind {
        Kind::Rate => piece.count,
        Kind::Turns => piece.to.abs_diff(piece.from),
    };
    let sum = |row: &Row| row.repeats.iter().flatten().map(weight).sum::<u64>();
    rows.sort_by_key(|row| (row.expected, Reverse(sum(row))));
    // what belongs there is shown as well, for it is what the rest stands out from
    let expected = rows.iter().position(|row| row.expected).filter(|place| *place >= most);
    if let Some(place) = expected {
        rows.swap(most - 1, place);
    }
    rows.into_iter().take(most)
}
