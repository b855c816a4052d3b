//! A script's text in memory, so that nothing is written to the node's file system: memfd_create(2).

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, memfd_create};

/// The descriptor under which an interpreter finds its script. Scripts like to use the low ones for files of their own.
pub(super) const SCRIPT: i32 = 9;

/// The path of that descriptor, as seen by the interpreter.
pub(super) const PATH: &str = "/proc/self/fd/9";

/// Makes a file in memory that holds the text.
pub(super) fn holding(text: &str) -> io::Result<OwnedFd> {
    let file = memfd_create("script", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(text.as_bytes())?;
    Ok(file.into())
}
