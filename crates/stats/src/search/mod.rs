//! Searches for throughput as pure state machines: they say which trial to make next, and are told what came of it.
//!
//! ```text
//! next() -> TrialInput ── whoever makes trials ──> tell(input, Sent { sent, lost })
//! ```
//!
//! Neither I/O nor clock nor chance: the same answers give the same trials. A trial that does not count is not told; asked again, the
//! machine wants the same one. [`mlrsearch`] is RFC 9971, [`bisection`] RFC 2544, [`burst`] RFC 9004.

pub mod bisection;
pub mod burst;
pub mod classify;
pub mod mlrsearch;
mod seeker;
pub(crate) mod summary;
pub mod width;

use tailbed_format::throughput::{Bounds, BurstFound, Goal, GoalFound, Method, Purpose, SearchOrder};

pub use summary::{ended, label, summarise_searches};

use bisection::ThroughputBisection;
use burst::BurstSearch;
use mlrsearch::Mlrsearch;

/// A trial to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialInput {
    /// What for.
    pub purpose: Purpose,
    /// Packets per second.
    pub rate: u64,
    /// How long packets are sent, ns.
    pub duration: u64,
    /// How many packets that makes.
    pub packets: u64,
}

impl TrialInput {
    /// A trial of a load.
    pub fn load(rate: u64, duration: u64) -> Self {
        let packets = u64::try_from(u128::from(rate) * u128::from(duration) / 1_000_000_000).unwrap_or(u64::MAX);
        Self { purpose: Purpose::Load, rate, duration, packets }
    }

    /// A burst of so many packets.
    pub fn burst(rate: u64, packets: u64) -> Self {
        Self { purpose: Purpose::Burst, rate, duration: time_of(packets, rate), packets }
    }
}

/// The least time in which a schedule of a rate holds so many packets, ns.
pub fn time_of(packets: u64, rate: u64) -> u64 {
    u64::try_from((u128::from(packets) * 1_000_000_000).div_ceil(u128::from(rate.max(1)))).unwrap_or(u64::MAX)
}

/// What a valid trial showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Packets sent, at least 1.
    pub sent: u64,
    /// Packets of them that did not come back, at most all.
    pub lost: u64,
}

impl Sent {
    /// Whether more than a share, ppm, was lost. Exact.
    pub fn exceeds(self, ppm: u32) -> bool {
        u128::from(self.lost) * 1_000_000 > u128::from(self.sent) * u128::from(ppm)
    }
}

/// A search under way.
#[derive(Debug, Clone)]
pub enum Search {
    /// For several goals.
    Goals(Mlrsearch),
    /// For the highest rate without loss.
    Throughput(ThroughputBisection),
    /// For that, then for the longest burst without loss.
    Bursts(BurstSearch),
}

impl Search {
    /// A search that has not begun.
    pub fn new(order: &SearchOrder) -> Self {
        let SearchOrder { minimum, maximum, .. } = *order;
        match &order.method {
            Method::Mlrsearch(goals) => Self::Goals(Mlrsearch::new(goals, minimum, maximum)),
            Method::Rfc2544(bisection) => Self::Throughput(ThroughputBisection::new(bisection, minimum, maximum)),
            Method::BackToBack { throughput, longest, .. } => {
                Self::Bursts(BurstSearch::new(ThroughputBisection::new(throughput, minimum, maximum), maximum, *longest))
            }
        }
    }

    /// The trial it wants next; `None` when it has found what it sought. Asked again without being told, it wants the same.
    pub fn next(&self) -> Option<TrialInput> {
        match self {
            Self::Goals(search) => search.next(),
            Self::Throughput(search) => search.next(),
            Self::Bursts(search) => search.next(),
        }
    }

    /// Takes into account what came of a trial.
    pub fn tell(&mut self, trial: TrialInput, sent: Sent) {
        match self {
            Self::Goals(search) => search.tell(trial, sent),
            Self::Throughput(search) => search.tell(trial, sent),
            Self::Bursts(search) => search.tell(trial, sent),
        }
    }

    /// The goals, in order.
    pub fn goals(&self) -> Vec<Goal> {
        match self {
            Self::Goals(search) => search.goals().cloned().collect(),
            Self::Throughput(search) => vec![search.goal().clone()],
            Self::Bursts(search) => vec![search.throughput().goal().clone()],
        }
    }

    /// Names of the goals whose loss ratio a trial exceeded.
    pub fn exceeded(&self, sent: Sent) -> Vec<String> {
        self.goals().into_iter().filter(|goal| sent.exceeds(goal.loss)).map(|goal| goal.name).collect()
    }

    /// Where it stands, goal by goal; of bursts, where the burst stands.
    pub fn bounds(&self) -> Vec<Bounds> {
        match self {
            Self::Goals(search) => search.found().into_iter().map(|found| found.bounds).collect(),
            Self::Throughput(search) => vec![search.found().bounds],
            Self::Bursts(search) if search.throughput().next().is_none() => search.bursts().into_iter().collect(),
            Self::Bursts(search) => vec![search.throughput().found().bounds],
        }
    }

    /// What was found so far, goal by goal.
    pub fn found(&self) -> Vec<GoalFound> {
        match self {
            Self::Goals(search) => search.found(),
            Self::Throughput(search) => vec![search.found()],
            Self::Bursts(search) => vec![search.throughput().found()],
        }
    }

    /// The longest burst found so far, where one is sought.
    pub fn burst(&self) -> Option<BurstFound> {
        match self {
            Self::Bursts(search) => search.found(),
            _ => None,
        }
    }
}
