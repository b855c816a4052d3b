//! Network functions: what becomes of a frame between receiving and sending. One file a function.
//!
//! The loop ([`crate::forward`]) is compiled for each function by itself. Tables are made before the first packet and shared by all
//! workers; nothing is allocated and no lock taken afterwards.

mod bng;
mod buffer;
mod exits;
mod filter;
mod l2fwd;
mod l3fwd;
mod none;
mod reflect;
mod router;
mod routes;

use tailbed_format::function::{Reason, Table, WrongLine};

pub use bng::Bng;
pub use buffer::Buffer;
pub use exits::{Exit, Exits};
pub use filter::Filter;
pub use l2fwd::L2fwd;
pub use l3fwd::L3fwd;
pub use none::None;
pub use reflect::Reflect;
pub use routes::{Forwarding, generated as generated_routes};

/// Most frames that a function looks ahead at a time.
pub const AHEAD: usize = 32;

/// A network function, with all that it works by.
pub trait NetworkFunction {
    /// Bytes the function may need before and after a frame, besides its own; 0 when the frame is changed in place.
    const ROOM: usize = 0;

    /// Whether looking ahead is of any use.
    const LOOKS_AHEAD: bool = false;

    /// Reads what its tables hold for frames that have come in by a rule and are to be worked on next, in this order: side by side, so that
    /// the waits for memory pass at the same time instead of one after the other. What becomes of a frame does not depend on it; only
    /// the first [`AHEAD`] frames are looked at.
    #[inline]
    fn look_ahead<'a>(&mut self, _frames: impl Iterator<Item = &'a [u8]>, _rule: usize) {}

    /// Works on a frame that came in by the rule of this number.
    ///
    /// # Errors
    /// Why the frame is not sent on. It may be half changed then.
    fn process(&mut self, frame: &mut Buffer<'_>, rule: usize) -> Result<Exit, Reason>;
}

/// A function's tables cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A line of a text.
    #[error(transparent)]
    Line(#[from] WrongLine),
    /// A file's name came where its text was expected.
    #[error("the order names the file {0} and does not hold its text, which is an error in tailbed")]
    NotRead(String),
    /// Too many to look for at once.
    #[error("the rules' payloads cannot be looked for: {0}; give the filter fewer or shorter ones")]
    Payloads(String),
}

/// Whether bytes begin with an IPv4 header of right version, lengths and checksum.
pub(crate) fn holds_header(packet: &[u8]) -> bool {
    router::header(packet).is_ok()
}

/// The lines of a table, made or read.
fn entries<T>(
    table: &Table,
    generate: impl FnOnce(u32, u64) -> Vec<T>,
    read: impl FnOnce(&str, &str) -> Result<Vec<T>, WrongLine>,
) -> Result<Vec<T>, TableError> {
    match table {
        Table::Generated { count, seed } => Ok(generate(*count, *seed)),
        Table::File(path) => Err(TableError::NotRead(path.clone())),
        Table::Text { name, text } => Ok(read(name, text)?),
    }
}
