//! What the tests and the bench share: the other end of an agent's stream, and networks to measure in.

#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod client;
pub(crate) mod network;
pub(crate) mod programs;
