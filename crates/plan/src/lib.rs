//! Pure planning: an experiment file and the facts of a host in, the runs with their steps and orders out.

#![forbid(unsafe_code)]

pub mod plan;
pub mod step;
