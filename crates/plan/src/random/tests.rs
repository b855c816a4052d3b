use std::collections::BTreeSet;

use proptest::prelude::*;

use super::shapes::draw;
use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Drawn again it is the same, it has as many nodes as asked for, and no name or end is there twice.
    #[test]
    fn a_seed_is_a_topology(seed in any::<u64>(), least in 1u32..20, more in 0u32..20) {
        let drawn = draw(Shape::Any, least, least + more, seed);
        prop_assert_eq!(&drawn, &draw(Shape::Any, least, least + more, seed));
        prop_assert!((least..=least + more).contains(&u32::try_from(drawn.paths.len()).unwrap()));
        let unique = |names: Vec<&String>| names.iter().collect::<BTreeSet<_>>().len() == names.len() && names.is_sorted();
        prop_assert!(unique(drawn.paths.iter().map(|(name, _)| name).collect()));
        prop_assert!(unique(drawn.links.iter().map(|(name, _)| name).collect()));
        prop_assert!(unique(drawn.streams.iter().map(|(name, _)| name).collect()));
        let ends: Vec<_> = drawn.links.iter().flat_map(|(_, ends)| ends).collect();
        prop_assert_eq!(ends.iter().collect::<BTreeSet<_>>().len(), ends.len());
    }
}

/// Every node has a route to each leaf below it by the branch that leads there, and no other.
#[test]
fn routes_of_a_fan_lead_to_its_leaves() {
    let drawn = draw(Shape::Fan, 7, 7, 3);
    assert_eq!((drawn.streams.len(), drawn.routes.len()), (drawn.destinations.len(), 7));
    let leaves = drawn.routes.iter().filter(|routes| routes.is_empty()).count();
    assert_eq!((leaves, drawn.routes[0].len()), (drawn.streams.len(), drawn.streams.len()));
    assert_eq!(draw(Shape::Fan, 1, 1, 3).streams, [("to-n1".to_owned(), ["generator".to_owned(), "n1:out".to_owned()])]);
}

#[test]
fn every_shape_is_drawn() {
    let found: BTreeSet<_> = (0..40).map(|seed| draw(Shape::Any, 3, 6, seed).shape.to_string()).collect();
    assert_eq!(found, BTreeSet::from(["line", "tree", "ring"].map(str::to_owned)));
    assert_eq!(draw(Shape::Any, 1, 1, 5).shape, Shape::Line);
}
