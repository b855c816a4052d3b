//! A program's standard input and outputs: pipes, or one terminal.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use tailbed_format::program::{Stream, TerminalSize};

use super::child::Descriptors;
use super::terminal;

/// Bytes that are told at a time.
const PART: usize = 32 << 10;

/// Our ends. What is closed is `None`.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) input: Option<OwnedFd>,
    pub(super) output: Option<OwnedFd>,
    pub(super) error: Option<OwnedFd>,
    /// Input and output are a terminal.
    terminal: bool,
    buffer: Vec<u8>,
}

/// The program's ends.
#[derive(Debug)]
pub(super) struct Theirs {
    input: OwnedFd,
    output: OwnedFd,
    error: Option<OwnedFd>,
    terminal: bool,
}

impl Theirs {
    pub(super) fn descriptors<'a>(&'a self, script: Option<BorrowedFd<'a>>) -> Descriptors<'a> {
        let output = self.output.as_fd();
        let error = self.error.as_ref().map_or(output, AsFd::as_fd);
        Descriptors { input: self.input.as_fd(), output, error, script, terminal: self.terminal }
    }
}

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// So many bytes, now in the buffer.
    Bytes(usize),
    /// Nothing at present.
    Nothing,
    /// The end: it is closed now.
    End,
}

impl Streams {
    /// Makes pipes, or a terminal of that size.
    pub(super) fn open(size: Option<TerminalSize>) -> Result<(Self, Theirs), String> {
        let buffer = vec![0; PART];
        if let Some(size) = size {
            let made = terminal::open(size)?;
            let copies = || {
                let ours = made.ours.try_clone()?;
                rustix::io::ioctl_fionbio(&ours, true)?;
                io::Result::Ok((ours, made.theirs.try_clone()?))
            };
            let (input, output) = copies().map_err(|error| format!("no terminal can be made: {error}"))?;
            let streams = Self { input: Some(input), output: Some(made.ours), error: None, terminal: true, buffer };
            return Ok((streams, Theirs { input: made.theirs, output, error: None, terminal: true }));
        }
        let made = || {
            let (their_input, input) = pipe_with(PipeFlags::CLOEXEC)?;
            let (output, their_output) = pipe_with(PipeFlags::CLOEXEC)?;
            let (error, their_error) = pipe_with(PipeFlags::CLOEXEC)?;
            for ours in [&input, &output, &error] {
                rustix::io::ioctl_fionbio(ours, true)?;
            }
            let streams = Self { input: Some(input), output: Some(output), error: Some(error), terminal: false, buffer };
            Ok((streams, Theirs { input: their_input, output: their_output, error: Some(their_error), terminal: false }))
        };
        made().map_err(|error: Errno| format!("no pipe can be made: {}", io::Error::from(error)))
    }

    /// Our side of the terminal, to be resized by others.
    pub(super) fn terminal(&self) -> Option<OwnedFd> {
        self.input.as_ref().filter(|_| self.terminal).and_then(|terminal| terminal.try_clone().ok())
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Reads what is there of an output.
    pub(super) fn read(&mut self, stream: Stream) -> Read {
        let source = if stream == Stream::Error { &mut self.error } else { &mut self.output };
        let Some(open) = source else { return Read::End };
        loop {
            match rustix::io::read(&*open, &mut self.buffer[..]) {
                Ok(count) if count > 0 => return Read::Bytes(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Read::Nothing,
                // a terminal without anybody on the other side says EIO
                _ => {
                    *source = None;
                    return Read::End;
                }
            }
        }
    }

    /// What the last read brought.
    pub(super) fn bytes(&self, count: usize) -> &[u8] {
        &self.buffer[..count]
    }

    /// Writes as much as the program takes at present.
    pub(super) fn write(&mut self, bytes: &mut VecDeque<u8>) {
        while let (Some(input), false) = (&self.input, bytes.is_empty()) {
            match rustix::io::write(input, bytes.as_slices().0) {
                Ok(count) => drop(bytes.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // it has closed its input, and reads no more
                Err(_) => {
                    self.input = None;
                    bytes.clear();
                }
            }
        }
    }

    /// Tells the program that no more input comes.
    pub(super) fn end_input(&mut self) {
        if self.terminal {
            // a terminal has no end; its end-of-file character (termios(3), VEOF) stands for it
            if let Some(input) = &self.input {
                let _ = rustix::io::write(input, &[4]);
            }
        } else {
            self.input = None;
        }
    }
}
