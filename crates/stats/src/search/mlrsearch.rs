//! Multiple Loss Ratio search (RFC 9971): several goals at once, each trial told to all of them.

use std::cmp::Reverse;

use tailbed_format::throughput::{Bounds, Goal, GoalFound, Status};

use super::classify::{Made, conditional_throughput};
use super::seeker::{Loads, Seeker, Wish};
use super::width::narrow;
use super::{Sent, TrialInput};

/// A search for the bounds of all its goals.
#[derive(Debug, Clone)]
pub struct Mlrsearch {
    minimum: u64,
    maximum: u64,
    seekers: Vec<Seeker>,
    loads: Loads,
}

impl Mlrsearch {
    /// A search that has not begun. Rates are packets per second, `minimum` at least 1 and not above `maximum`.
    pub fn new(goals: &[Goal], minimum: u64, maximum: u64) -> Self {
        let seekers = goals.iter().map(|goal| Seeker::new(goal.clone(), minimum, maximum)).collect();
        Self { minimum, maximum, seekers, loads: Loads::new() }
    }

    /// The trial it wants next; `None` when every goal has its result. Of what the goals want the lowest load comes first, and at the same
    /// load the longest trial: what is learnt there serves the others too.
    pub fn next(&self) -> Option<TrialInput> {
        let first = self.wishes().map(|(_, wish)| wish).min_by_key(|wish| (wish.load, Reverse(wish.duration)))?;
        Some(TrialInput::load(first.load, first.duration))
    }

    fn wishes(&self) -> impl Iterator<Item = (usize, Wish)> + '_ {
        self.seekers.iter().enumerate().filter_map(|(number, seeker)| Some((number, seeker.wish(&self.loads)?)))
    }

    /// Takes into account what came of a trial, also of one that was not wished for.
    pub fn tell(&mut self, trial: TrialInput, sent: Sent) {
        let wish = self.wishes().find(|(_, wish)| (wish.load, wish.duration) == (trial.rate, trial.duration));
        let granted: Vec<_> = wish.map_or_else(Vec::new, |(winner, wish)| {
            let shares = |number: &usize| self.seekers[*number].shares(&self.seekers[winner], &self.loads);
            let leaning = |number: usize| (number, wish, self.seekers[number].leaning(trial.rate, &self.loads));
            (0..self.seekers.len()).filter(shares).map(leaning).collect()
        });
        self.loads.entry(trial.rate).or_default().push(Made { duration: trial.duration, sent });
        for (number, wish, before) in granted {
            self.seekers[number].granted(wish, before, &self.loads);
        }
    }

    /// The goals, in the order given.
    pub fn goals(&self) -> impl Iterator<Item = &Goal> {
        self.seekers.iter().map(|seeker| &seeker.goal)
    }

    /// What was found so far, goal by goal.
    pub fn found(&self) -> Vec<GoalFound> {
        let found = |seeker: &Seeker| {
            let (goal, bounds) = (seeker.goal.clone(), seeker.bounds(&self.loads));
            let status = self.status(&goal, bounds);
            let at_lower = bounds.lower.and_then(|lower| Some((lower, self.loads.get(&lower)?)));
            let conditional = at_lower.and_then(|(lower, made)| conditional_throughput(lower, made, &goal));
            GoalFound { goal, status, bounds, conditional }
        };
        self.seekers.iter().map(found).collect()
    }

    fn status(&self, goal: &Goal, bounds: Bounds) -> Status {
        match (bounds.lower, bounds.upper) {
            (Some(lower), Some(upper)) if narrow(lower, upper, goal.width) => Status::Found,
            (Some(lower), None) if lower >= self.maximum => Status::AtMaximum,
            (None, Some(upper)) if upper <= self.minimum => Status::BelowMinimum,
            _ => Status::Unfinished,
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of packets are small and positive")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn goal(name: &str, loss: u32, exceed: u32, initial: u64, trial: u64, sum: u64) -> Goal {
        Goal { name: name.to_owned(), loss, exceed, width: 5_000, initial, trial, sum }
    }

    /// Asks a device until the search has ended; gives what it found and the time all trials took, ns.
    fn search(goals: &[Goal], maximum: u64, mut lost: impl FnMut(TrialInput) -> u64) -> (Vec<GoalFound>, u64) {
        let mut search = Mlrsearch::new(goals, 1_000, maximum);
        let mut time = 0;
        while let Some(trial) = search.next() {
            assert_eq!(search.next(), Some(trial), "asked again it wants the same");
            assert!((1_000..=maximum).contains(&trial.rate));
            search.tell(trial, Sent { sent: trial.packets, lost: lost(trial).min(trial.packets) });
            time += trial.duration;
            assert!(time < 10_000 * SECOND, "the search does not end");
        }
        (search.found(), time)
    }

    /// A device that carries so many packets per second and holds as many as it carries in a tenth of a second.
    fn buffered(limit: u64) -> impl FnMut(TrialInput) -> u64 {
        move |trial| trial.packets.saturating_sub(limit * (trial.duration / 1_000_000 + 100) / 1_000)
    }

    /// With the settings of RFC 2544 short trials look for the boundary, and only long ones are believed.
    #[test]
    fn what_short_trials_let_through_is_confirmed_by_long_ones() {
        let goal = goal("NDR", 0, 0, SECOND, 60 * SECOND, 60 * SECOND);
        let (found, time) = search(&[goal], 1_000_000, buffered(300_000));
        let Bounds { lower, upper } = found[0].bounds;
        // carried for 60 s: 300 000 and what the buffer holds, spread over the minute
        assert!(lower.unwrap() <= 300_500 && 300_500 < upper.unwrap(), "{found:?}");
        assert_eq!(found[0].status, Status::Found);
        // a plain bisection of a thousandfold range to half a percent takes eighteen trials of a minute
        assert!(time < 9 * 60 * SECOND, "{time}");
    }

    #[test]
    fn the_ends_of_what_is_allowed_are_named() {
        let goals =
            [goal("NDR", 0, 500_000, SECOND, SECOND, 5 * SECOND), goal("PDR", 5_000, 500_000, SECOND, SECOND, 5 * SECOND)];
        let (found, _) = search(&goals, 50_000, buffered(60_000));
        assert!(found.iter().all(|found| found.status == Status::AtMaximum && found.bounds.lower == Some(50_000)));
        let (found, _) = search(&goals, 50_000, |trial| trial.packets / 2);
        assert!(found.iter().all(|found| found.status == Status::BelowMinimum && found.bounds.lower.is_none()));
    }

    proptest! {
        /// On a device that always does the same, the bounds are decided, narrow, and enclose its limit, whatever the goal.
        #[test]
        fn bounds_enclose_the_limit(
            limit in 1_000u64..900_000,
            exceed in 0u32..900_000,
            trial in 1u64..20,
            times in 1u64..20,
            slope in 0.0f64..3.0,
        ) {
            let goals = [("NDR", 0), ("PDR", 5_000)]
                .map(|(name, loss)| goal(name, loss, exceed, SECOND, trial * SECOND, trial * times * SECOND));
            let lost = |trial: TrialInput| {
                let over = (trial.rate as f64 / limit as f64 - 1.0).max(0.0) * slope;
                (trial.packets as f64 * over.min(1.0)).ceil() as u64
            };
            let (found, _) = search(&goals, 1_000_000, lost);
            for found in found {
                let full = |rate| TrialInput::load(rate, found.goal.trial);
                let high = |rate| Sent { sent: full(rate).packets, lost: lost(full(rate)).min(full(rate).packets) }.exceeds(found.goal.loss);
                match (found.status, found.bounds) {
                    (Status::Found, Bounds { lower: Some(lower), upper: Some(upper) }) => {
                        prop_assert!(!high(lower) && high(upper) && narrow(lower, upper, 5_000));
                    }
                    (Status::AtMaximum, Bounds { lower: Some(1_000_000), upper: None }) => prop_assert!(!high(1_000_000)),
                    (Status::BelowMinimum, Bounds { lower: None, upper: Some(1_000) }) => prop_assert!(high(1_000)),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }

        /// However the device answers, the search ends, and what it calls found is so by its own rules.
        #[test]
        fn any_answers_end(seed in any::<u64>(), exceed in 0u32..900_000) {
            let mut state = seed | 1;
            let goals = [goal("NDR", 0, exceed, SECOND, SECOND, 11 * SECOND), goal("PDR", 5_000, exceed, SECOND, 2 * SECOND, 10 * SECOND)];
            let (found, _) = search(&goals, 1_000_000, |trial| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (trial.packets / 100) * (state >> 62)
            });
            prop_assert!(found.iter().all(|found| found.status != Status::Unfinished), "{found:?}");
        }
    }
}
