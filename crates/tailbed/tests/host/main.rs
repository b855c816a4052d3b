//! Tests on the real host: namespaces, containers, packets. They need root; without it they are skipped, with the reason, and
//! `TAILBED_REQUIRE_HOST_TESTS=1` turns a skip into a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod capture;
mod confined;
mod container;
mod deaths;
mod docker;
mod functions;
mod golden;
mod hardware;
mod image;
mod interrupted;
mod killed;
mod knobs;
mod lab;
mod links;
mod lives;
mod lxc;
mod noise;
mod orphans;
mod own_network;
mod patterns;
mod ports;
mod proof;
mod rebuilt;
mod recovered;
mod scripts;
mod stalled;
mod stamps;
mod streams;
mod support;
mod throughput;
mod udp;
mod unprivileged;
mod vm;
mod vm_root;
