//! The keeper's desk: each command that connects is served on a thread of its own.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader, BufWriter};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Context;
use tailbed_format::message::{Frame, read_frame, write_message, write_stream};
use tailbed_format::program::Stream;
use tailbed_plan::plan::Run;
use tailbed_plan::step::{AgentEnvironment, Step};

use super::bring_up::nodes;
use super::keeper::{Event, Farewell};
use super::node::{Node, Session};
use super::outbox::Item;
use super::protocol::{Answer, Ask, Request};
use crate::apply::{FOLDER, Host};
use crate::run;

/// What those who serve know.
pub(super) struct Desk {
    events: Sender<Event>,
    /// Stops the bringing up.
    interrupted: Arc<AtomicBool>,
    /// Once everything is up.
    nodes: OnceLock<HashMap<String, Arc<Node>>>,
    /// Paths of consoles: a console has room for one.
    consoles: OnceLock<HashMap<String, String>>,
    busy: Mutex<HashSet<String>>,
}

impl Desk {
    pub(super) fn new(events: Sender<Event>, interrupted: Arc<AtomicBool>) -> Self {
        Self { events, interrupted, nodes: OnceLock::new(), consoles: OnceLock::new(), busy: Mutex::default() }
    }

    /// Everything is up: listens to all agents from now on.
    pub(super) fn open(&self, run: &Run, token: &str, host: &mut Host) -> anyhow::Result<()> {
        let mut all = HashMap::new();
        for name in nodes(&run.steps) {
            let agent = run::agent(host, name)?;
            let (voice, frames) = (agent.voice(), agent.divert());
            let programs = run.programs.iter().find(|programs| programs.node == name);
            let own = || {
                [("TAILBED_NODE", name), ("TAILBED_TOKEN", token)].map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
            };
            let environment = programs.map_or_else(own, |programs| programs.environment.clone());
            let node = Node::new(name, voice, frames, environment, self.events.clone()).context("cannot start a thread")?;
            all.insert(name.to_owned(), node);
        }
        let consoles = run.steps.iter().filter_map(|step| match step {
            Step::StartAgent { node, environment: AgentEnvironment::Vm(spec), .. } => {
                Some((node.clone(), format!("{FOLDER}/{}/console.sock", spec.id)))
            }
            _ => None,
        });
        // nobody else fills them
        self.consoles.set(consoles.collect()).ok();
        self.nodes.set(all).ok();
        Ok(())
    }

    /// A node, once everything is up.
    pub(super) fn node(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes.get()?.get(name)
    }

    /// A node somebody asked for.
    fn find(&self, name: &str) -> Result<&Arc<Node>, String> {
        let nodes = self.nodes.get().ok_or("the lab is still coming up")?;
        nodes.get(name).ok_or_else(|| {
            let mut names: Vec<_> = nodes.keys().map(String::as_str).collect();
            names.sort_unstable();
            format!("there is no node `{name}` in this lab; there are {}", names.join(", "))
        })
    }
}

/// Serves whoever connects.
pub(super) fn serve(listener: UnixListener, desk: Arc<Desk>) -> anyhow::Result<()> {
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let desk = Arc::clone(&desk);
            let serve = move || {
                // who has gone away needs no answer
                attend(&desk, &stream).ok();
                stream.shutdown(Shutdown::Both).ok();
            };
            if let Err(error) = std::thread::Builder::new().name("desk".to_owned()).spawn(serve) {
                eprintln!("no thread to serve a command: {error}");
            }
        }
    };
    std::thread::Builder::new().name("door".to_owned()).spawn(accept).context("cannot start a thread")?;
    Ok(())
}

fn attend(desk: &Desk, stream: &UnixStream) -> io::Result<()> {
    // unbuffered: what comes behind the request is for whoever reads on
    let mut input = stream;
    let mut out = BufWriter::new(stream);
    let Some(Frame::Json(body)) = read_frame(&mut input)? else { return Ok(()) };
    let refused = match serde_json::from_slice(&body)? {
        Request::List if desk.nodes.get().is_none() => "the lab is still coming up".to_owned(),
        Request::List => {
            let (reply, listing) = channel();
            desk.events.send(Event::List(reply)).ok();
            match listing.recv() {
                Ok(listing) => return write_message(&mut out, &Answer::Listing(listing)),
                Err(_) => "the lab is being taken down".to_owned(),
            }
        }
        Request::Execute { node, program } => match desk.find(&node).and_then(|node| node.execute(program)) {
            Ok(session) => return relay(&Arc::new(session), stream, out),
            Err(reason) => reason,
        },
        Request::Console { node } => match desk.find(&node).and_then(|_| open_console(desk, &node)) {
            Ok(console) => {
                let relayed = relay_console(&console, stream, out);
                desk.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&node);
                return relayed;
            }
            Err(reason) => reason,
        },
        Request::Down => {
            desk.interrupted.store(true, Ordering::Relaxed);
            let (reply, answer) = channel();
            let (telling, told) = channel();
            desk.events.send(Event::Down(Some(Farewell { reply, told }))).ok();
            let passed_on = answer.recv().map_or(Ok(()), |answer| write_message(&mut out, &answer));
            drop(telling);
            passed_on?;
            // the connection ends with the keeper, not before: its end tells that nothing of it is left
            loop {
                std::thread::park();
            }
        }
    };
    write_message(&mut out, &Answer::Refused(refused))
}

/// Passes on what a command and its program have to say to each other.
fn relay(session: &Arc<Session>, stream: &UnixStream, mut out: BufWriter<&UnixStream>) -> io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let hearing = Arc::clone(session);
    let hear = move || {
        while let Ok(Some(frame)) = read_frame(&mut input) {
            let passed_on = match frame {
                Frame::Stream { stream: Stream::Input, bytes, .. } => hearing.input(&bytes),
                Frame::Json(body) => match serde_json::from_slice(&body) {
                    Ok(Ask::Resize(size)) => hearing.resize(size),
                    Ok(Ask::Signal(signal)) => hearing.signal(signal),
                    Err(error) => Err(error.into()),
                },
                _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
            };
            if passed_on.is_err() {
                break;
            }
        }
        hearing.hang_up();
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(hear)?;
    loop {
        match session.next() {
            Item::Printed(stream, bytes) => {
                if let Err(error) = write_stream(&mut out, 0, stream, &bytes) {
                    session.hang_up();
                    return Err(error);
                }
            }
            Item::Exited(exit) => return write_message(&mut out, &Answer::Exited(exit)),
            Item::Gone(why) => return write_message(&mut out, &Answer::Refused(why)),
        }
    }
}

fn open_console(desk: &Desk, node: &str) -> Result<UnixStream, String> {
    let path = desk.consoles.get().and_then(|consoles| consoles.get(node));
    let path =
        path.ok_or_else(|| format!("{node} is not a virtual machine, so it has no console; use `tailbed shell {node}`"))?;
    if !desk.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(node.to_owned()) {
        return Err(format!("somebody is at the console of {node} already; it has room for one"));
    }
    UnixStream::connect(path).map_err(|error| {
        desk.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
        format!("cannot reach the console of {node} at {path}: {error}")
    })
}

/// Passes bytes between a command and a console, until either ends.
fn relay_console(console: &UnixStream, stream: &UnixStream, mut out: BufWriter<&UnixStream>) -> io::Result<()> {
    let (mut input, mut to_console) = (BufReader::new(stream.try_clone()?), console.try_clone()?);
    let hear = move || {
        while let Ok(Some(frame)) = read_frame(&mut input) {
            let Frame::Stream { bytes, .. } = frame else { continue };
            if io::Write::write_all(&mut to_console, &bytes).is_err() {
                break;
            }
        }
        to_console.shutdown(Shutdown::Both).ok();
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(hear)?;
    let mut console = console;
    let mut buffer = [0; 4096];
    loop {
        let count = io::Read::read(&mut console, &mut buffer)?;
        if count == 0 {
            return write_message(&mut out, &Answer::Refused("the console has closed".to_owned()));
        }
        if let Err(error) = write_stream(&mut out, 0, Stream::Output, &buffer[..count]) {
            console.shutdown(Shutdown::Both).ok();
            return Err(error);
        }
    }
}
