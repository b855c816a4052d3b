//! Results that other programs wrote, read into one form.
//!
//! Every reader here is a function of the file's text: it gives the distributions that the text holds, in nanoseconds, or the line it
//! does not understand. Which file it was, and what its name says of it ([`names`]), is the caller's.
//!
//! | format | written by | unit |
//! | --- | --- | --- |
//! | [`percentiles`] | the tables published with "Containing Low Tail-Latencies in Packet Processing Using Lightweight Virtualization" | ns |
//! | [`hgrm`] | HdrHistogram's `outputPercentileDistribution` | not in the file, unless tailbed wrote it |
//! | [`histogram`] | buckets and counts as CSV, `tailbed analyze` among others | ns |
//! | [`cyclictest`] | `cyclictest -h` and `cyclictest -q` | µs, with `-N` ns |
//! | [`sockperf`] | sockperf's summary, and its `--full-log` | µs |

pub mod cyclictest;
mod fault;
pub mod hgrm;
pub mod histogram;
pub mod names;
mod number;
pub mod percentiles;
pub mod sockperf;
pub mod summary;

use tailbed_format::summary::Parameter;

use crate::counter::Counter;

pub use fault::Fault;
pub use number::Scale;

/// Which program's output a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// HdrHistogram's percentile table.
    Hgrm,
    /// Percentiles as CSV.
    Percentiles,
    /// sockperf's summary or full log.
    Sockperf,
    /// cyclictest's histogram or summary.
    Cyclictest,
    /// Buckets and counts as CSV.
    Histogram,
}

impl Format {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Hgrm, Self::Percentiles, Self::Sockperf, Self::Cyclictest, Self::Histogram];

    /// As it is called on the command line and in `imported.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hgrm => "hgrm",
            Self::Percentiles => "percentiles",
            Self::Sockperf => "sockperf",
            Self::Cyclictest => "cyclictest",
            Self::Histogram => "histogram",
        }
    }

    /// What a text looks like by its first lines; `None` when like nothing that is known.
    pub fn of(text: &str) -> Option<Self> {
        let looks = |format: &Self| match format {
            Self::Hgrm => hgrm::is_like(text),
            Self::Percentiles => percentiles::is_like(text),
            Self::Sockperf => sockperf::is_like(text),
            Self::Cyclictest => cyclictest::is_like(text),
            Self::Histogram => histogram::is_like(text),
        };
        Self::ALL.into_iter().find(looks)
    }
}

/// A distribution that a file holds, times in ns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Read {
    /// What tells it from others in the same file, such as cyclictest's `thread`.
    pub parameters: Vec<Parameter>,
    /// How many values it stands for, where the file says so.
    pub count: Option<u64>,
    /// The least value, where the file says so.
    pub minimum: Option<u64>,
    /// The greatest value, where the file says so.
    pub maximum: Option<u64>,
    /// A share of all values, 0 to 1, and the value it is at or below; both ascending.
    pub percentiles: Vec<(f64, u64)>,
    /// Values or buckets with how often each occurred, ascending; empty where the file does not say.
    pub counts: Vec<(u64, u64)>,
    /// What a reader must know of it, a sentence.
    pub note: Option<String>,
}

impl Read {
    /// Of values that are all known, with the percentiles of every table.
    pub fn of_counter(counter: &Counter) -> Self {
        Self {
            count: Some(counter.count()),
            minimum: counter.minimum(),
            maximum: counter.maximum(),
            percentiles: summary::points(counter),
            counts: counter.iter().collect(),
            ..Self::default()
        }
    }
}

/// Reads a text as `format`; `scale` is the unit of its values where the file does not say, or says so wrongly.
///
/// # Errors
/// The first line that cannot be understood, or why the whole cannot; [`Fault::is_empty`] when it holds no value at all.
pub fn read(text: &str, format: Format, scale: Option<Scale>) -> Result<Vec<Read>, Fault> {
    match format {
        Format::Hgrm => hgrm::read(text, scale).map(|read| vec![read]),
        Format::Percentiles => percentiles::read(text, scale).map(|read| vec![read]),
        Format::Sockperf => sockperf::read(text, scale),
        Format::Cyclictest => cyclictest::read(text, scale),
        Format::Histogram => histogram::read(text, scale).map(|read| vec![read]),
    }
}

/// Lines with their numbers from 1, without the byte order mark and line ends of other systems.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.trim_start_matches('\u{feff}').lines().map(str::trim).enumerate().map(|(at, line)| (at + 1, line))
}

#[cfg(test)]
mod tests;
