//! The subcommand `report` on folders of campaigns over simulated wires: whole, several, damaged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod damaged;
mod formats;
mod rebuilt;
mod support;
