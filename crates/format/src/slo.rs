//! Deadlines: which share of which packets must arrive within what time, and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::percentile::Percentile;
use crate::unit::Time;

/// A deadline as it is asked for: `[[slo]]` of the experiment file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slo {
    /// Whose packets.
    pub subject: Subject,
    /// The share of the packets sent that must arrive in time.
    pub percentile: Percentile,
    /// A packet is in time when its latency is below this, ns. One that is lost is not.
    pub below: u64,
}

/// Whose packets a deadline is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// All that are sent.
    All,
    /// Those of a stream, by its name.
    Stream(String),
    /// Those of a flow, by its number through all streams, as in `flows.csv`.
    Flow(u32),
}

impl Slo {
    /// The share of packets that may be late or lost, ppm.
    pub fn allowed(&self) -> u32 {
        1_000_000 - self.percentile.ppm()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all packets"),
            Self::Stream(name) => write!(f, "stream {name}"),
            Self::Flow(number) => write!(f, "flow {number}"),
        }
    }
}

impl fmt::Display for Slo {
    /// As the file has it: `below 500µs at 99.9999%`, and before it whose packets where it is not all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.subject != Subject::All {
            write!(f, "{}: ", self.subject)?;
        }
        let percentile = self.percentile.to_string();
        write!(f, "below {} at {}%", Time(self.below), percentile.trim_start_matches('p'))
    }
}

/// What became of a deadline in one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SloResult {
    /// The deadline.
    pub slo: Slo,
    /// The cell.
    pub cell: usize,
    /// What may be said.
    pub verdict: SloVerdict,
    /// The figures behind it, a sentence without its full stop.
    pub why: String,
    /// The packets of all valid runs.
    pub pooled: SloCount,
    /// The packets of each valid run by themselves.
    pub repeats: Vec<SloRepeat>,
    /// So many packets more would decide, if as many of them are late as of these; `None` where it is decided, or more packets would not
    /// decide it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<u64>,
    /// What a tail fitted beyond the data says of it, a sentence; never part of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// What may be said of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SloVerdict {
    /// The whole interval of the share that was late lies at or below what is allowed.
    Held,
    /// The interval holds what is allowed, or repeats disagree, or there are no packets.
    Undecided,
    /// The whole interval lies above what is allowed.
    Missed,
}

impl fmt::Display for SloVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::Undecided => "cannot be decided",
            Self::Missed => "missed",
        })
    }
}

/// One run's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SloRepeat {
    /// Name of the run's folder.
    pub run: String,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// What could be said if there were no other.
    pub verdict: SloVerdict,
    /// Its packets.
    pub count: SloCount,
}

/// Packets held against a deadline, warm-up left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SloCount {
    /// Packets sent.
    pub sent: u64,
    /// Packets that arrived, but not in time.
    pub late: u64,
    /// Packets that never arrived.
    pub lost: u64,
    /// In how many bursts the late and lost ones came, by the extremal index (Ferro and Segers 2003).
    pub bursts: u64,
    /// Lower bound of the 95 % interval of the share that is late or lost, 0 to 1.
    pub low: f64,
    /// Upper bound of it, 0 to 1.
    pub high: f64,
}

impl SloCount {
    /// Late and lost ones together.
    pub fn above(&self) -> u64 {
        self.late.saturating_add(self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_reads_as_the_file_has_it() {
        let percentile = Percentile::from_ppm(999_999).unwrap();
        let slo = Slo { subject: Subject::All, percentile, below: 500_000 };
        assert_eq!(slo.to_string(), "below 500µs at 99.9999%");
        let slo = Slo { subject: Subject::Stream("video".to_owned()), percentile, below: 1_500_000 };
        assert_eq!((slo.to_string().as_str(), slo.allowed()), ("stream video: below 1.5ms at 99.9999%", 1));
    }
}
