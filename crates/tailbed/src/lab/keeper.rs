//! The keeper: the process that holds a lab up.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tailbed_format::message::write_message;

use super::bring_up::bring_up;
use super::look;
use super::place::{self, Record};
use super::protocol::{Answer, Listing, Orders, Progress};
use super::serve::{self, Desk};
use crate::apply::{Agent, Broken, Done, Host, NotHeld, sweep, take_back_all};
use crate::failure::Failure;
use crate::journal::{self, Journal};
use crate::run::{self, Programs, Scripts};

/// What the keeper's main thread, which alone works on the host, is to do.
pub(super) enum Event {
    /// A node's agent says nothing any more.
    Gone(String),
    /// Somebody wants to know what is there.
    List(Sender<Listing>),
    /// Take everything down, and tell somebody.
    Down(Option<Farewell>),
}

/// Somebody who waits for the end.
pub(super) struct Farewell {
    /// Where to tell.
    pub(super) reply: Sender<Answer>,
    /// Ends when it was passed on.
    pub(super) told: Receiver<()>,
}

/// To `up`, as long as that is there.
pub(super) struct Teller(Mutex<io::Stdout>);

impl Teller {
    /// Tells; nobody may be listening any more, and that is no matter.
    pub(super) fn tell(&self, progress: &Progress) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = write_message(&mut *out, progress).and_then(|()| out.flush());
    }
}

/// The program's life as a keeper.
pub(crate) fn keep() -> Result<(), Failure> {
    // a session of its own: neither a key pressed at a terminal nor the terminal's end is for it
    rustix::process::setsid().context("cannot begin a session")?;
    let teller = Teller(Mutex::new(io::stdout()));
    let kept = serde_json::from_reader(io::stdin()).context("cannot read the orders").map_err(Failure::from).and_then(
        |orders: Orders| {
            if orders.user_namespace {
                run::enter_user_namespace()?;
            }
            let alone = journal::lock()?;
            let kept = hold(&orders, &teller);
            place::clear_away()?;
            // first let go, then tell: who is told may begin something new at once
            drop(alone);
            kept.map(|(answer, farewells)| say_farewell(&answer, farewells))
        },
    );
    if let Err(failure) = &kept {
        teller.tell(&Progress::Failed { code: failure.exit_code(), text: failure.to_string() });
    }
    kept
}

/// Brings everything up, keeps it up until told otherwise, and takes it down.
fn hold(orders: &Orders, teller: &Teller) -> Result<(Answer, Vec<Farewell>), Failure> {
    let (sender, events) = channel();
    let interrupted = watch(sender.clone())?;
    place::write_record(&Record {
        name: orders.name.clone(),
        file: orders.file.clone(),
        run: orders.run.name.clone(),
        keeper: std::process::id(),
        since: run::now(),
    })?;
    let desk = Arc::new(Desk::new(sender, Arc::clone(&interrupted)));
    serve::serve(place::listen()?, Arc::clone(&desk))?;
    let mut journal = Journal::open(&orders.token, &format!("lab-{}", orders.run.name))?;
    let mut host = Host::new()?;
    host.log_to(&place::logs()?);
    let scripts = Scripts::default();
    let mut programs = Programs::new(&orders.run, &scripts, &place::logs()?)?;
    let mut done = Vec::new();
    let up = bring_up(orders, &mut host, &mut journal, &mut programs, &mut done, &interrupted, teller).and_then(|downgrades| {
        desk.open(&orders.run, &orders.token, &mut host)?;
        teller.tell(&Progress::Up { downgrades });
        Ok(attend(orders, &desk, &mut host, &mut programs, &events))
    });
    let failed = programs.finish(&mut host).err().map(|error| format!("{error:#}"));
    let (taken_back, left) = take_down(&done, &mut host, journal)?;
    sweep(&orders.token);
    let mut farewells: Vec<_> = events.try_iter().filter_map(farewell).collect();
    let error = match up {
        Ok(waiting) => {
            farewells.extend(waiting);
            return Ok((Answer::Down { taken_back, left, failed }, farewells));
        }
        Err(Broken::Interrupted) if left.is_empty() => {
            say_farewell(&Answer::Down { taken_back, left, failed }, farewells);
            return Err(Failure::Interrupted("interrupted: everything is taken back".to_owned()));
        }
        Err(Broken::Interrupted) => anyhow!("interrupted"),
        Err(Broken::Failed(error) | Broken::Left(error)) => error,
    };
    let error = match failed {
        Some(failed) => anyhow!("{error:#}; after that, {failed}"),
        None => error,
    };
    if left.is_empty() {
        let refused = error.is::<NotHeld>();
        return Err(if refused { Failure::Host(format!("{error:#}; everything is taken back")) } else { error.into() });
    }
    let left = left.join("; ");
    Err(error.context(format!("not everything could be taken back ({left}); `tailbed clean` tries again")).into())
}

fn farewell(event: Event) -> Option<Farewell> {
    match event {
        Event::Down(farewell) => farewell,
        Event::Gone(_) | Event::List(_) => None,
    }
}

fn say_farewell(answer: &Answer, farewells: Vec<Farewell>) {
    for Farewell { reply, told } in farewells {
        let passed_on = reply.send(answer.clone());
        if passed_on.is_ok() {
            // its end is what is waited for
            let _ = told.recv();
        }
    }
}

/// SIGTERM and SIGINT mean `down`, also while things are still being brought up. SIGHUP means nothing.
fn watch(events: Sender<Event>) -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).context("cannot watch for signals")?;
    let flag = Arc::clone(&interrupted);
    let watch = move || {
        for signal in signals.forever().filter(|&signal| signal != SIGHUP) {
            eprintln!("told to leave by signal {signal}");
            flag.store(true, Ordering::Relaxed);
            // when it is leaving already, nobody wants to know
            events.send(Event::Down(None)).ok();
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).context("cannot start a thread")?;
    Ok(interrupted)
}

/// How often what the nodes' own scripts and commands print is fetched.
const INTERVAL: Duration = Duration::from_secs(1);

/// The same where there are none.
const IDLE: Duration = Duration::from_hours(1);

/// Keeps the lab up until told to take it down; returns who told.
fn attend(
    orders: &Orders,
    desk: &Desk,
    host: &mut Host,
    programs: &mut Programs<'_>,
    events: &Receiver<Event>,
) -> Option<Farewell> {
    let mut troubles = Vec::new();
    let interval = if orders.run.programs.is_empty() { IDLE } else { INTERVAL };
    loop {
        if let Err(error) = programs.look_after(host) {
            let trouble = format!("{error:#}");
            if !troubles.contains(&trouble) {
                eprintln!("{trouble}");
                troubles.push(trouble);
            }
        }
        match events.recv_timeout(interval) {
            Ok(Event::Gone(name)) => {
                let why = host.agent(&name).map_or_else(String::new, Agent::obituary);
                eprintln!("{why}");
                if let Some(node) = desk.node(&name) {
                    node.bury(&why);
                }
            }
            Ok(Event::List(reply)) => {
                // who asked may have gone
                reply.send(look::listing(orders, desk, host, &troubles)).ok();
            }
            Ok(Event::Down(farewell)) => return farewell,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// Takes everything back; says how many steps, and what is left, with the journal still there.
fn take_down(done: &[Done<'_>], host: &mut Host, mut journal: Journal) -> anyhow::Result<(usize, Vec<String>)> {
    // all at once, before the first is waited for: they leave side by side
    host.dismiss();
    let left = take_back_all(done, host, &mut journal);
    for what in &left {
        eprintln!("left behind: {what}");
    }
    if left.is_empty() {
        journal.discard()?;
    }
    Ok((done.len() - left.len().min(done.len()), left))
}
