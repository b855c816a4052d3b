//! The links that streams take, with their directions, and what lies between those of them that are tapped.

use std::collections::BTreeMap;

use super::{End, Link, Way};

/// A link by its number, and whether it is taken from its far end to its near one.
pub(crate) type Taken = (usize, bool);

/// What streams pass between one tapped link and the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) before: Taken,
    pub(crate) behind: Taken,
    /// Nodes by their numbers, in the order they are passed.
    pub(crate) nodes: Vec<usize>,
}

/// The links that a way takes, in order; to a node that reflects and no further.
pub(crate) fn taken(links: &[Link], way: &Way) -> Vec<Taken> {
    let mut here = way.from;
    let mut taken = Vec::new();
    for pass in way.passes.iter().map(Some).chain([None]) {
        let Some(number) = links.iter().position(|link| link.contains(&here)) else { break };
        taken.push((number, links[number][1] == here));
        let Some(pass) = pass else { break };
        here = End::Node(pass.node, pass.outward);
    }
    taken
}

/// The parts between tapped links, each once, in the order of the streams. All streams that take a tapped link in one direction must come from
/// the same tapped link and go on to the same: the error is the number of the first that does not.
pub(crate) fn parts(links: &[Link], ways: &[Way], tapped: &[usize]) -> Result<Vec<Part>, usize> {
    let mut beside: BTreeMap<Taken, (Option<Taken>, Option<Taken>)> = BTreeMap::new();
    let mut parts: Vec<Part> = Vec::new();
    for (number, way) in ways.iter().enumerate() {
        let taken = taken(links, way);
        let places: Vec<usize> = (0..taken.len()).filter(|&place| tapped.contains(&taken[place].0)).collect();
        for (at, &place) in places.iter().enumerate() {
            let link = |at: Option<usize>| at.and_then(|at| places.get(at)).map(|&place| taken[place]);
            let own = (link(at.checked_sub(1)), link(Some(at + 1)));
            if *beside.entry(taken[place]).or_insert(own) != own {
                return Err(number);
            }
        }
        for pair in places.windows(2) {
            let (before, behind) = (taken[pair[0]], taken[pair[1]]);
            let nodes = way.passes[pair[0]..pair[1]].iter().map(|pass| pass.node).collect();
            let part = Part { before, behind, nodes };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::{Pass, Port};

    /// Two nodes in a line, and a link at the side of the second.
    fn line() -> [Link; 4] {
        let node = |node, port| End::Node(node, port);
        let side = Port::named("side").unwrap();
        [
            [End::Generator, node(0, Port::IN)],
            [node(0, Port::OUT), node(1, Port::IN)],
            [node(1, Port::OUT), End::Sink],
            [End::Beside(1, side), node(1, side)],
        ]
    }

    fn way(from: End, to: End, passes: &[(usize, Port, Port)]) -> Way {
        let pass = |&(node, inward, outward): &(usize, Port, Port)| Pass { node, inward, outward };
        Way { from, to, passes: passes.iter().map(pass).collect(), back: false }
    }

    fn forth() -> Way {
        way(End::Generator, End::Sink, &[(0, Port::IN, Port::OUT), (1, Port::IN, Port::OUT)])
    }

    fn back() -> Way {
        way(End::Sink, End::Generator, &[(1, Port::OUT, Port::IN), (0, Port::OUT, Port::IN)])
    }

    #[test]
    fn both_directions_of_a_line_are_parts_of_their_own() {
        let links = line();
        assert_eq!(taken(&links, &back()), [(2, true), (1, true), (0, true)]);
        let found = parts(&links, &[forth(), back(), forth()], &[0, 2]).unwrap();
        let part = |before, behind, nodes: &[usize]| Part { before, behind, nodes: nodes.to_vec() };
        assert_eq!(found, [part((0, false), (2, false), &[0, 1]), part((2, true), (0, true), &[1, 0])]);
        assert_eq!(parts(&links, &[forth()], &[0, 1, 2]).unwrap().len(), 2);
        assert_eq!(parts(&links, &[forth()], &[1]), Ok(Vec::new()));
    }

    #[test]
    fn streams_that_part_between_tapped_links_are_told() {
        let (links, side) = (line(), Port::named("side").unwrap());
        let joins = way(End::Beside(1, side), End::Sink, &[(1, side, Port::OUT)]);
        assert_eq!(parts(&links, &[forth(), joins.clone()], &[0, 2]), Err(1));
        // where only one of them is looked at, nothing parts
        assert_eq!(parts(&links, &[forth(), joins], &[0, 1]).map(|parts| parts.len()), Ok(1));
    }
}
