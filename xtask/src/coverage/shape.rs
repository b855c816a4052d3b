//! Latencies whose truth is known.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tailbed_stats::interval::normal;

/// How latencies of a simulated campaign are distributed; [`Shape::law`] says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Exponential,
    LogNormal,
    Bimodal,
    HeavyTailed,
    Autocorrelated,
    Drifting,
}

impl Shape {
    pub(super) const ALL: [Self; 6] =
        [Self::Exponential, Self::LogNormal, Self::Bimodal, Self::HeavyTailed, Self::Autocorrelated, Self::Drifting];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::LogNormal => "log-normal, runs differ",
            Self::Bimodal => "bimodal packets and runs",
            Self::HeavyTailed => "heavy-tailed",
            Self::Autocorrelated => "autocorrelated",
            Self::Drifting => "drifting",
        }
    }

    /// The law in words.
    pub(super) fn law(self) -> &'static str {
        match self {
            Self::Exponential => "5 µs and an exponential time of 5 µs; runs alike",
            Self::LogNormal => {
                "median 10 µs, deviation of the logarithm 0.4; each run has a scale of its own, with a deviation of 5 %"
            }
            Self::Bimodal => {
                "one packet in twenty takes four times as long; besides, half of the runs take 1.3 times as long as the others"
            }
            Self::HeavyTailed => "Pareto from 10 µs with exponent 2: the variance is infinite; runs alike",
            Self::Autocorrelated => {
                "as the log-normal ones, each packet's logarithm correlated 0.95 with that of the packet before; runs alike"
            }
            Self::Drifting => {
                "log-normal, growing evenly by 20 % from the campaign's first packet to its last; runs have scales with a deviation of 2 %"
            }
        }
    }

    /// Deviation of the logarithm of a run's own scale.
    fn runs_differ(self) -> f64 {
        match self {
            Self::LogNormal => 0.05,
            Self::Drifting => 0.02,
            _ => 0.0,
        }
    }

    /// By how much all latencies grow from the first packet of the campaign to the last.
    fn growth(self) -> f64 {
        if self == Self::Drifting { 0.2 } else { 0.0 }
    }

    /// The latencies of a run, ns; `from` and `to` are where it lies in the campaign, 0 to 1.
    pub(super) fn run(self, packets: usize, from: f64, to: f64, random: &mut ChaCha8Rng) -> Vec<u64> {
        let mut scale = (self.runs_differ() * normal_value(random)).exp();
        if self == Self::Bimodal && random.random_bool(0.5) {
            scale *= 1.3;
        }
        let mut state = normal_value(random);
        let one = |number: usize| {
            let at = from + (to - from) * number as f64 / packets as f64;
            let own = match self {
                Self::Exponential => 5_000.0 - 5_000.0 * uniform(random).ln(),
                Self::HeavyTailed => 10_000.0 / uniform(random).sqrt(),
                Self::LogNormal | Self::Drifting => 10_000.0 * (0.4 * normal_value(random)).exp(),
                Self::Bimodal if random.random_bool(0.05) => 40_000.0 * (0.3 * normal_value(random)).exp(),
                Self::Bimodal => 10_000.0 * (0.1 * normal_value(random)).exp(),
                Self::Autocorrelated => {
                    state = 0.95 * state + (1.0_f64 - 0.95 * 0.95).sqrt() * normal_value(random);
                    10_000.0 * (0.4 * state).exp()
                }
            };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of microseconds to seconds")]
            let ns = (own * scale * (1.0 + self.growth() * at)).round() as u64;
            ns
        };
        (0..packets).map(one).collect()
    }

    /// The value that a share of all latencies lies below, over all runs that could have been made and over the whole time of the campaign, ns.
    pub(super) fn truth(self, share: f64) -> f64 {
        let scales = self.scales();
        let below = |ns: f64| -> f64 { scales.iter().map(|(scale, weight)| weight * self.below(ns / scale)).sum() };
        let (mut low, mut high) = (1.0, 1e10);
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if below(middle) < share { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    }

    /// Share of packets below a latency, ns, where the scale is one.
    fn below(self, ns: f64) -> f64 {
        let log_normal = |median: f64, deviation: f64| normal::at_most((ns / median).ln() / deviation);
        match self {
            Self::Exponential if ns <= 5_000.0 => 0.0,
            Self::Exponential => 1.0 - (-(ns - 5_000.0) / 5_000.0).exp(),
            Self::HeavyTailed if ns <= 10_000.0 => 0.0,
            Self::HeavyTailed => 1.0 - (10_000.0 / ns).powi(2),
            Self::Bimodal => 0.95 * log_normal(10_000.0, 0.1) + 0.05 * log_normal(40_000.0, 0.3),
            Self::LogNormal | Self::Autocorrelated | Self::Drifting => log_normal(10_000.0, 0.4),
        }
    }

    /// The scales that latencies have, each with its weight, on a grid that is finer than the figures of the table.
    fn scales(self) -> Vec<(f64, f64)> {
        let deviation = self.runs_differ();
        let runs: Vec<(f64, f64)> = if deviation > 0.0 {
            let points: Vec<f64> = (-50..=50).map(|at| f64::from(at) * 0.1).collect();
            let sum: f64 = points.iter().map(|z| (-z * z / 2.0).exp()).sum();
            points.iter().map(|z| ((deviation * z).exp(), (-z * z / 2.0).exp() / sum)).collect()
        } else if self == Self::Bimodal {
            vec![(1.0, 0.5), (1.3, 0.5)]
        } else {
            vec![(1.0, 1.0)]
        };
        let times = if self.growth() > 0.0 { 100 } else { 1 };
        let time = |at: u32| 1.0 + self.growth() * (f64::from(at) + 0.5) / f64::from(times);
        let grid = (0..times).flat_map(|at| runs.iter().map(move |(scale, weight)| (at, scale, weight)));
        grid.map(|(at, scale, weight)| (scale * time(at), weight / f64::from(times))).collect()
    }
}

/// Above 0, at most 1.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    1.0 - random.random::<f64>()
}

/// G. E. P. Box and M. E. Muller 1958.
fn normal_value(random: &mut ChaCha8Rng) -> f64 {
    (-2.0 * uniform(random).ln()).sqrt() * (TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Of many runs in the place where they are, a share lies below the truth that is near the one asked for.
    #[test]
    fn what_is_drawn_has_the_truth_that_is_said() {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        for shape in Shape::ALL {
            for share in [0.5, 0.9, 0.99] {
                let truth = shape.truth(share);
                let runs = 400_u32;
                let below: usize = (0..runs)
                    .map(|run| {
                        let from = f64::from(run) / f64::from(runs);
                        let latencies = shape.run(200, from, from + 1.0 / f64::from(runs), &mut random);
                        latencies.iter().filter(|ns| (**ns as f64) < truth).count()
                    })
                    .sum();
                let found = below as f64 / (f64::from(runs) * 200.0);
                // four deviations of such a share, the runs' own differences in it
                assert!((found - share).abs() < 0.045 * (1.0 - share).sqrt(), "{shape:?} {share}: {found}");
            }
        }
    }
}
