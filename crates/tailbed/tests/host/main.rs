//! Tests on the real host: namespaces, containers, packets. They need root; without it they are skipped, with the reason, and
//! `TAILBED_REQUIRE_HOST_TESTS=1` turns a skip into a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod container;
mod docker;
mod interrupted;
mod killed;
mod lxc;
mod own_network;
mod recovered;
mod support;
mod unprivileged;
