//! The highest rate without any loss, by bisection (RFC 2544, section 26.1; RFC 9971, "Binary Search").

use tailbed_format::throughput::{Bisection, Bounds, Goal, GoalFound, Status};

use super::width::narrow;
use super::{Sent, TrialInput};

/// Between two whole numbers: what is carried lies below, what is not above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bisected {
    minimum: u64,
    maximum: u64,
    width: u32,
    bounds: Bounds,
}

impl Bisected {
    /// Nothing known; the width is in ppm of the upper bound.
    pub fn new(minimum: u64, maximum: u64, width: u32) -> Self {
        Self { minimum, maximum, width, bounds: Bounds::default() }
    }

    /// The value to try next: the highest first, then the middle (arithmetic mean) of the bounds, the lowest in place of a lower bound.
    pub fn next(&self) -> Option<u64> {
        match (self.bounds.lower, self.bounds.upper) {
            (None, None) => Some(self.maximum),
            (Some(lower), None) => (lower < self.maximum).then_some(self.maximum),
            (None, Some(upper)) if upper <= self.minimum => None,
            (None, Some(upper)) if narrow(self.minimum, upper, self.width) => Some(self.minimum),
            (None, Some(upper)) => Some(u64::midpoint(self.minimum, upper)),
            (Some(lower), Some(upper)) => (!narrow(lower, upper, self.width)).then(|| u64::midpoint(lower, upper)),
        }
    }

    /// A value is carried, or not. One that lies outside of the bounds changes nothing.
    pub fn tell(&mut self, value: u64, carried: bool) {
        let Bounds { lower, upper } = &mut self.bounds;
        if carried && upper.is_none_or(|upper| value < upper) {
            *lower = Some(lower.map_or(value, |lower| lower.max(value)));
        } else if !carried {
            *upper = Some(upper.map_or(value, |upper| upper.min(value)));
            *lower = lower.filter(|lower| *lower < value);
        }
    }

    /// Where it stands.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What may be said of it.
    pub fn status(&self) -> Status {
        match (self.next(), self.bounds) {
            (Some(_), _) => Status::Unfinished,
            (None, Bounds { upper: None, .. }) => Status::AtMaximum,
            (None, Bounds { lower: None, .. }) => Status::BelowMinimum,
            (None, _) => Status::Found,
        }
    }
}

/// A bisection of rates with trials of one length.
#[derive(Debug, Clone)]
pub struct ThroughputBisection {
    goal: Goal,
    rates: Bisected,
}

impl ThroughputBisection {
    /// A search that has not begun, between rates in packets per second.
    pub fn new(order: &Bisection, minimum: u64, maximum: u64) -> Self {
        let Bisection { trial, width } = *order;
        let goal = Goal { name: "throughput".to_owned(), loss: 0, exceed: 0, width, initial: trial, trial, sum: trial };
        Self { goal, rates: Bisected::new(minimum, maximum, width) }
    }

    /// The trial it wants next; `None` when it has its result.
    pub fn next(&self) -> Option<TrialInput> {
        self.rates.next().map(|rate| TrialInput::load(rate, self.goal.trial))
    }

    /// Takes into account what came of a trial. One lost packet is enough.
    pub fn tell(&mut self, trial: TrialInput, sent: Sent) {
        self.rates.tell(trial.rate, sent.lost == 0);
    }

    /// As a goal of RFC 9971: no loss, no exceeding.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// What was found so far. Without loss, what comes through is what was sent.
    pub fn found(&self) -> GoalFound {
        let bounds = self.rates.bounds();
        let conditional = bounds.lower.map(|lower| lower as f64);
        GoalFound { goal: self.goal.clone(), status: self.rates.status(), bounds, conditional }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn search(limit: u64, minimum: u64, maximum: u64, width: u32) -> (GoalFound, u32) {
        let mut search = ThroughputBisection::new(&Bisection { trial: 60_000_000_000, width }, minimum, maximum);
        let mut trials = 0;
        while let Some(trial) = search.next() {
            assert_eq!(trial.duration, 60_000_000_000);
            search.tell(trial, Sent { sent: 1_000, lost: u64::from(trial.rate > limit) });
            trials += 1;
        }
        (search.found(), trials)
    }

    #[test]
    fn the_ends_are_said_to_be_the_ends() {
        let (found, trials) = search(5_000, 10, 5_000, 1_000);
        assert_eq!((found.status, found.bounds, trials), (Status::AtMaximum, Bounds { lower: Some(5_000), upper: None }, 1));
        let (found, _) = search(9, 10, 5_000, 1_000);
        assert_eq!((found.status, found.bounds), (Status::BelowMinimum, Bounds { lower: None, upper: Some(10) }));
    }

    proptest! {
        #[test]
        fn bounds_enclose_the_limit(limit in 10u64..2_000_000, width in 1u32..100_000) {
            let (found, trials) = search(limit, 10, 2_000_000, width);
            if limit >= 2_000_000 {
                prop_assert_eq!(found.status, Status::AtMaximum);
            } else {
                let (lower, upper) = (found.bounds.lower.unwrap(), found.bounds.upper.unwrap());
                prop_assert!(lower <= limit && limit < upper && narrow(lower, upper, width));
            }
            prop_assert!(trials <= 23);
        }
    }
}
