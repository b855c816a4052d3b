//! A lab: the environments and links of an experiment, kept up to stand in.
//!
//! ```text
//! tailbed up ──starts──> keeper ──> host, agents          as in a run, but without load
//! ls, exec, shell, console, down ──socket──> keeper
//! ```
//!
//! The keeper is this same program in a session of its own. It holds the state folder and the journal as a run does, so no run can begin
//! beside it, and what it made is taken back by `down`, or by `clean` when it was killed.

mod attached;
mod bring_up;
mod client;
mod console;
mod descriptors;
mod down;
mod exec;
mod keeper;
mod list;
mod look;
mod node;
mod outbox;
mod place;
mod protocol;
mod serve;
mod shell;
mod terminal;
mod up;

pub(crate) use console::console;
pub(crate) use down::down;
pub(crate) use exec::exec;
pub(crate) use keeper::keep;
pub(crate) use list::ls;
pub(crate) use place::{clear_away, is_up, record};
pub(crate) use shell::shell;
pub(crate) use up::up;
