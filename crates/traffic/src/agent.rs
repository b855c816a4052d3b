//! The agent: obeys the commands that come over a byte stream, and answers.
//!
//! Three threads: one reads commands, so that a running loop can be stopped at any time, also by the end of the stream; one runs the
//! packet loop, with its own cores and priority; the caller's own writes the answers.

mod reader;
mod worker;

use std::io::{self, Read, Write};
use std::sync::mpsc;

use tailbed_format::message::{PROTOCOL, Reply, write_arrivals, write_departures, write_message};
use tailbed_format::packet::{Arrival, Departure, WIRE_SIZE};

use crate::measure::Outcome;
use reader::Event;
use worker::{Done, Worker};

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
/// A running packet loop ends when the input does. The caller arranges for the process to die with the orchestrator
/// (prctl(2), `PR_SET_PDEATHSIG`) where it should.
///
/// # Errors
/// When the input is not made of commands, the output refuses, or no thread can be started.
pub fn agent(input: impl Read + Send + 'static, mut output: impl Write) -> Result<(), AgentError> {
    let (sender, events) = mpsc::channel();
    let reader = move || reader::read(input, &sender);
    std::thread::Builder::new().name("commands".to_owned()).spawn(reader).map_err(AgentError::Thread)?;
    let hello = Reply::Hello { protocol: PROTOCOL, pid: std::process::id() };
    write_message(&mut output, &hello).map_err(AgentError::Output)?;
    let mut prepared: Option<Worker> = None;
    for event in events {
        match event {
            Event::Prepare(order) => {
                // The earlier one first: it holds rings and memory.
                drop(prepared.take());
                let reply = match worker::prepare(*order).map_err(AgentError::Thread)? {
                    Ok((worker, downgrades)) => {
                        prepared = Some(worker);
                        Reply::Ready { downgrades }
                    }
                    Err(reason) => Reply::Failed(reason),
                };
                write_message(&mut output, &reply).map_err(AgentError::Output)?;
            }
            Event::Start(stop) => {
                let unprepared = || Err("told to start before an order was prepared; send the order first".to_owned());
                let done = prepared.take().map_or_else(unprepared, |worker| worker.run(stop));
                report(done, &mut output).map_err(AgentError::Output)?;
            }
            Event::Quit => return Ok(()),
            Event::Broken(error) => return Err(AgentError::Input(error)),
        }
    }
    Ok(())
}

/// Answers what came of a run.
fn report(done: Result<Done, String>, output: &mut impl Write) -> io::Result<()> {
    match done {
        Ok(Done::Measured(outcome)) => {
            write_packets(&outcome, output)?;
            write_message(output, &Reply::Measured(outcome.measured))
        }
        Ok(Done::Forwarded(forwarded)) => write_message(output, &Reply::Forwarded(forwarded)),
        Err(reason) => write_message(output, &Reply::Failed(reason)),
    }
}

fn write_packets(outcome: &Outcome, output: &mut impl Write) -> io::Result<()> {
    write_blocks(outcome.departures(), Departure::encode, |block| write_departures(output, block))?;
    write_blocks(outcome.arrivals(), Arrival::encode, |block| write_arrivals(output, block))
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
