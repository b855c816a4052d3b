//! Pure planning: an experiment file and the facts of a host in, the runs with their steps and orders out.
//!
//! ```text
//! text ── document, sweep ──> experiment ── setup ──> what each combination means
//!                                             │
//!              facts ── placement ── knob ─────┴── campaign ──> plan: cells, runs, steps, orders ── describe, drawing
//! ```
//!
//! No file is opened, no clock read, no process started, no environment looked at: everything comes in as arguments.

#![forbid(unsafe_code)]

mod campaign;
pub mod check;
mod describe;
mod document;
mod drawing;
pub mod experiment;
pub mod fuzz;
pub mod knob;
pub mod placement;
pub mod plan;
mod random;
pub mod recipe;
mod schema;
mod setup;
pub mod step;
mod sweep;
mod text;

pub use campaign::{MOST_RUNS, check_host, plan};
pub use describe::{describe, steps_text};
pub use document::settings;
pub use drawing::draw;
pub use schema::schema;
pub use text::error::{PlanError, Report};
pub use text::{Overrides, Source};
