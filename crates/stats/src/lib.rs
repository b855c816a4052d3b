//! Pure statistics of tails: from records or captures to exact percentiles with intervals, comparisons, plots and the report.
//!
//! ```text
//! departures, arrivals -> matching -> run -> campaign ----> report, plot
//! two captures -> capture -> analysis ------------------/
//! records of cores -> noise ----------------------------/
//!                    counter, interval, hgrm: used by both
//! ```
//!
//! Nothing here opens a file, reads a clock, starts a thread or asks the host: the same input gives the same output.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod campaign;
pub mod capture;
pub mod compare;
pub mod counter;
pub mod flow;
pub mod fuzz;
pub mod hgrm;
pub mod interval;
pub mod life;
pub mod matching;
pub mod noise;
pub mod plot;
pub mod proof;
pub mod report;
pub mod run;
pub mod search;
pub mod stream;
