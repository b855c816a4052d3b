//! A link in memory that both of its ends share: two rings, one for each direction, in one file.
//!
//! A ring has one sender and one receiver. The file is, in the byte order of the machine:
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | `tbmemory` |
//! | 8 | 4 | version of this layout, 1 |
//! | 12 | 4 | slots of each ring, a power of two |
//! | 16 | 4 | bytes of a slot, a power of two |
//! | 24 | 8 | bytes of the file, a power of two |
//! | 1024 | 1024 | where the first ring stands, by which the near end sends |
//! | 2048 | 1024 | where the second stands, by which the far end sends |
//! | 4096 | slots · slot | slots of the first ring |
//! | | slots · slot | slots of the second |
//!
//! Of where a ring stands: 0 frames sent (8 bytes, the sender's), 8 frames that found no room (8 bytes, the sender's), 128 frames taken (8
//! bytes, the receiver's), 256 the bell (4 bytes). Numbers of different owners are two cache lines apart, since processors fetch lines in
//! pairs. They count up for ever; the slot of frame *n* is *n* modulo slots. A slot has the frame's length (4 bytes), 4 bytes that are zero,
//! the stamp (8 bytes), the frame.
//!
//! A frame is copied in by its sender and out by its receiver. The number of frames sent is written with release order after the slot, and
//! that of frames taken after the slot was read, so neither reads what the other still writes. Whatever the other end writes, this one
//! reads within the file and from memory of its own: all of the file is read and written as atomic words, numbers are checked before
//! they are used, and a frame is judged by its copy. What checking cannot mend is a file that is cut short under way: then the kernel ends
//! the process (SIGBUS, mmap(2)).
//!
//! A frame for which there is no room is lost, as in the queue of a network card: the sender counts it where the receiver can read it, and
//! goes on.

mod file;
mod hostile;
mod layout;
mod mapping;
mod receiver;
mod sender;
mod sleep;
#[cfg(test)]
mod tests;

use tailbed_format::memory::{Geometry, MemoryPort};

pub use file::lay_out;
pub(crate) use hostile::rings;
pub use receiver::MemoryReceiver;
pub use sender::MemorySender;
pub(crate) use sleep::rest;

use layout::Pair;

/// A file that both ends of a link share cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It cannot be opened or mapped.
    #[error("memory link `{name}`: cannot {what} {path}: {source}")]
    Open {
        /// The port.
        name: String,
        /// What was being done.
        what: &'static str,
        /// The file.
        path: String,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// It is no file of this layout.
    #[error("memory link `{name}`: {path} does not hold a pair of rings: {reason}; it is made anew for each run, so run again")]
    NotOurs {
        /// The port.
        name: String,
        /// The file.
        path: String,
        /// What is wrong with it, with the value found.
        reason: String,
    },
}

/// What the file of a port holds, mapped and checked.
fn attach(port: &MemoryPort) -> Result<Pair, MemoryError> {
    let failed = |what| {
        let (name, path) = (port.name.clone(), port.path.clone());
        move |source| MemoryError::Open { name, what, path, source }
    };
    let file = file::open(&port.path).map_err(failed("open"))?;
    let mapping = mapping::Mapping::of(&file).map_err(failed("map"))?;
    Pair::read(mapping).map_err(|reason| MemoryError::NotOurs { name: port.name.clone(), path: port.path.clone(), reason })
}

/// The number of bytes that a file of these rings must have at least.
fn needed(geometry: Geometry) -> u64 {
    geometry.used()
}
