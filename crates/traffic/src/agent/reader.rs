//! Reads commands while the packet loop runs.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tailbed_format::message::{Command, Frame, read_frame};
use tailbed_format::order::Order;

use crate::realtime;
use crate::stop::Stop;

/// What came over the stream.
#[derive(Debug)]
pub(super) enum Event {
    /// An order to get ready for.
    Prepare(Box<Order>),
    /// Begin, until the flag is raised.
    Start(Arc<Stop>),
    /// Leave, or the stream has ended.
    Quit,
    /// The stream is no good any more.
    Broken(io::Error),
}

/// Reads until the stream ends or breaks; whatever runs then is stopped.
///
/// Every start gets a flag of its own, so that a stop reaches the run it was meant for, however fast the commands come.
pub(super) fn read(mut input: impl Read, events: &Sender<Event>) {
    let home = realtime::home();
    let mut running: Option<Arc<Stop>> = None;
    loop {
        let command = next(&mut input);
        if let Ok(Command::Prepare(order)) = &command {
            let scheduling = match order {
                Order::Measure(measure) => &measure.scheduling,
                Order::Forward(forward) => &forward.scheduling,
            };
            realtime::stand_aside(scheduling, &home);
        } else if let Some(stop) = running.take() {
            // Also on a second start: a run whose flag nobody holds could never be stopped.
            stop.raise();
        }
        let event = match command {
            Ok(Command::Prepare(order)) => Event::Prepare(Box::new(order)),
            Ok(Command::Start) => match Stop::new() {
                Ok(stop) => {
                    let stop = Arc::new(stop);
                    running = Some(Arc::clone(&stop));
                    Event::Start(stop)
                }
                Err(error) => Event::Broken(error),
            },
            Ok(Command::Stop | Command::Execute { .. } | Command::Resize { .. } | Command::Signal { .. } | Command::Collect) => {
                continue;
            }
            Ok(Command::Quit) => Event::Quit,
            Err(error) => Event::Broken(error),
        };
        let last = matches!(event, Event::Quit | Event::Broken(_));
        if events.send(event).is_err() || last {
            return;
        }
    }
}

/// The next command; the end of the stream means the same as being told to quit.
fn next(input: &mut impl Read) -> io::Result<Command> {
    match read_frame(input)? {
        None => Ok(Command::Quit),
        Some(Frame::Json(body)) => Ok(serde_json::from_slice(&body)?),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "a block of records came where a command was expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use tailbed_format::message::{write_arrivals, write_message};

    fn events(stream: &[u8]) -> Vec<Event> {
        let (sender, receiver) = mpsc::channel();
        read(stream, &sender);
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
            if first.is_raised() && second.is_raised() && !Arc::ptr_eq(first, second)));
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
