//! What an agent hears: one stream, spoken into by whoever has something to say to it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tailbed_format::message::{Command, write_message};

type Input = Box<dyn Write + Send>;

/// An agent's input, shared by all who speak to it: each frame is written whole.
#[derive(Clone)]
pub(crate) struct Voice(Arc<Mutex<Option<Input>>>);

impl Voice {
    pub(super) fn new(input: Input) -> Self {
        Self(Arc::new(Mutex::new(Some(input))))
    }

    /// Says something; waits while others speak, and as long as the agent does not listen.
    pub(crate) fn say(&self, write: impl FnOnce(&mut Input) -> io::Result<()>) -> io::Result<()> {
        let mut input = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match input.as_mut() {
            Some(input) => write(input),
            None => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the agent was told to leave")),
        }
    }

    /// Tells the agent to leave. The end of its input does that; a serial port has no end, so it is said as well. An agent that does not
    /// listen to what is being said at present would not hear this either: then nothing is done.
    pub(super) fn dismiss(&self) {
        let input: Option<MutexGuard<'_, _>> = match self.0.try_lock() {
            Ok(input) => Some(input),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        };
        if let Some(mut input) = input.and_then(|mut input| input.take()) {
            write_message(&mut input, &Command::Quit).ok();
        }
    }
}
