//! The agent: it paces, sends, receives, forwards and timestamps packets.
//!
//! An agent runs inside an environment and obeys orders that come over a byte stream ([`agent::agent`]). Its hot loops are
//! [`measure`] (load generator and sink) and [`forward`]; both are generic over a [`clock`] and a [`port`], so that the same code
//! runs on a wire and on a model of one. [`mod@function`] holds what a forwarder does with a frame,
//! [`bpf`] programs for the kernel, [`packet`] the wire formats, [`realtime`] what keeps a loop undisturbed, [`account`] whether it was, [`capture`] the timestamper, [`noise`] the
//! tests of how quiet a core is, [`load`] a neighbour that is not. [`program`] runs scripts, commands and shells besides.
//!
//! This is the only library of tailbed with `unsafe` code, and it is confined to the modules that allow it by name.

#![deny(unsafe_code)]

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!(
    "tailbed stamps packets by the x86 time-stamp counter and reads them from AF_PACKET rings: it needs Linux on x86_64"
);

pub mod account;
pub mod agent;
pub mod bpf;
pub mod capture;
pub mod clock;
pub mod forward;
pub mod function;
pub mod fuzz;
pub mod load;
pub mod measure;
pub mod noise;
pub mod packet;
pub mod ping_pong;
pub mod port;
pub mod program;
pub mod realtime;
pub mod stamping;
pub mod stop;

pub use agent::{AgentError, agent};
pub use ping_pong::{PingPong, RoundTrips, ping_pong};
