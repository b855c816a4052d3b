//! What the trials at one load say of one goal (RFC 9971, appendices A and B), in whole numbers.

use std::cmp::Ordering;

use tailbed_format::throughput::Goal;

use super::Sent;

/// All shares are of this many parts.
const WHOLE: u128 = 1_000_000;

/// A valid trial at a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// How long, ns.
    pub duration: u64,
    /// What it showed.
    pub sent: Sent,
}

/// What a load is for a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Whatever is still to be measured, it is carried.
    Lower,
    /// Whatever is still to be measured, it is not.
    Upper,
    /// More trials are needed.
    Undecided,
}

/// Sums of durations, each multiplied by what is left of the whole without the exceed ratio, so that the balance of short trials needs no
/// division.
struct Sums {
    /// Full-length low-loss trials.
    good: u128,
    /// Full-length high-loss trials, and short ones that short low-loss trials do not make up for.
    bad: u128,
}

fn sums(made: &[Made], goal: &Goal) -> Sums {
    let exceed = u128::from(goal.exceed);
    let rest = WHOLE - exceed;
    let sum = |full: bool, high: bool| -> u128 {
        let of = |made: &&Made| (made.duration >= goal.trial) == full && made.sent.exceeds(goal.loss) == high;
        made.iter().filter(of).map(|made| u128::from(made.duration)).sum()
    };
    let excess = (sum(false, true) * rest).saturating_sub(sum(false, false) * exceed);
    Sums { good: sum(true, false) * rest, bad: sum(true, true) * rest + excess }
}

/// Classifies a load (RFC 9971, appendix A).
pub fn classify(made: &[Made], goal: &Goal) -> Class {
    let exceed = u128::from(goal.exceed);
    let Sums { good, bad } = sums(made, goal);
    let whole = (good + bad).max(u128::from(goal.sum) * (WHOLE - exceed));
    let optimistic = bad * WHOLE <= whole * exceed;
    let pessimistic = (whole - good) * WHOLE <= whole * exceed;
    match (optimistic, pessimistic) {
        (true, true) => Class::Lower,
        (false, false) => Class::Upper,
        _ => Class::Undecided,
    }
}

/// Which way a load leans by what is known of it: as if nothing more were to be measured there. A load that is decided leans the same way.
pub fn leans_upper(made: &[Made], goal: &Goal) -> bool {
    let Sums { good, bad } = sums(made, goal);
    bad * WHOLE > (good + bad) * u128::from(goal.exceed)
}

/// Time of full-length trials, ns.
pub fn full_length(made: &[Made], goal: &Goal) -> u64 {
    made.iter().filter(|made| made.duration >= goal.trial).map(|made| made.duration).sum()
}

/// Packets per second expected to come through at a load (RFC 9971, appendix B): at the loss ratio that all but the exceed ratio of the
/// time does not exceed, time not measured yet counting as lost. `None` without a trial of full length.
pub fn conditional_throughput(rate: u64, made: &[Made], goal: &Goal) -> Option<f64> {
    let mut full: Vec<Made> = made.iter().copied().filter(|made| made.duration >= goal.trial).collect();
    full.sort_by(|one, other| by_loss(one.sent, other.sent));
    let measured: u128 = full.iter().map(|made| u128::from(made.duration)).sum();
    let needed = measured.max(u128::from(goal.sum)) * (WHOLE - u128::from(goal.exceed));
    let mut covered = 0;
    let mut quantile = full.first()?.sent;
    for made in &full {
        if covered >= needed {
            break;
        }
        quantile = made.sent;
        covered += u128::from(made.duration) * WHOLE;
    }
    if covered < needed {
        return Some(0.0);
    }
    Some(rate as f64 * (1.0 - quantile.lost as f64 / quantile.sent.max(1) as f64))
}

/// Trials by the share they lost. Exact.
pub fn by_loss(one: Sent, other: Sent) -> Ordering {
    (u128::from(one.lost) * u128::from(other.sent)).cmp(&(u128::from(other.lost) * u128::from(one.sent)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn goal(trial: u64, sum: u64, loss: u32, exceed: u32) -> Goal {
        let (trial, sum) = (trial * SECOND, sum * SECOND);
        Goal { name: String::new(), loss, exceed, width: 5_000, initial: trial.min(SECOND), trial, sum }
    }

    /// `times` trials of so many seconds that lost so many of 1 000 packets.
    fn trials(times: usize, seconds: u64, lost: u64) -> Vec<Made> {
        vec![Made { duration: seconds * SECOND, sent: Sent { sent: 1_000, lost } }; times]
    }

    /// The example search of RFC 9971, appendix C: four goals at six points in time. For the last goal at the last two points the table
    /// there says lower bound, against the code of appendix A and its own row above it: exceed ratios of 42.857 % and 27.273 % are more
    /// than the 20 % allowed. The code counts.
    #[test]
    fn the_example_of_the_rfc_is_classified_as_its_code_says() {
        let goals = [goal(60, 60, 0, 0), goal(60, 120, 0, 500_000), goal(1, 120, 5_000, 500_000), goal(60, 60, 5_000, 200_000)];
        let (u, l, n) = (Class::Upper, Class::Lower, Class::Undecided);
        let points: [(Vec<Made>, [Class; 4]); 6] = [
            (trials(59, 1, 0), [n, n, n, n]),
            (trials(1, 1, 10), [u, n, n, n]),
            (trials(59, 1, 10), [u, n, n, u]),
            (trials(1, 1, 0), [u, n, l, u]),
            (trials(1, 60, 1), [u, n, l, u]),
            (trials(1, 60, 0), [u, l, l, u]),
        ];
        let mut made = Vec::new();
        for (point, (added, expected)) in points.into_iter().enumerate() {
            made.extend(added);
            let found: Vec<_> = goals.iter().map(|goal| classify(&made, goal)).collect();
            assert_eq!(found, expected, "at point {}", point + 1);
        }
        let through: Vec<_> = goals[1..].iter().map(|goal| conditional_throughput(1_000_000, &made, goal)).collect();
        assert_eq!(through, [Some(1_000_000.0), Some(1_000_000.0), Some(999_000.0)]);
    }

    #[test]
    fn time_not_measured_counts_as_lost() {
        let goal = goal(1, 21, 0, 500_000);
        assert_eq!(conditional_throughput(1_000, &trials(5, 1, 0), &goal), Some(0.0));
        assert_eq!(conditional_throughput(1_000, &trials(11, 1, 0), &goal), Some(1_000.0));
        assert_eq!(conditional_throughput(1_000, &[], &goal), None);
        assert_eq!(classify(&trials(10, 1, 0), &goal), Class::Undecided);
        assert_eq!(classify(&trials(11, 1, 0), &goal), Class::Lower);
        assert_eq!(classify(&trials(11, 1, 1), &goal), Class::Upper);
    }

    proptest! {
        /// What the choice of loads relies on: a decided load leans the way it was decided, and measured for long enough it is decided.
        #[test]
        fn decisions_agree_with_leanings(
            made in proptest::collection::vec((0usize..2, 0u64..3), 0..60),
            sum in 1u64..40,
            exceed in 0u32..999_999,
        ) {
            let goal = goal(4, sum.max(4), 500, exceed);
            let made: Vec<Made> = made.into_iter().flat_map(|(long, lost)| trials(1, [1, 4][long], lost)).collect();
            match classify(&made, &goal) {
                Class::Lower => prop_assert!(!leans_upper(&made, &goal)),
                Class::Upper => prop_assert!(leans_upper(&made, &goal)),
                Class::Undecided => prop_assert!(full_length(&made, &goal) < goal.sum),
            }
        }
    }
}
