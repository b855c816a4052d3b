//! Where what a program prints, and how it ends, goes.

use std::io::{self, BufWriter, Write};
use std::sync::Mutex;

use tailbed_format::message::{Reply, write_file, write_message, write_stream};
use tailbed_format::program::{Exit, Stream};

use super::lock;

/// Hears of programs. Each method may be called from any thread, and blocks as long as the listener cannot take more: the program then
/// waits as well.
pub trait Listener: Send + Sync + 'static {
    /// A program has printed something; at most 32 KiB at a time.
    ///
    /// # Errors
    /// When nobody listens any more.
    fn printed(&self, session: u32, stream: Stream, bytes: &[u8]) -> io::Result<()>;

    /// A program has ended, and all it printed was told.
    ///
    /// # Errors
    /// When nobody listens any more.
    fn ended(&self, session: u32, exit: &Exit) -> io::Result<()>;

    /// A part of a file of the results folder.
    ///
    /// # Errors
    /// When nobody listens any more.
    fn file(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// All files were told.
    ///
    /// # Errors
    /// When nobody listens any more.
    fn collected(&self, files: u32, left_out: Vec<String>) -> io::Result<()>;
}

/// An agent's output, shared by all who answer: each frame is written whole.
#[derive(Debug)]
pub(crate) struct Output<W: Write>(Mutex<BufWriter<W>>);

impl<W: Write> Output<W> {
    /// Nothing is written yet.
    pub(crate) fn new(output: W) -> Self {
        Self(Mutex::new(BufWriter::with_capacity(1 << 16, output)))
    }

    /// Writes one frame.
    pub(crate) fn frame(&self, write: impl FnOnce(&mut BufWriter<W>) -> io::Result<()>) -> io::Result<()> {
        write(&mut lock(&self.0))
    }

    /// Answers.
    pub(crate) fn reply(&self, reply: &Reply) -> io::Result<()> {
        self.frame(|out| write_message(out, reply))
    }
}

impl<W: Write + Send + 'static> Listener for std::sync::Arc<Output<W>> {
    fn printed(&self, session: u32, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        self.frame(|out| write_stream(out, session, stream, bytes))
    }

    fn ended(&self, session: u32, exit: &Exit) -> io::Result<()> {
        self.reply(&Reply::Exited { session, exit: exit.clone() })
    }

    fn file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.frame(|out| write_file(out, name, bytes))
    }

    fn collected(&self, files: u32, left_out: Vec<String>) -> io::Result<()> {
        self.reply(&Reply::Collected { files, left_out })
    }
}
