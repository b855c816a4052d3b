use super::*;
use crate::compare::rank_sum;
use proptest::prelude::*;

fn block(base: &[f64], other: &[f64]) -> Block {
    Block { base: base.to_vec(), other: other.to_vec() }
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

/// The sum of weighted pairs in which the other lies above, equal ones counted half.
fn weighted(blocks: &[Block]) -> f64 {
    let above = |base: f64, other: f64| if other > base { 1.0 } else { f64::from(u8::from(other >= base)) / 2.0 };
    let one = |block: &Block| {
        let pairs = block.base.iter().flat_map(|base| block.other.iter().map(move |other| above(*base, *other)));
        pairs.sum::<f64>() * weight(block)
    };
    blocks.iter().map(one).sum()
}

/// Every way to deal the values of each block out.
fn all_deals(blocks: &[Block]) -> Vec<Vec<Block>> {
    let Some((first, rest)) = blocks.split_first() else { return vec![Vec::new()] };
    let values: Vec<f64> = first.base.iter().chain(&first.other).copied().collect();
    let masks = (0_u32..1 << values.len()).filter(|mask| mask.count_ones() as usize == first.other.len());
    let deal = |mask: u32| {
        let of = |side: bool| {
            let place = |at: &usize| (mask & (1 << at) != 0) == side;
            (0..values.len()).filter(place).map(|at| values[at]).collect()
        };
        Block { base: of(false), other: of(true) }
    };
    let tails = all_deals(rest);
    masks.flat_map(|mask| tails.iter().map(move |tail| std::iter::once(deal(mask)).chain(tail.clone()).collect())).collect()
}

fn counted(blocks: &[Block]) -> f64 {
    let seen = weighted(blocks);
    let sums: Vec<f64> = all_deals(blocks).iter().map(|deal| weighted(deal)).collect();
    let share = |holds: &dyn Fn(f64) -> bool| sums.iter().filter(|sum| holds(**sum)).count() as f64 / sums.len() as f64;
    (2.0 * share(&|sum| sum <= seen + 1e-9).min(share(&|sum| sum >= seen - 1e-9))).min(1.0)
}

#[test]
fn three_blocks_of_three_reach_what_one_cannot() {
    let apart = block(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]);
    assert!(close(two_sided(std::slice::from_ref(&apart)).unwrap(), 0.1));
    assert!(close(reach(std::slice::from_ref(&apart)), 0.1));
    let three = vec![apart; 3];
    assert!(close(two_sided(&three).unwrap(), 2.0 / 8000.0));
    assert!(close(reach(&three), 2.0 / 8000.0));
    let shift = shift(&three).unwrap();
    assert!(close(shift.estimate, 10.0) && shift.confidence >= 0.95, "{shift:?}");
    assert!(shift.low > 8.0 && shift.high < 12.0, "{shift:?}");
}

#[test]
fn blocks_that_move_both_sides_hide_nothing() {
    // by themselves the sides overlap; within each block they do not
    let blocks = [block(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), block(&[101.0, 102.0], &[103.0, 104.0, 105.0])];
    assert!(close(two_sided(&blocks).unwrap(), 2.0 / 200.0));
    assert!(two_sided(&[block(&[1.0, 2.0, 3.0, 101.0, 102.0], &[4.0, 5.0, 6.0, 103.0, 104.0, 105.0])]).unwrap() > 0.1);
}

#[test]
fn nothing_comes_of_nothing() {
    let empty = [block(&[1.0], &[]), Block::default()];
    assert_eq!((two_sided(&empty), shift(&empty)), (None, None));
    assert!(close(reach(&empty), 1.0));
}

#[test]
fn the_normal_stand_in_agrees_with_the_exact_distribution() {
    let of = |offset: f64| {
        let base: Vec<f64> = (0..12).map(|n| f64::from(n) * 7.0 % 13.0).collect();
        Block { other: base.iter().map(|value| value + offset).collect(), base }
    };
    let blocks = [of(1.5), of(2.5), of(0.5)];
    let exact = two_sided(&blocks).unwrap();
    let full = full(&blocks);
    let normal = Null::of(&full, None, Block::ranks);
    let (low, high) = normal.tails(2.0 * weighted(&blocks));
    assert!((2.0 * low.min(high) - exact).abs() < 0.01, "{exact}, {low}, {high}");
}

proptest! {
    #[test]
    fn one_block_is_the_rank_sum_test(base in prop::collection::vec(0_u32..1_000_000, 1..9), other in prop::collection::vec(0_u32..1_000_000, 1..9)) {
        let unequal = base.iter().chain(&other).collect::<std::collections::BTreeSet<_>>().len() == base.len() + other.len();
        prop_assume!(unequal);
        let of = |values: &[u32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
        let (base, other) = (of(&base), of(&other));
        let blocks = [Block { base: base.clone(), other: other.clone() }];
        prop_assert!((two_sided(&blocks).unwrap() - rank_sum::two_sided(&base, &other).unwrap()).abs() < 1e-9);
        let (here, there) = (shift(&blocks).unwrap(), rank_sum::shift(&base, &other).unwrap());
        prop_assert!(close(here.estimate, there.estimate), "{here:?} {there:?}");
        prop_assert!(close(here.confidence, there.confidence), "{here:?} {there:?}");
        prop_assert!(close(here.low, there.low) && close(here.high, there.high), "{here:?} {there:?}");
    }

    #[test]
    fn probabilities_are_those_of_dealing_out(blocks in prop::collection::vec((prop::collection::vec(0_u32..6, 1..4), prop::collection::vec(0_u32..6, 1..4)), 1..4)) {
        let of = |values: &[u32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
        let blocks: Vec<Block> = blocks.iter().map(|(base, other)| Block { base: of(base), other: of(other) }).collect();
        let (found, counted) = (two_sided(&blocks).unwrap(), counted(&blocks));
        prop_assert!((found - counted).abs() < 1e-9, "{found} {counted}");
        prop_assert!(found >= reach(&blocks) - 1e-9);
    }

    #[test]
    fn the_interval_follows_the_values(base in prop::collection::vec(prop::collection::vec(0_u32..1000, 2..5), 1..4), by in 0_u32..1000) {
        let blocks: Vec<Block> = base.iter().map(|values| {
            let base: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            Block { other: base.iter().map(|value| value + f64::from(by)).collect(), base }
        }).collect();
        let shift = shift(&blocks).unwrap();
        prop_assert!(shift.low <= f64::from(by) && f64::from(by) <= shift.high, "{shift:?}");
        prop_assert!(shift.low <= shift.estimate && shift.estimate <= shift.high, "{shift:?}");
    }
}
