//! The tail of a distribution as a generalised Pareto distribution, and what it says beyond the data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rounded::{time, whole};

/// The tail of one cell's latencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    /// The cell.
    pub cell: usize,
    /// Latencies that it was made of, of all valid runs.
    pub packets: u64,
    /// Thresholds that were looked at, from the lowest to the highest.
    pub thresholds: Vec<Threshold>,
    /// What was fitted above the one chosen; `None` where there are too few latencies for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<TailFit>,
    /// Latencies that are reached so rarely; empty without a fit.
    pub levels: Vec<ReturnLevel>,
    /// The fitted tail from the threshold on, for drawing it.
    pub curve: Vec<CurvePoint>,
    /// Why it cannot carry an extrapolation; empty when it can.
    pub warnings: Vec<TailWarning>,
}

/// A threshold, and what lies above it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The threshold, ns: half way between two neighbouring latencies.
    pub value: f64,
    /// Latencies above it.
    pub exceedances: u64,
    /// Clusters that they come in.
    pub clusters: u64,
    /// The extremal index: clusters per exceedance, 0 to 1 (Ferro and Segers 2003).
    pub index: f64,
    /// By how much they exceed it in the mean, ns; of a generalised Pareto tail linear in the threshold.
    pub mean_excess: f64,
    /// Shape of the tail fitted above it.
    pub shape: f64,
    /// Bounds of the shape's 95 % interval.
    pub shape_interval: [f64; 2],
    /// Scale of the tail fitted above it, less shape times threshold, ns: the same above every threshold from which on the tail is one.
    pub modified_scale: f64,
    /// Statistic of Anderson and Darling for the greatest of each cluster.
    pub statistic: f64,
    /// Probability of a statistic as great if they do follow the distribution (Choulakian and Stephens 2001), 0 to 1.
    pub chance: f64,
    /// ForwardStop's mean up to this threshold (G'Sell and others 2016); thresholds up to the last at which it is 0.05 or less are rejected.
    pub stop: f64,
}

/// The tail above the threshold that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TailFit {
    /// Place of the threshold among those looked at.
    pub threshold: usize,
    /// How the parameters were estimated.
    pub method: TailMethod,
    /// Shape: 0 is exponential, above it a power law of exponent -1/shape, below it a tail that ends.
    pub shape: f64,
    /// Bounds of its 95 % interval.
    pub shape_interval: [f64; 2],
    /// Scale, ns.
    pub scale: f64,
    /// Where the tail ends, ns; `None` where the shape is not negative.
    pub end: Option<u64>,
}

/// How parameters were estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TailMethod {
    /// Maximum likelihood (Grimshaw 1993).
    Likelihood,
    /// Probability-weighted moments (Hosking and Wallis 1987), where the likelihood has no maximum.
    Moments,
}

/// A latency that is reached once in a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReturnLevel {
    /// How rarely.
    pub period: Period,
    /// The latency, ns.
    pub level: u64,
    /// Lower bound of its 95 % interval, ns.
    pub low: u64,
    /// Upper bound, ns; `None` where the data bound it from nothing.
    pub high: Option<u64>,
    /// How many times as far as the data reach, in packets: above 1 it is an extrapolation.
    pub reach: f64,
}

/// How rarely a latency is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Once in so many packets.
    Packets(u64),
    /// Once in so much time, seconds, at the rate of the load; several packets of one cluster are once.
    Seconds(u64),
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Packets(packets) => match packets {
                1_000_000 => f.write_str("once in a million packets"),
                10_000_000 => f.write_str("once in ten million packets"),
                1_000_000_000 => f.write_str("once in a billion packets"),
                packets => write!(f, "once in {packets} packets"),
            },
            Self::Seconds(3_600) => f.write_str("once an hour at this rate"),
            Self::Seconds(seconds) => write!(f, "once in {seconds} s at this rate"),
        }
    }
}

/// A point of the fitted tail.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// One packet in so many is above.
    pub one_in: f64,
    /// The latency, ns.
    pub level: f64,
    /// Lower bound of its 95 % interval, ns.
    pub low: f64,
    /// Upper bound, ns; `None` where the data bound it from nothing.
    pub high: Option<f64>,
}

/// Why a fitted tail cannot carry an extrapolation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TailWarning {
    /// Too few latencies lie above any threshold.
    TooFew {
        /// Clusters above the lowest threshold.
        clusters: u64,
        /// It takes so many.
        needed: u64,
    },
    /// No threshold was found above which the tail is of this kind.
    BadFit {
        /// Probability of the statistic at the threshold that was taken all the same, 0 to 1.
        chance: f64,
    },
    /// The tail is so heavy that it has no mean.
    InfiniteMean {
        /// Its shape, 1 or more.
        shape: f64,
    },
    /// A higher threshold gives another tail.
    Unstable {
        /// The shape above the chosen threshold.
        shape: f64,
        /// The shape above the higher one.
        other: f64,
        /// The higher threshold, ns.
        threshold: f64,
    },
    /// Many of the greatest latencies are the same: something bounds what can be measured, or the tail itself.
    Bounded {
        /// The greatest latency, ns.
        greatest: u64,
        /// So many lie within a thousandth of it.
        packets: u64,
    },
    /// Latencies lie on few different values.
    Coarse {
        /// Exceedances.
        exceedances: u64,
        /// Different values among them.
        values: u64,
    },
    /// Runs differ more than chance has it in how often they come above the threshold.
    RunsDisagree {
        /// Clusters of the run with the fewest for its packets.
        fewest: u64,
        /// Clusters of the run with the most.
        most: u64,
        /// Runs.
        runs: u64,
    },
    /// Single latencies and the greatest of each cluster have different tails: clusters have a shape of their own.
    ClustersDiffer {
        /// Shape of the tail of all latencies.
        shape: f64,
        /// Shape of the tail of the greatest of each cluster.
        greatest: f64,
    },
}

impl fmt::Display for TailWarning {
    /// A sentence without its full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooFew { clusters, needed } => write!(
                f,
                "too few latencies lie in the tail: {clusters} that are not of one cluster, and it takes {needed}; run longer or at a higher rate"
            ),
            Self::BadFit { chance } => write!(
                f,
                "the tail is none of this kind: above no threshold does it fit (at the one shown a misfit as large comes by chance {}); \
                 several causes with latencies of their own do that",
                times(chance)
            ),
            Self::InfiniteMean { shape } => {
                write!(
                    f,
                    "the tail is so heavy that it has no mean (shape {shape:.2}): what lies beyond the data is anybody's guess"
                )
            }
            Self::Unstable { shape, other, threshold } => write!(
                f,
                "the tail changes further out: its shape is {shape:.2} above the threshold chosen and {other:.2} above {}",
                time(whole(threshold))
            ),
            Self::Bounded { greatest, packets } => write!(
                f,
                "{packets} packets lie within a thousandth of the greatest latency, {}: something bounds it there, the path or the instrument",
                time(greatest)
            ),
            Self::Coarse { exceedances, values } => {
                write!(
                    f,
                    "the {exceedances} latencies of the tail have {values} different values only: they are too coarse to fit"
                )
            }
            Self::RunsDisagree { fewest, most, runs } => write!(
                f,
                "the runs disagree: of {runs} runs one has {fewest} clusters of such latencies and one {most}; which of them the next run is like nobody knows"
            ),
            Self::ClustersDiffer { shape, greatest } => write!(
                f,
                "such latencies come in clusters, whose greatest have another tail (shape {greatest:.2}) than all of them (shape {shape:.2})"
            ),
        }
    }
}

fn times(chance: f64) -> String {
    if chance < 0.001 {
        "less than once in a thousand times".to_owned()
    } else {
        format!("{:.1} times in a hundred", chance * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_plain() {
        let said = TailWarning::Unstable { shape: 0.1, other: 0.55, threshold: 12_400.5 }.to_string();
        assert_eq!(
            said.replace('\u{a0}', " "),
            "the tail changes further out: its shape is 0.10 above the threshold chosen and 0.55 above 12.4 µs"
        );
        assert!(TailWarning::BadFit { chance: 0.0 }.to_string().contains("less than once in a thousand times"));
        assert_eq!(Period::Seconds(3_600).to_string(), "once an hour at this rate");
    }
}
