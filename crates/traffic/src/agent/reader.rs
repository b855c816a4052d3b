//! Reads commands while the packet loop runs.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tailbed_format::message::{Command, Frame, read_frame};
use tailbed_format::order::Order;
use tailbed_format::program::Stream;
use tailbed_format::recording::Recording;

use crate::program::{Listener, Programs};
use crate::realtime;
use crate::stop::Stop;

/// What came over the stream.
#[derive(Debug)]
pub(super) enum Event {
    /// Say hello.
    Greet,
    /// An order to get ready for, and what has come before it to be replayed.
    Prepare(Box<Order>, Recording),
    /// Begin, until the flag is raised.
    Start(Arc<Stop>),
    /// Leave, or the stream has ended.
    Quit,
    /// The stream is no good any more.
    Broken(io::Error),
}

/// Reads until the stream ends or breaks; whatever runs then is stopped. What concerns programs is done here and now, so that it does
/// not wait for a packet loop.
///
/// Every start gets a flag of its own, so that a stop reaches the run it was meant for, however fast the commands come.
pub(super) fn read(mut input: impl Read, events: &Sender<Event>, programs: &Programs<impl Listener>) {
    let home = realtime::home();
    let mut running: Option<Arc<Stop>> = None;
    // Also on a second start: a run whose flag nobody holds could never be stopped.
    let mut stop = |next: Option<Arc<Stop>>, raise: fn(&Stop)| {
        if let Some(stop) = std::mem::replace(&mut running, next) {
            raise(&stop);
        }
    };
    let mut recording = Recording::default();
    loop {
        let event = match next(&mut input) {
            Ok(Heard::Command(command)) => match for_programs(*command, programs) {
                Ok(None) => continue,
                Ok(Some(Command::Prepare(order))) => {
                    let scheduling = order.scheduling();
                    realtime::stand_aside(scheduling, &home);
                    programs.keep_to(realtime::elsewhere(scheduling, &home));
                    Event::Prepare(order, std::mem::take(&mut recording))
                }
                Ok(Some(Command::Start)) => match Stop::new() {
                    Ok(flag) => {
                        let flag = Arc::new(flag);
                        stop(Some(Arc::clone(&flag)), Stop::raise);
                        Event::Start(flag)
                    }
                    Err(error) => Event::Broken(error),
                },
                Ok(Some(Command::Greet)) => Event::Greet,
                Ok(Some(Command::Quit)) => Event::Quit,
                Ok(Some(_)) => {
                    stop(None, Stop::raise);
                    continue;
                }
                Err(error) => Event::Broken(error),
            },
            Ok(Heard::Recorded(block)) => match recording.extend(&block) {
                Ok(()) => continue,
                Err(error) => Event::Broken(io::Error::new(io::ErrorKind::InvalidData, error)),
            },
            Ok(Heard::Input { session, bytes }) => {
                programs.input(session, bytes);
                continue;
            }
            Err(error) => Event::Broken(error),
        };
        let last = matches!(event, Event::Quit | Event::Broken(_));
        if last {
            stop(None, Stop::abandon);
        }
        if events.send(event).is_err() || last {
            return;
        }
    }
}

/// Does what concerns programs; gives back what does not.
fn for_programs(command: Command, programs: &Programs<impl Listener>) -> io::Result<Option<Command>> {
    match command {
        Command::Execute { session, program } => programs.execute(session, program),
        Command::Resize { session, size } => programs.resize(session, size),
        Command::Signal { session, signal } => programs.signal(session, signal),
        Command::Collect => programs.collect()?,
        other => return Ok(Some(other)),
    }
    Ok(None)
}

/// What the stream holds.
enum Heard {
    Command(Box<Command>),
    /// Packets to be replayed.
    Recorded(Vec<u8>),
    /// Bytes for a program.
    Input {
        session: u32,
        bytes: Vec<u8>,
    },
}

/// The next of it; the end of the stream means the same as being told to quit.
fn next(input: &mut impl Read) -> io::Result<Heard> {
    match read_frame(input)? {
        None => Ok(Heard::Command(Box::new(Command::Quit))),
        Some(Frame::Json(body)) => Ok(Heard::Command(Box::new(serde_json::from_slice(&body)?))),
        Some(Frame::Recording(block)) => Ok(Heard::Recorded(block)),
        Some(Frame::Stream { session, stream: Stream::Input, bytes }) => Ok(Heard::Input { session, bytes }),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "a block of records came where a command was expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Output;
    use std::sync::mpsc;
    use tailbed_format::message::{write_arrivals, write_message};

    fn events(stream: &[u8]) -> Vec<Event> {
        let (sender, receiver) = mpsc::channel();
        read(stream, &sender, &Programs::new(Arc::new(Output::new(io::sink()))));
        drop(sender);
        receiver.into_iter().collect()
    }

    #[test]
    fn a_stop_reaches_the_run_before_it_only() {
        let mut stream = Vec::new();
        for command in [Command::Start, Command::Stop, Command::Start] {
            write_message(&mut stream, &command).unwrap();
        }
        let events = events(&stream);
        // The second run is stopped by the end of the stream.
        assert!(matches!(events.as_slice(), [Event::Start(first), Event::Start(second), Event::Quit]
            if first.is_raised() && !first.is_abandoned() && second.is_abandoned() && !Arc::ptr_eq(first, second)));
    }

    #[test]
    fn what_is_not_a_command_breaks_the_stream() {
        let mut stream = Vec::new();
        write_message(&mut stream, &Command::Start).unwrap();
        write_arrivals(&mut stream, &[0; 28]).unwrap();
        let found = events(&stream);
        assert!(matches!(found.as_slice(), [Event::Start(run), Event::Broken(_)] if run.is_raised()));
        assert!(matches!(events(b"\x08\0\0\0\0nonsense").as_slice(), [Event::Broken(_)]));
    }
}
