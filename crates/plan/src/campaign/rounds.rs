//! The order of measurements: rounds of repeats, each holding every cell once.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::experiment::Order;

/// Cell and repeat of every run. Interleaving makes a drift of the machine hit all cells alike, and shuffling keeps it from hitting
/// the same place of every round (randomised complete block design; Fisher, The Design of Experiments, 1935).
pub(super) fn rounds(cells: &[usize], repeats: u32, order: Order, seed: u64) -> Vec<(usize, u32)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut runs = Vec::new();
    for repeat in 0..repeats {
        let mut round = cells.to_vec();
        if order == Order::Shuffled {
            round.shuffle(&mut random);
        }
        runs.extend(round.into_iter().map(|cell| (cell, repeat)));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequential_keeps_the_order_of_the_file() {
        assert_eq!(rounds(&[3, 4], 2, Order::Sequential, 1), [(3, 0), (4, 0), (3, 1), (4, 1)]);
    }

    #[test]
    fn seeds_give_different_orders() {
        let cells: Vec<_> = (0..20).collect();
        assert_ne!(rounds(&cells, 1, Order::Shuffled, 1), rounds(&cells, 1, Order::Shuffled, 2));
    }

    proptest! {
        #[test]
        fn each_round_is_a_permutation_and_the_seed_repeats_it(cells in 1usize..40, repeats in 1u32..10, seed in any::<u64>()) {
            let cells: Vec<_> = (0..cells).collect();
            let runs = rounds(&cells, repeats, Order::Shuffled, seed);
            prop_assert_eq!(&runs, &rounds(&cells, repeats, Order::Shuffled, seed));
            prop_assert_eq!(runs.len(), cells.len() * repeats as usize);
            for (number, round) in runs.chunks(cells.len()).enumerate() {
                let mut held: Vec<_> = round.iter().map(|(cell, _)| *cell).collect();
                held.sort_unstable();
                prop_assert_eq!(&held, &cells);
                prop_assert!(round.iter().all(|(_, repeat)| *repeat as usize == number));
            }
        }
    }
}
