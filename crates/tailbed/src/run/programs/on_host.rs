//! Scripts on the host: our own children, run as an agent runs its programs and heard by the same frames.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tailbed_format::message::{Frame, Reply};
use tailbed_format::program::{Exit, Program, Stream};
use tailbed_traffic::program::{Listener, Programs};
use tailbed_traffic::realtime;

/// The host's side.
pub(super) struct OnHost {
    programs: Programs<Frames>,
    heard: Option<Receiver<Frame>>,
}

impl OnHost {
    /// Nothing runs yet.
    pub(super) fn new() -> Self {
        let (sender, heard) = sync_channel(64);
        Self { programs: Programs::new(Frames(sender)), heard: Some(heard) }
    }

    /// Starts a script, without input.
    pub(super) fn execute(&self, session: u32, program: Program) {
        // where we may run by now: cores may be a node's own since
        self.programs.keep_to(realtime::home());
        self.programs.execute(session, program);
        self.programs.input(session, Vec::new());
    }

    /// Sends a signal to all processes of a script.
    pub(super) fn signal(&self, session: u32, signal: i32) {
        self.programs.signal(session, signal);
    }

    /// The next frame, or `None` when none comes in time.
    pub(super) fn receive(&self, patience: Duration) -> Option<Frame> {
        self.heard.as_ref()?.recv_timeout(patience).ok()
    }

    /// Ends everything that scripts have left running.
    pub(super) fn end(&mut self) {
        // a script that waits for us to listen must not wait for ever
        self.heard = None;
        self.programs.end();
    }
}

/// Makes frames of what is heard.
struct Frames(SyncSender<Frame>);

impl Frames {
    fn send(&self, frame: Frame) -> io::Result<()> {
        self.0.send(frame).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Listener for Frames {
    fn printed(&self, session: u32, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        self.send(Frame::Stream { session, stream, bytes: bytes.to_vec() })
    }

    fn ended(&self, session: u32, exit: &Exit) -> io::Result<()> {
        self.send(Frame::Json(serde_json::to_vec(&Reply::Exited { session, exit: exit.clone() })?))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.send(Frame::File { name: name.to_owned(), bytes: bytes.to_vec() })
    }

    fn collected(&self, files: u32, left_out: Vec<String>) -> io::Result<()> {
        self.send(Frame::Json(serde_json::to_vec(&Reply::Collected { files, left_out })?))
    }
}
