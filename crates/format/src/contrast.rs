//! How two cells of a campaign compare, and what may be said of it.

use serde::{Deserialize, Serialize};

use crate::percentile::Percentile;

/// How two cells compare at one percentile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// The cell compared against.
    pub base: usize,
    /// The cell compared.
    pub other: usize,
    /// At which percentile.
    pub percentile: Percentile,
    /// Repeats with a value, of the cell that has fewer.
    pub pairs: u32,
    /// How far the runs of other lie above those of base, ns.
    pub difference: i64,
    /// Bounds of its distribution-free interval, ns.
    pub low: i64,
    /// See `low`.
    pub high: i64,
    /// Confidence of the interval: 0.95 or more, or what so few repeats reach.
    pub confidence: f64,
    /// Other over base, with its interval, of the same confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// Probability of runs as far apart by chance, for all comparisons of the campaign together (Holm 1979).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// Probability that a packet of other is slower than one of base, equal ones counted half; the same at each percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slower: Option<f64>,
    /// How many repeats of each could tell, where there are not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<u32>,
    /// What may be said.
    pub verdict: Verdict,
}

/// A ratio and the bounds of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The estimate.
    pub estimate: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// What may be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It takes longer, by more than the instrument's floor.
    Slower,
    /// It takes less long, by more than the instrument's floor.
    Faster,
    /// No difference was shown: if there is one, it is no larger than the farther bound of the interval.
    NotShown,
    /// There is a difference, smaller than the instrument's own floor: it is not claimed.
    BelowFloor,
    /// Too few repeats to show any difference, however large.
    NotEnough,
}
