//! Pure statistics of tails: from records or captures to exact percentiles with intervals, comparisons, plots and the report.
//!
//! ```text
//! departures, arrivals -> matching -> tally -> run -> campaign -> report, plot
//! two captures -> capture -> analysis ---------------------/
//! records of cores -> noise -------------------------------/
//! results of others -> import -> compare, factor, report
//!                    counter, interval, course, hgrm: used by both
//! run: extremes, slo: the tail beyond the data, and deadlines
//! ```
//!
//! Nothing here opens a file, reads a clock, starts a thread or asks the host: the same input gives the same output.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod campaign;
pub mod capture;
pub mod compare;
pub mod counter;
pub mod course;
mod escape;
pub mod extremes;
pub mod factor;
pub mod flow;
pub mod fuzz;
pub mod hgrm;
pub mod hlog;
pub mod import;
pub mod imported;
pub mod interval;
pub mod life;
pub mod matching;
pub mod noise;
pub mod plot;
pub mod proof;
pub mod repeats;
pub mod report;
pub mod ro_crate;
pub mod run;
pub mod search;
pub mod slo;
pub mod stream;
pub mod tally;
pub mod timeline;
pub mod worst;
