//! A node of a lab, as all threads of the keeper see it.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;
use tailbed_format::message::{Command, Frame, Reply, write_message, write_stream};
use tailbed_format::program::{Program, Stream, TerminalSize};

use super::keeper::Event;
use super::outbox::{Flow, Item, Outbox};
use super::protocol::State;
use crate::apply::{Frames, Said, Voice};

/// A node whose agent listens.
pub(super) struct Node {
    name: String,
    voice: Voice,
    /// Variables that every program in it gets.
    environment: Vec<(String, String)>,
    sessions: Mutex<Sessions>,
}

/// Commands' programs are numbered from here; those below belong to the experiment, as in a run.
const FIRST: u32 = 1 << 16;

/// Programs under way.
#[derive(Default)]
struct Sessions {
    started: u32,
    open: HashMap<u32, Arc<Outbox>>,
    /// Why there will be no more.
    dead: Option<String>,
    /// Why its forwarder does not forward.
    trouble: Option<String>,
}

/// A program under way.
pub(super) struct Session {
    node: Arc<Node>,
    number: u32,
    pub(super) outbox: Arc<Outbox>,
}

impl Node {
    /// Listens to what its agent says from now on, on a thread of its own; its end is an event.
    pub(super) fn new(
        name: &str,
        voice: Voice,
        (frames, others): (Frames, Sender<Said>),
        environment: Vec<(String, String)>,
        events: Sender<Event>,
    ) -> io::Result<Arc<Self>> {
        let node = Arc::new(Self { name: name.to_owned(), voice, environment, sessions: Mutex::default() });
        let listening = Arc::clone(&node);
        let listen = move || {
            loop {
                let said = match frames.recv() {
                    Ok(Ok(Some(frame))) => listening.hear(frame).map(|frame| Ok(Some(frame))),
                    Ok(end) => Some(end),
                    Err(_) => Some(Ok(None)),
                };
                let last = !matches!(said, None | Some(Ok(Some(_))));
                // the keeper may be leaving, and then nobody wants to know
                said.map(|said| others.send(said).ok());
                if last {
                    events.send(Event::Gone(listening.name.clone())).ok();
                    return;
                }
            }
        };
        std::thread::Builder::new().name(format!("of {name}")).spawn(listen)?;
        Ok(node)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whom it concerns; gives back what is not about a command's program.
    fn hear(&self, frame: Frame) -> Option<Frame> {
        match frame {
            Frame::Stream { session, stream, bytes } if session >= FIRST => {
                let outbox = self.sessions().open.get(&session).cloned();
                if let Some(outbox) = outbox {
                    self.regulate(session, outbox.put(Item::Printed(stream, bytes)));
                }
                None
            }
            Frame::Json(body) => match serde_json::from_slice(&body) {
                Ok(Reply::Exited { session, exit }) if session >= FIRST => {
                    let outbox = self.sessions().open.remove(&session);
                    outbox.map(|outbox| outbox.put(Item::Exited(exit)));
                    None
                }
                Ok(Reply::Failed(reason)) => {
                    self.sessions().trouble = Some(reason);
                    None
                }
                _ => Some(Frame::Json(body)),
            },
            other => Some(other),
        }
    }

    /// The agent is gone: whoever waits for a program of its is told.
    pub(super) fn bury(&self, why: &str) {
        let mut sessions = self.sessions();
        sessions.dead = Some(why.to_owned());
        for outbox in sessions.open.drain().map(|(_, outbox)| outbox) {
            outbox.put(Item::Gone(why.to_owned()));
        }
    }

    /// How it is.
    pub(super) fn state(&self) -> State {
        let sessions = self.sessions();
        match (&sessions.dead, &sessions.trouble) {
            (Some(why), _) => State::Dead(why.clone()),
            (None, Some(why)) => State::NotForwarding(why.clone()),
            (None, None) => State::Running,
        }
    }

    /// Starts a program.
    pub(super) fn execute(self: &Arc<Self>, mut program: Program) -> Result<Session, String> {
        let outbox = Arc::new(Outbox::default());
        let number = {
            let mut sessions = self.sessions();
            if let Some(why) = &sessions.dead {
                return Err(format!("{} is dead: {why}", self.name));
            }
            let number = FIRST.saturating_add(sessions.started);
            sessions.started = sessions.started.wrapping_add(1);
            sessions.open.insert(number, Arc::clone(&outbox));
            number
        };
        let given = std::mem::take(&mut program.environment);
        program.environment = self.environment.iter().cloned().chain(given).collect();
        let said = self.say(&Command::Execute { session: number, program });
        said.map_err(|error| {
            self.sessions().open.remove(&number);
            format!("the agent of {} does not listen: {error}", self.name)
        })?;
        Ok(Session { node: Arc::clone(self), number, outbox })
    }

    fn say(&self, command: &Command) -> io::Result<()> {
        self.voice.say(|input| write_message(input, command))
    }

    fn regulate(&self, session: u32, flow: Flow) {
        let signal = match flow {
            Flow::Same => return,
            Flow::Stop => Signal::STOP,
            Flow::Continue => Signal::CONT,
        };
        // an agent that is gone says so itself
        self.say(&Command::Signal { session, signal: signal.as_raw() }).ok();
    }
}

impl Session {
    /// Bytes for the program; none at all are the end.
    pub(super) fn input(&self, bytes: &[u8]) -> io::Result<()> {
        self.node.voice.say(|input| write_stream(input, self.number, Stream::Input, bytes))
    }

    /// Its terminal has another size.
    pub(super) fn resize(&self, size: TerminalSize) -> io::Result<()> {
        self.node.say(&Command::Resize { session: self.number, size })
    }

    /// A signal for it.
    pub(super) fn signal(&self, signal: i32) -> io::Result<()> {
        self.node.say(&Command::Signal { session: self.number, signal })
    }

    /// The next that is told of it; waits for it.
    pub(super) fn next(&self) -> Item {
        let (item, flow) = self.outbox.take();
        self.node.regulate(self.number, flow);
        item
    }

    /// Nobody listens any more: the program is hung up on, as by a terminal that is closed.
    pub(super) fn hang_up(&self) {
        let flow = self.outbox.close();
        let open = self.node.sessions().open.contains_key(&self.number);
        if open {
            self.node.regulate(self.number, flow);
            // an agent that is gone needs no more words
            self.input(&[]).ok();
            self.signal(Signal::HUP.as_raw()).ok();
        }
    }
}
