//! How the repeats of a cell differ: what that makes of its intervals, whether they fall apart into two kinds, whether they drift.

pub mod drift;
pub mod hierarchical;
pub mod modes;
pub mod words;
