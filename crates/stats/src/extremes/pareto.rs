//! The generalised Pareto distribution: what lies above a high threshold follows it, whatever the rest (Pickands 1975).
//!
//! Its parameters are those of greatest likelihood, found in one dimension (Grimshaw 1993): with tau = shape / scale the likelihood of a given
//! tau is that of an exponential distribution, so the best scale is known and only tau is sought. Where it has no greatest value, as it is for
//! shapes below -1, they are those of probability-weighted moments (Hosking and Wallis 1987).

use tailbed_format::extremes::TailMethod;

/// Half the 95 % point of the chi-square distribution with one degree of freedom: how far the log-likelihood may lie below its greatest.
const DROP: f64 = 1.920_729_410_347_062;

/// Shapes beyond this are none that a latency has; the search for the likelihood's greatest value ends there.
const HEAVIEST: f64 = 5.0;

/// How finely the likelihood is looked over before its greatest value is sought, in ln(1 + tau * greatest excess).
const STEP: f64 = 0.5;

/// Points on the border of the region that the intervals come from, each with two scales.
const BORDER: usize = 96;

/// A tail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    /// 0 is exponential, above it heavier, below it bounded.
    pub(super) shape: f64,
    /// In the unit of the excesses.
    pub(super) scale: f64,
}

impl Tail {
    /// The excess that one of `times` excesses is above, `times` at least 1.
    pub(super) fn level(self, times: f64) -> f64 {
        let log = times.max(1.0).ln();
        self.scale * log * expm1_over(self.shape * log)
    }

    /// The share of excesses above one.
    pub(super) fn above(self, excess: f64) -> f64 {
        if excess <= 0.0 {
            return 1.0;
        }
        let relative = excess / self.scale;
        let inner = 1.0 + self.shape * relative;
        if inner <= 0.0 {
            return 0.0;
        }
        (-relative * ln1p_over(self.shape * relative)).exp()
    }
}

/// (e^x - 1) / x.
fn expm1_over(x: f64) -> f64 {
    if x.abs() < 1e-12 { 1.0 } else { x.exp_m1() / x }
}

/// ln(1 + x) / x.
fn ln1p_over(x: f64) -> f64 {
    if x.abs() < 1e-12 { 1.0 } else { x.ln_1p() / x }
}

/// A fitted tail with the region of those that the data agree with as well.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    pub(super) tail: Tail,
    pub(super) method: TailMethod,
    /// Tails on the border of the 95 % region of any one quantity of them.
    border: Vec<Tail>,
    /// Whether the border leaves the region open to heavier tails.
    pub(super) open: bool,
}

impl Fit {
    /// Fits positive excesses, in the order in which they came; `independent` of them are worth one each: the likelihood's fall is divided by
    /// how many come together (the adjustment of magnitude of Chandler and Bate 2007). `None` with fewer than three that differ.
    pub(super) fn of(excesses: &[f64], independent: f64) -> Option<Self> {
        let mean = excesses.iter().sum::<f64>() / excesses.len() as f64;
        let first = *excesses.first()?;
        let usable = mean.is_finite() && mean > 0.0 && excesses.iter().all(|excess| *excess > 0.0);
        let differ = excesses.iter().any(|excess| excess.to_bits() != first.to_bits());
        if excesses.len() < 3 || !usable || !differ {
            return None;
        }
        let scaled: Vec<f64> = excesses.iter().map(|excess| excess / mean).collect();
        let profile = Profile::of(&scaled);
        let drop = DROP * (excesses.len() as f64 / independent.max(1.0)).max(1.0);
        let fit = profile.greatest().map(|at| profile.fit(at, drop)).or_else(|| moments(&scaled))?;
        let back = |tail: Tail| Tail { scale: tail.scale * mean, ..tail };
        Some(Self { tail: back(fit.tail), border: fit.border.into_iter().map(back).collect(), ..fit })
    }

    /// The least and the greatest value of something over the region.
    pub(super) fn range(&self, of: impl Fn(Tail) -> f64) -> (f64, f64) {
        let own = of(self.tail);
        self.border.iter().map(|tail| of(*tail)).fold((own, own), |(low, high), value| (low.min(value), high.max(value)))
    }
}

/// The likelihood of excesses whose mean is 1, by tau alone.
struct Profile<'a> {
    excesses: &'a [f64],
    greatest: f64,
    count: f64,
    squares: f64,
}

/// The profile at a point.
#[derive(Debug, Clone, Copy)]
struct Point {
    tau: f64,
    /// Mean of ln(1 + tau * excess): the best shape.
    shape: f64,
    /// The best scale.
    scale: f64,
    /// Log-likelihood.
    likelihood: f64,
}

impl<'a> Profile<'a> {
    fn of(excesses: &'a [f64]) -> Self {
        let greatest = excesses.iter().copied().fold(0.0, f64::max);
        let squares = excesses.iter().map(|excess| excess * excess).sum();
        Self { excesses, greatest, count: excesses.len() as f64, squares }
    }

    /// At t = ln(1 + tau * greatest excess), which is any number.
    fn at(&self, t: f64) -> Point {
        let tau = t.exp_m1() / self.greatest;
        let sum: f64 = self.excesses.iter().map(|excess| (tau * excess).ln_1p()).sum();
        // near tau = 0 the quotient loses its digits: two terms of its series are enough there
        let scale = if t.abs() < 1e-7 { 1.0 - tau * self.squares / (2.0 * self.count) } else { sum / self.count / tau };
        let likelihood = -self.count * scale.ln() - self.count - sum;
        Point { tau, shape: sum / self.count, scale, likelihood }
    }

    /// Whether a point is one of shapes for which the likelihood is bounded, and no absurd one.
    fn allowed(point: &Point) -> bool {
        point.shape >= -1.0 && point.shape <= HEAVIEST && point.likelihood.is_finite() && point.scale > 0.0
    }

    /// Where the likelihood is greatest; `None` when it is so on the edge of what is allowed.
    fn greatest(&self) -> Option<f64> {
        let likelihood = |t: f64| Some(self.at(t)).filter(Self::allowed).map(|point| point.likelihood);
        let mut best = (0.0, likelihood(0.0)?);
        for side in [STEP, -STEP] {
            let mut t = side;
            while let Some(here) = likelihood(t) {
                if here > best.1 {
                    best = (t, here);
                }
                t += side;
                // below this all but the greatest excess are as near to the end as numbers tell
                if t < -20.0 {
                    break;
                }
            }
        }
        let (mut low, mut high) = (best.0 - STEP, best.0 + STEP);
        likelihood(low).zip(likelihood(high))?;
        // golden section
        let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
        let value = |t: f64| likelihood(t).unwrap_or(f64::NEG_INFINITY);
        let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
        let (mut at_left, mut at_right) = (value(left), value(right));
        while high - low > 1e-9 {
            if at_left > at_right {
                (high, right, at_right) = (right, left, at_left);
                left = high - ratio * (high - low);
                at_left = value(left);
            } else {
                (low, left, at_left) = (left, right, at_right);
                right = low + ratio * (high - low);
                at_right = value(right);
            }
        }
        Some(f64::midpoint(low, high))
    }

    /// The fit, and the border of the region in which the log-likelihood lies at most `drop` below its greatest.
    fn fit(&self, best: f64, drop: f64) -> Fit {
        let top = self.at(best);
        let floor = top.likelihood - drop;
        let (low, _) = self.edge(best, -1.0, floor);
        let (high, open) = self.edge(best, 1.0, floor);
        let mut border = Vec::with_capacity(2 * BORDER);
        for step in 0..=BORDER {
            let point = self.at(low + (high - low) * step as f64 / BORDER as f64);
            if !Self::allowed(&point) {
                continue;
            }
            let spare = ((point.likelihood - floor) / self.count).max(0.0);
            for ratio in ratios(spare) {
                let scale = point.scale * ratio;
                border.push(Tail { shape: point.tau * scale, scale });
            }
        }
        Fit { tail: Tail { shape: top.shape, scale: top.scale }, method: TailMethod::Likelihood, border, open }
    }

    /// How far from the best the likelihood stays above a floor, to one side; and whether it does so to the end of what is allowed.
    fn edge(&self, best: f64, side: f64, floor: f64) -> (f64, bool) {
        let above = |t: f64| Some(self.at(t)).filter(Self::allowed).map(|point| point.likelihood >= floor);
        let (mut inside, mut width) = (best, 0.01);
        let mut outside = loop {
            let t = best + side * width;
            match above(t) {
                Some(true) if width < 400.0 => (inside, width) = (t, width * 2.0),
                Some(true) => return (t, true),
                _ => break t,
            }
        };
        let mut at_the_end = true;
        for _ in 0..40 {
            let middle = f64::midpoint(inside, outside);
            match above(middle) {
                Some(true) => inside = middle,
                not => {
                    at_the_end &= not.is_none();
                    outside = middle;
                }
            }
        }
        (inside, at_the_end && above(outside).is_none())
    }
}

/// The two ratios r of a scale to the best one at which the log-likelihood of one excess has fallen by `spare`: ln r + 1/r - 1 = spare.
fn ratios(spare: f64) -> [f64; 2] {
    let fall = |log: f64| log + (-log).exp() - 1.0;
    let root = |side: f64| {
        let mut outside = side;
        while fall(outside) < spare && outside.abs() < 600.0 {
            outside *= 2.0;
        }
        let mut inside = 0.0;
        for _ in 0..60 {
            let middle = f64::midpoint(inside, outside);
            if fall(middle) < spare { inside = middle } else { outside = middle }
        }
        f64::midpoint(inside, outside).exp()
    };
    [root(-1.0), root(1.0)]
}

/// By probability-weighted moments (Hosking and Wallis 1987, section 3.2, with their plotting position); the region from leaving out one
/// of twenty stretches after the other (Künsch 1989), which respects that neighbours are alike.
fn moments(excesses: &[f64]) -> Option<Fit> {
    const STRETCHES: usize = 20;
    let tail = of_moments(excesses)?;
    let stretches = STRETCHES.min(excesses.len());
    let left_out = |stretch: usize| {
        let (from, to) = (excesses.len() * stretch / stretches, excesses.len() * (stretch + 1) / stretches);
        of_moments(&[&excesses[..from], &excesses[to..]].concat())
    };
    let others: Vec<Tail> = (0..stretches).filter_map(left_out).collect();
    let count = others.len() as f64;
    let error = |of: fn(&Tail) -> f64| {
        let mean = others.iter().map(of).sum::<f64>() / count;
        let squares = others.iter().map(|tail| (of(tail) - mean).powi(2)).sum::<f64>();
        (squares * (count - 1.0) / count).sqrt() * 1.96
    };
    let (shape, scale) = (error(|tail| tail.shape), error(|tail| tail.scale.ln()));
    let corner = |by: f64, over: f64| Tail { shape: tail.shape + by * shape, scale: tail.scale * (over * scale).exp() };
    let border = if others.len() < 2 {
        Vec::new()
    } else {
        vec![corner(1.0, 0.0), corner(-1.0, 0.0), corner(0.0, 1.0), corner(0.0, -1.0)]
    };
    Some(Fit { tail, method: TailMethod::Moments, border, open: false })
}

fn of_moments(excesses: &[f64]) -> Option<Tail> {
    let mut sorted = excesses.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / count;
    let weighted =
        sorted.iter().enumerate().map(|(place, excess)| (1.0 - (place as f64 + 0.65) / count) * excess).sum::<f64>() / count;
    let less = mean - 2.0 * weighted;
    let tail = Tail { shape: 2.0 - mean / less, scale: 2.0 * mean * weighted / less };
    (tail.shape.is_finite() && tail.scale.is_finite() && tail.scale > 0.0).then_some(tail)
}

#[cfg(test)]
mod tests;
