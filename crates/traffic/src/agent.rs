//! The agent: obeys the commands that come over a byte stream, and answers.
//!
//! One thread reads commands, so that a running loop can be stopped at any time, also by the end of the stream; one runs the packet
//! loop, with its own cores and priority (a forwarder may have several); the caller's own answers for it. Programs are watched by a thread each ([`crate::program`]).
//! All of them write to the same output, each frame whole.
//!
//! Who answers for a loop with a priority has one above it (at most 99): where its process may use the loop's cores only, a neighbour's threads on these
//! must not keep it from that. Nearly always it sleeps.

mod forwarder;
mod noise;
mod reader;
mod worker;

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use tailbed_format::message::{PROTOCOL, Reply, write_arrivals, write_departures};
use tailbed_format::packet::{Arrival, Departure, WIRE_SIZE};

use crate::measure::Outcome;
use crate::program::{Output, Programs};
use crate::realtime;
use reader::Event;
use worker::{Done, Granted, Reason, Worker};

/// Bytes of a block of records at most: about 1 MiB.
const BLOCK: usize = (1 << 20) / WIRE_SIZE * WIRE_SIZE;

/// The agent cannot go on. What goes wrong with an order is not an error of the agent: it is answered.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// What came is not a command, or the stream broke off.
    #[error("the orchestrator's commands cannot be read: {0}")]
    Input(#[source] io::Error),
    /// The answer cannot be written.
    #[error("the orchestrator cannot be answered: {0}")]
    Output(#[source] io::Error),
    /// The kernel has no more threads.
    #[error("no thread could be started: {0}")]
    Thread(#[source] io::Error),
}

/// Obeys commands from `input` and answers on `output` until told to quit or the input ends.
///
/// A running packet loop ends when the input does, and so do all programs. The caller arranges for the process to die with the
/// orchestrator (prctl(2), `PR_SET_PDEATHSIG`) where it should, and for its programs' orphans ([`crate::program::adopt_orphans`])
/// where the process is the agent's alone; the first process of a pid namespace gets them in any case.
///
/// # Errors
/// When the input is not made of commands, the output refuses, or no thread can be started.
pub fn agent(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Result<(), AgentError> {
    let output = Arc::new(Output::new(output));
    let programs = Programs::new(Arc::clone(&output));
    if std::process::id() == 1 {
        crate::program::adopt_orphans().map_err(AgentError::Thread)?;
    }
    let (sender, events) = mpsc::channel();
    let for_reader = programs.clone();
    let reader = move || reader::read(input, &sender, &for_reader);
    std::thread::Builder::new().name("commands".to_owned()).spawn(reader).map_err(AgentError::Thread)?;
    let result = obey(&events, &output);
    programs.end();
    result
}

/// Until told to quit.
fn obey(events: &Receiver<Event>, output: &Output<impl Write>) -> Result<(), AgentError> {
    let hello = Reply::Hello { protocol: PROTOCOL, pid: std::process::id() };
    output.reply(&hello).map_err(AgentError::Output)?;
    let home = realtime::home();
    let mut raised = false;
    let mut prepared: Option<Worker> = None;
    for event in events {
        match event {
            Event::Greet => output.reply(&hello).map_err(AgentError::Output)?,
            Event::Prepare(order, recording) => {
                // The earlier one first: it holds rings and memory.
                drop(prepared.take());
                let raise = order.scheduling().priority.is_some();
                if raised && !raise {
                    realtime::step_down(&home);
                }
                realtime::answer_for(order.scheduling());
                raised = raise;
                let reply = match worker::prepare(*order, recording, home).map_err(AgentError::Thread)? {
                    Ok((worker, Granted { downgrades, ports })) => {
                        prepared = Some(worker);
                        Reply::Ready { downgrades, ports }
                    }
                    Err(reason) => failed(reason),
                };
                output.reply(&reply).map_err(AgentError::Output)?;
            }
            Event::Start(stop) => {
                let unprepared = || Err("told to start before an order was prepared; send the order first".into());
                let done = prepared.take().map_or_else(unprepared, |worker| worker.run(stop));
                report(done, output).map_err(AgentError::Output)?;
            }
            Event::Quit => return Ok(()),
            Event::Broken(error) => return Err(AgentError::Input(error)),
        }
    }
    Ok(())
}

/// Answers what came of a run.
fn report(done: Result<Done, Reason>, output: &Output<impl Write>) -> io::Result<()> {
    match done {
        Ok(Done::Measured(outcome)) => {
            write_packets(&outcome, output)?;
            output.reply(&Reply::Measured(outcome.measured))
        }
        Ok(Done::Forwarded(forwarded)) => output.reply(&Reply::Forwarded(forwarded)),
        Ok(Done::Captured(captured)) => output.reply(&Reply::Captured(captured)),
        Ok(Done::Noise(noise)) => output.reply(&Reply::Noise(noise)),
        Ok(Done::Loaded(loaded)) => output.reply(&Reply::Loaded(loaded)),
        Err(reason) => output.reply(&failed(reason)),
    }
}

fn failed(reason: Reason) -> Reply {
    match reason {
        Reason::Failed(reason) => Reply::Failed(reason),
        Reason::Refused(reason) => Reply::Refused(reason),
    }
}

fn write_packets(outcome: &Outcome, output: &Output<impl Write>) -> io::Result<()> {
    write_blocks(outcome.departures(), Departure::encode, |block| output.frame(|out| write_departures(out, block)))?;
    write_blocks(outcome.arrivals(), Arrival::encode, |block| output.frame(|out| write_arrivals(out, block)))
}

/// Writes records in blocks of at most [`BLOCK`] bytes.
fn write_blocks<T>(
    records: impl Iterator<Item = T>,
    encode: impl Fn(&T, &mut Vec<u8>),
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut block = Vec::with_capacity(BLOCK);
    for record in records {
        encode(&record, &mut block);
        if block.len() >= BLOCK {
            write(&block)?;
            block.clear();
        }
    }
    if block.is_empty() { Ok(()) } else { write(&block) }
}
