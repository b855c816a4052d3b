//! One goal's way to its bounds: which load it would have measured next.
//!
//! RFC 9971 leaves this open ("implementation details"). Here every measured load leans to one side by what is known of it. The goal's
//! bracket is the lowest load that leans upper and the highest below it that leans lower; whatever is decided leans the same way, so once
//! both ends of a narrow bracket are decided they are the relevant bounds. Until it is narrow, short trials make it so; then the ends are
//! confirmed in turn, so that a leaning that came of bad luck is turned round early and at the cost of few trials.

use std::collections::BTreeMap;

use tailbed_format::throughput::{Bounds, Goal};

use super::classify::{Class, Made, by_loss, classify, full_length, leans_upper};
use super::width::{above, below, middle, narrow, widths};

/// Steps in search of a boundary grow by this factor.
const EXPANSION: f64 = 4.0;

/// Valid trials by load, packets per second.
pub(super) type Loads = BTreeMap<u64, Vec<Made>>;

/// A side of the sought boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Lower,
    Upper,
}

/// A goal, and how far it steps from one load to the next.
#[derive(Debug, Clone)]
pub(super) struct Seeker {
    pub(super) goal: Goal,
    minimum: u64,
    maximum: u64,
    /// Which side the last trial made for this goal showed.
    last: Option<Side>,
    /// Widths to the next load when it is sought outside of what is known.
    step: f64,
    /// A long trial has refuted what short ones had let pass: they are not relied on any more. A buffer does that.
    long_only: bool,
}

/// Why a load is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Nothing is known yet.
    Begin,
    /// By what came through at a load that is not carried.
    Estimate,
    /// A step away from what is known.
    Step,
    /// To halve the bracket.
    Halve,
    /// To decide what it leans to.
    Confirm,
}

/// A trial that a goal wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    /// Packets per second.
    pub(super) load: u64,
    /// ns.
    pub(super) duration: u64,
    why: Why,
}

impl Seeker {
    pub(super) fn new(goal: Goal, minimum: u64, maximum: u64) -> Self {
        Self { goal, minimum, maximum, last: None, step: 1.0, long_only: false }
    }

    /// The trial it wants; `None` when it has its result. At the highest load everything begins.
    pub(super) fn wish(&self, loads: &Loads) -> Option<Wish> {
        let duration = if self.long_only { self.goal.trial } else { self.goal.initial };
        let explore = |(load, why)| Some(Wish { load, duration, why });
        match self.bracket(loads) {
            (Some(lower), None) if lower >= self.maximum => self.confirm(loads, &[lower]),
            (_, None) => explore((self.maximum, Why::Begin)),
            (None, Some(upper)) if upper <= self.minimum => self.confirm(loads, &[upper]),
            (None, Some(upper)) => explore(self.further_down(upper, loads)),
            (Some(lower), Some(upper)) if narrow(lower, upper, self.goal.width) => self.confirm(loads, &[lower, upper]),
            (Some(lower), Some(upper)) => explore(self.between(lower, upper, loads)),
        }
    }

    /// The lowest load that leans upper, and the highest below it, which leans lower.
    fn bracket(&self, loads: &Loads) -> (Option<u64>, Option<u64>) {
        let upper = loads.iter().find(|(_, made)| leans_upper(made, &self.goal)).map(|(load, _)| *load);
        let lower = match upper {
            Some(upper) => loads.range(..upper).next_back(),
            None => loads.iter().next_back(),
        };
        (lower.map(|(load, _)| *load), upper)
    }

    /// The one of the loads that is undecided and least measured, the lower of two alike.
    fn confirm(&self, loads: &Loads, candidates: &[u64]) -> Option<Wish> {
        let undecided = candidates.iter().filter_map(|load| {
            let made = loads.get(load)?;
            (classify(made, &self.goal) == Class::Undecided).then(|| (full_length(made, &self.goal), *load))
        });
        undecided.min().map(|(_, load)| Wish { load, duration: self.goal.trial, why: Why::Confirm })
    }

    /// Where the boundary lies if all that a load brings more than the device carries is lost: what came through at the load, and what
    /// the goal lets be lost besides. Of several trials the median.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and at most the load over 1 - loss")]
    fn estimate(&self, load: u64, loads: &Loads) -> Option<u64> {
        let mut sent: Vec<_> = loads.get(&load)?.iter().map(|made| made.sent).collect();
        sent.sort_by(|one, other| by_loss(*one, *other));
        let median = sent.get(sent.len().div_ceil(2).saturating_sub(1))?;
        let through = load as f64 * (1.0 - median.lost as f64 / median.sent.max(1) as f64);
        Some((through / (1.0 - f64::from(self.goal.loss) / 1e6)) as u64)
    }

    /// Below everything measured.
    fn further_down(&self, upper: u64, loads: &Loads) -> (u64, Why) {
        let (load, why) = self.down(upper, loads);
        let load = load.max(self.minimum);
        if narrow(self.minimum, load, self.goal.width) { (self.minimum, why) } else { (load, why) }
    }

    /// The estimate, or a step where that leads further down.
    fn down(&self, upper: u64, loads: &Loads) -> (u64, Why) {
        let step = below(upper, self.goal.width, self.step);
        match self.estimate(upper, loads) {
            Some(estimate) if estimate < step => (estimate, Why::Estimate),
            _ => (step, Why::Step),
        }
    }

    /// Within a bracket that is not narrow: the estimate as long as nothing speaks against it, else a step from where the last trial was,
    /// or the middle where that is nearer.
    fn between(&self, lower: u64, upper: u64, loads: &Loads) -> (u64, Why) {
        let width = self.goal.width;
        let middle = middle(lower, upper, width);
        let (least, most) = (above(lower, width, 1.0), below(upper, width, 1.0));
        if least >= most {
            return (middle, Why::Halve);
        }
        let estimate = self.estimate(upper, loads).filter(|estimate| *estimate >= least);
        let (load, why) = match (estimate, self.last) {
            (Some(_), Some(Side::Upper)) => self.down(upper, loads),
            (Some(estimate), _) => (estimate.min(most), Why::Estimate),
            (None, Some(Side::Upper)) => (below(upper, width, self.step), Why::Step),
            (None, _) => (above(lower, width, self.step), Why::Step),
        };
        let beyond = match (why, self.last) {
            (Why::Step, Some(Side::Upper)) => load < middle,
            (Why::Step, _) => load > middle,
            _ => false,
        };
        if beyond { (middle, Why::Halve) } else { (load.clamp(least, most), why) }
    }

    /// Whether a trial that another goal wishes for is as good for this one: both look for the boundary in the same place.
    pub(super) fn shares(&self, other: &Self, loads: &Loads) -> bool {
        self.bracket(loads) == other.bracket(loads)
    }

    /// A trial that this goal wished for was made; `before` is which way its load leant before, if it had been measured. A step in search
    /// of the boundary makes the next one longer, so that what it passes over is halved afterwards; so does an estimate that was too
    /// high. A load that turns out to lean the other way puts the boundary where nothing is known yet.
    pub(super) fn granted(&mut self, wish: Wish, before: Option<bool>, loads: &Loads) {
        let Some(leans) = self.leaning(wish.load, loads) else { return };
        match (wish.why, before) {
            (_, Some(before)) if before != leans => self.step = 1.0,
            (_, Some(_)) | (Why::Begin | Why::Halve | Why::Confirm, _) => {}
            (Why::Step, None) => self.step *= EXPANSION,
            (Why::Estimate, None) => {
                let next = self.estimate(wish.load, loads).filter(|_| leans);
                let further = next.map(|next| 2.0 * widths(next, wish.load, self.goal.width));
                self.step = further.map_or(self.step, |further| further.max(2.0 * self.step));
            }
        }
        let short = |made: &Made| made.duration < self.goal.trial && !made.sent.exceeds(self.goal.loss);
        self.long_only |= before == Some(false) && leans && loads.get(&wish.load).is_some_and(|made| made.iter().any(short));
        if wish.why != Why::Confirm || before != Some(leans) {
            self.last = Some(if leans { Side::Upper } else { Side::Lower });
        }
    }

    /// Which way a load leans, if it was measured.
    pub(super) fn leaning(&self, load: u64, loads: &Loads) -> Option<bool> {
        loads.get(&load).map(|made| leans_upper(made, &self.goal))
    }

    /// The relevant bounds (RFC 9971, "Relevant Upper Bound", "Relevant Lower Bound"). Without an upper bound the highest lower bound is
    /// given in place of one.
    pub(super) fn bounds(&self, loads: &Loads) -> Bounds {
        let mut bounds = Bounds::default();
        for (load, made) in loads {
            match classify(made, &self.goal) {
                Class::Upper => {
                    bounds.upper = Some(*load);
                    break;
                }
                Class::Lower => bounds.lower = Some(*load),
                Class::Undecided => {}
            }
        }
        bounds
    }
}
