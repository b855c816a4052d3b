//! Our own input, outputs and signals, attached to a program in a node.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;
use tailbed_format::message::{Frame, read_frame, write_message, write_stream};
use tailbed_format::program::Stream;

use super::protocol::{Answer, Ask};
use super::terminal::{self, Terminal};
use crate::failure::Failure;

/// The exit status of a program whose reader has gone, as of one that SIGPIPE ended.
const BROKEN_PIPE: u8 = 128 + 13;

/// How it is attached.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attachment {
    /// The program has a terminal; where ours is one, every key is for the program.
    pub(super) terminal: bool,
    /// The key that detaches.
    pub(super) escape: Option<u8>,
}

/// To the keeper, by turns.
#[derive(Clone)]
struct Line(Arc<Mutex<UnixStream>>);

impl Line {
    fn say(&self, write: impl FnOnce(&mut UnixStream) -> io::Result<()>) -> io::Result<()> {
        write(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Passes everything on until the end; returns the keeper's last word, `None` after the key that detaches.
pub(super) fn attach(stream: &UnixStream, attachment: Attachment) -> Result<Option<Answer>, Failure> {
    let lent = attachment.terminal && Terminal::is_there();
    let mut signals = Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGWINCH]).context("cannot watch for signals")?;
    let ours = Arc::new(if lent { Some(Terminal::lend()?) } else { None });
    let line = Line(Arc::new(Mutex::new(stream.try_clone().context("cannot speak to the lab's keeper")?)));
    let detached = Arc::new(AtomicBool::new(false));

    let (to, terminal) = (line.clone(), Arc::clone(&ours));
    let pass_signals = move || {
        if lent {
            to.say(|out| write_message(out, &Ask::Resize(terminal::size()))).ok();
        }
        for signal in signals.forever() {
            // one that cannot be passed on comes too late
            match signal {
                SIGWINCH if lent => to.say(|out| write_message(out, &Ask::Resize(terminal::size()))).ok(),
                SIGWINCH => None,
                // not from the keyboard, whose keys are all the program's, but meant for us
                _ if lent || signal == SIGHUP => {
                    if let Some(terminal) = &*terminal {
                        terminal.give_back();
                    }
                    std::process::exit(128 + signal);
                }
                _ => to.say(|out| write_message(out, &Ask::Signal(signal))).ok(),
            };
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(pass_signals).context("cannot start a thread")?;
    let (to, escaped) = (line, Arc::clone(&detached));
    let pass_input = move || pass_input(&to, attachment.escape.filter(|_| lent), &escaped);
    std::thread::Builder::new().name("input".to_owned()).spawn(pass_input).context("cannot start a thread")?;

    let last = pass_output(stream);
    if let Some(terminal) = &*ours {
        terminal.give_back();
    }
    if detached.load(Ordering::Relaxed) { Ok(None) } else { last }
}

fn pass_input(line: &Line, escape: Option<u8>, detached: &AtomicBool) {
    let mut buffer = vec![0; 32 << 10];
    loop {
        let count = match io::stdin().lock().read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // no input at all is an ended one
            Err(_) => 0,
        };
        let bytes = &buffer[..count];
        let end = escape.and_then(|escape| bytes.iter().position(|&byte| byte == escape));
        let bytes = &bytes[..end.unwrap_or(count)];
        let said =
            if end.is_none() || !bytes.is_empty() { line.say(|out| write_stream(out, 0, Stream::Input, bytes)) } else { Ok(()) };
        if end.is_some() {
            detached.store(true, Ordering::Relaxed);
            line.say(|out| out.shutdown(Shutdown::Both)).ok();
        }
        if count == 0 || end.is_some() || said.is_err() {
            return;
        }
    }
}

fn pass_output(mut stream: &UnixStream) -> Result<Option<Answer>, Failure> {
    let gone = || anyhow::anyhow!("the lab was taken down, or its keeper was killed");
    loop {
        let written = match read_frame(&mut stream).map_err(|error| anyhow::Error::from(error).context(gone()))? {
            None => return Err(gone().into()),
            Some(Frame::Json(body)) => {
                return Ok(Some(serde_json::from_slice(&body).context("cannot understand the lab's keeper")?));
            }
            Some(Frame::Stream { stream: Stream::Error, bytes, .. }) => io::stderr().write_all(&bytes),
            Some(Frame::Stream { bytes, .. }) => {
                let mut out = io::stdout().lock();
                out.write_all(&bytes).and_then(|()| out.flush())
            }
            Some(_) => Ok(()),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(Failure::Program(BROKEN_PIPE)),
            written => written.context("cannot pass on what the program prints")?,
        }
    }
}
