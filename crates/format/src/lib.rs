//! What more than one part of tailbed reads or writes.
//!
//! Values with units ([`mod@unit`]), the facts of a host ([`facts`], [`settings`]), what an agent is told to do ([`order`], [`stream`], [`traffic`], [`mod@function`]) and what it answers
//! ([`message`]), what is known of each packet ([`packet`]), what a run and a campaign amount to ([`summary`], [`knob`]) and how far a
//! campaign is ([`progress`]), and where all of it lies on disk ([`results`]). Nothing here opens a file, reads a clock or asks the kernel.

#![forbid(unsafe_code)]

pub mod capture;
pub mod cell;
pub mod clock;
pub mod contrast;
pub mod course;
pub mod extremes;
pub mod facts;
pub mod flow;
pub mod function;
pub mod fuzz;
pub mod imported;
pub mod knob;
pub mod lifecycle;
pub mod mac;
pub mod memory;
pub mod message;
pub mod noise;
pub mod order;
pub mod packet;
pub mod percentile;
pub mod port;
pub mod program;
pub mod progress;
pub mod proof;
pub mod recording;
pub mod results;
pub mod rounded;
pub mod settings;
pub mod slo;
pub mod stream;
pub mod summary;
pub mod throughput;
pub mod traffic;
pub mod udp;
pub mod unit;
pub mod validity;
