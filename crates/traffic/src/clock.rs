//! Time: a counter to stamp with, and its relation to the kernel's clocks.
//!
//! A packet loop reads ticks of a [`Clock`]; they become nanoseconds only after the run, on a [`Timeline`] laid through
//! [`Sighting`]s taken from before the first packet until after the last.

mod sighting;
mod timeline;
mod tsc;

pub use sighting::Sighting;
pub use timeline::Timeline;
pub use tsc::{Tsc, is_invariant};

/// A source of time.
pub trait Clock {
    /// Ticks since some fixed moment; never goes back.
    fn ticks(&self) -> u64;

    /// Reads ticks and both kernel clocks as of one instant, once.
    fn sight(&self) -> Sighting;

    /// The tightest of several readings: the one least disturbed while it was made.
    fn sight_tightest(&self, tries: u32) -> Sighting {
        (1..tries).map(|_| self.sight()).fold(self.sight(), Sighting::tighter)
    }
}
