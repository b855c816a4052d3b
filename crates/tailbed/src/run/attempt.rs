//! One attempt at one run: apply, order, collect, take back.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use tailbed_format::message::{Command, Frame, Measured, PROTOCOL, Reply};
use tailbed_format::packet::{Arrival, Departure};
use tailbed_format::results;
use tailbed_format::summary::ForwarderSummary;
use tailbed_plan::plan::{AgentOrder, GENERATOR, Run};

use crate::apply::{Broken, Host, apply_all, take_back_all};
use crate::journal::Journal;

/// All that an attempt brings home.
pub(super) struct Collected {
    /// Every packet sent, in order.
    pub(super) departures: Vec<Departure>,
    /// Every packet received, in order.
    pub(super) arrivals: Vec<Arrival>,
    /// What the generator knows besides.
    pub(super) measured: Measured,
    /// What the forwarders counted.
    pub(super) forwarders: Vec<ForwarderSummary>,
    /// What was asked for and not granted.
    pub(super) downgrades: Vec<String>,
}

/// Carries out a run in its folder. `tick` is called about once a second with the time since the traffic began. Whatever comes of it,
/// everything is taken back when this returns, or the error names what is left.
pub(super) fn attempt(
    run: &Run,
    token: &str,
    folder: &Path,
    interrupted: &AtomicBool,
    tick: &mut dyn FnMut(Duration),
) -> Result<Collected, Broken> {
    let mut journal = Journal::open(token, &run.name)?;
    let mut host = Host::new()?;
    host.log_to(folder);
    let mut done = Vec::new();
    let collected = apply_all(&run.steps, &mut host, &mut journal, &mut done, interrupted)
        .and_then(|()| measure(run, &mut host, interrupted, tick));
    let left = take_back_all(&done, &mut host, &mut journal);
    remove_empty_logs(run, folder);
    finish(collected, journal, &left, &folder.join(results::JOURNAL))
}

/// What comes of an attempt whose steps were taken back, except for what is `left`; the journal goes to where the run keeps it.
pub(super) fn finish<T>(collected: Result<T, Broken>, journal: Journal, left: &[String], kept: &Path) -> Result<T, Broken> {
    if left.is_empty() {
        journal.close(kept)?;
        return collected;
    }
    journal.keep(kept)?;
    let left = left.join("; ");
    Err(Broken::Left(match collected {
        Err(Broken::Failed(error)) => {
            error.context(format!("not everything could be taken back ({left}); `tailbed clean` tries again"))
        }
        _ => anyhow!("not everything could be taken back: {left}; `tailbed clean` tries again"),
    }))
}

fn remove_empty_logs(run: &Run, folder: &Path) {
    for agent in &run.agents {
        let log = folder.join(format!("agent-{}.log", agent.node));
        if std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() == 0) {
            std::fs::remove_file(log).ok();
        }
    }
}

/// An agent answers an order within this time, or it is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// Gives the orders, lets the traffic run, gathers the answers.
fn measure(run: &Run, host: &mut Host, interrupted: &AtomicBool, tick: &mut dyn FnMut(Duration)) -> Result<Collected, Broken> {
    let mut downgrades = Vec::new();
    for AgentOrder { node, order } in &run.agents {
        expect_hello(host, node, interrupted)?;
        agent(host, node)?.send(&Command::Prepare(order.clone()))?;
        downgrades.extend(expect_ready(host, node, interrupted)?);
    }
    let forwarders = || run.agents.iter().map(|agent| &agent.node).filter(|node| *node != GENERATOR);
    for node in forwarders() {
        agent(host, node)?.send(&Command::Start)?;
    }
    let (departures, arrivals, measured) = generate(run, host, interrupted, tick)?;
    let mut counted = Vec::new();
    for node in forwarders() {
        agent(host, node)?.send(&Command::Stop)?;
        match expect_reply(host, node, PATIENCE, interrupted)? {
            Reply::Forwarded(forwarded) => counted.push(ForwarderSummary { node: node.clone(), rules: forwarded.rules }),
            Reply::Failed(error) => return Err(anyhow!("{node}: {error}").into()),
            other => return Err(anyhow!("the forwarder of {node} stopped with {other:?}").into()),
        }
    }
    Ok(Collected { departures, arrivals, measured, forwarders: counted, downgrades })
}

type Generated = (Vec<Departure>, Vec<Arrival>, Measured);

fn generate(run: &Run, host: &mut Host, interrupted: &AtomicBool, tick: &mut dyn FnMut(Duration)) -> Result<Generated, Broken> {
    let generator = agent(host, GENERATOR)?;
    generator.send(&Command::Start)?;
    let began = Instant::now();
    // long runs bring many packets home: ten times the expected time, and a minute, is broken by any measure
    let patience = Duration::from_nanos(run.expected) * 10 + PATIENCE;
    let (mut departures, mut arrivals) = (Vec::new(), Vec::new());
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Err(Broken::Interrupted);
        }
        tick(began.elapsed());
        match generator.receive(Duration::from_secs(1)) {
            Err(_) if interrupted.load(Ordering::Relaxed) => return Err(Broken::Interrupted),
            Err(error) => return Err(error.into()),
            Ok(None) if began.elapsed() > patience => {
                return Err(anyhow!("the generator has not come back in {patience:?}").into());
            }
            // what a program of the generator's would print; it has none
            Ok(None | Some(Frame::Stream { .. } | Frame::File { .. })) => {}
            Ok(Some(Frame::Departures(block))) => departures.extend(Departure::decode(&block).context("from the generator")?),
            Ok(Some(Frame::Arrivals(block))) => arrivals.extend(Arrival::decode(&block).context("from the generator")?),
            Ok(Some(Frame::Json(body))) => match serde_json::from_slice(&body).context("from the generator")? {
                Reply::Measured(measured) => return Ok((departures, arrivals, measured)),
                Reply::Failed(error) => return Err(anyhow!("{GENERATOR}: {error}").into()),
                other => return Err(anyhow!("the generator said {other:?} while measuring").into()),
            },
        }
    }
}

/// Waits until an agent is there.
pub(crate) fn expect_hello(host: &mut Host, node: &str, interrupted: &AtomicBool) -> Result<(), Broken> {
    let deadline = agent(host, node)?.deadline();
    match next_reply(host, node, deadline, interrupted)? {
        Some(Reply::Hello { protocol: PROTOCOL, .. }) => Ok(()),
        Some(other) => Err(anyhow!("the agent of {node} began with {other:?}").into()),
        None => Err(agent(host, node)?.silent().into()),
    }
}

/// Waits until an agent has prepared its order; returns what was asked for and not granted.
pub(crate) fn expect_ready(host: &mut Host, node: &str, interrupted: &AtomicBool) -> Result<Vec<String>, Broken> {
    match expect_reply(host, node, PATIENCE, interrupted)? {
        Reply::Ready { downgrades } => Ok(downgrades.into_iter().map(|what| format!("{node}: {what}")).collect()),
        Reply::Failed(error) => Err(anyhow!("{node}: {error}").into()),
        other => Err(anyhow!("the agent of {node} answered its order with {other:?}").into()),
    }
}

fn agent<'a>(host: &'a mut Host, node: &str) -> anyhow::Result<&'a mut crate::apply::Agent> {
    host.agent(node).with_context(|| format!("the plan has an order for {node} but starts no agent there"))
}

fn expect_reply(host: &mut Host, node: &str, patience: Duration, interrupted: &AtomicBool) -> Result<Reply, Broken> {
    let reply = next_reply(host, node, Instant::now() + patience, interrupted)?;
    Ok(reply.with_context(|| format!("the agent of {node} has not answered in {patience:?}"))?)
}

/// The next reply, or `None` when the deadline passes without one.
fn next_reply(host: &mut Host, node: &str, deadline: Instant, interrupted: &AtomicBool) -> Result<Option<Reply>, Broken> {
    let agent = agent(host, node)?;
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Err(Broken::Interrupted);
        }
        match agent.receive(Duration::from_millis(200))? {
            Some(frame) => return Ok(Some(reply(&frame).with_context(|| format!("from the agent of {node}"))?)),
            None if Instant::now() > deadline => return Ok(None),
            None => {}
        }
    }
}

fn reply(frame: &Frame) -> anyhow::Result<Reply> {
    match frame {
        Frame::Json(body) => Ok(serde_json::from_slice(body)?),
        _ => bail!("records came before they were asked for"),
    }
}
