//! Orders to the agents of one run, and what they bring home.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tailbed_format::message::{Command, Frame, Measured, Reply};
use tailbed_format::order::Order;
use tailbed_format::packet::{Arrival, Departure};
use tailbed_format::port::NodePorts;
use tailbed_format::proof::LoopAccount;
use tailbed_format::summary::ForwarderSummary;
use tailbed_plan::plan::{AgentOrder, GENERATOR, Run};

use super::answers::{PATIENCE, agent, expect_reply};
use super::captures::Captures;
use super::programs::Programs;
use crate::apply::{Broken, Host};
use crate::failure::Refusal;

/// What the generator brings home.
pub(super) struct Generated {
    /// Every packet sent, in order.
    pub(super) departures: Vec<Departure>,
    /// Every packet received, in order.
    pub(super) arrivals: Vec<Arrival>,
    /// What it knows besides.
    pub(super) measured: Measured,
}

/// Bytes of a block of packets to be replayed, about.
const RECORDING_BLOCK: usize = 1 << 20;

/// What agents answered to their orders.
#[derive(Debug, Default)]
pub(crate) struct Granted {
    /// What was asked for and not granted.
    pub(crate) downgrades: Vec<String>,
    /// The ports that were opened.
    pub(crate) ports: Vec<NodePorts>,
}

impl Granted {
    /// What another answer adds.
    pub(crate) fn also(&mut self, other: Self) {
        for downgrade in other.downgrades {
            if !self.downgrades.contains(&downgrade) {
                self.downgrades.push(downgrade);
            }
        }
        for ports in other.ports {
            if !self.ports.contains(&ports) {
                self.ports.push(ports);
            }
        }
    }
}

/// Has orders prepared; gives what was granted.
pub(crate) fn prepare<'a>(
    orders: impl Iterator<Item = &'a AgentOrder>,
    captures: &Captures,
    host: &mut Host,
    programs: &mut Programs<'_>,
    interrupted: &AtomicBool,
) -> Result<Granted, Broken> {
    let mut granted = Granted::default();
    for AgentOrder { node, order } in orders {
        for block in captures.recording(order).iter().flat_map(|recording| recording.blocks(RECORDING_BLOCK)) {
            agent(host, node)?.send_recording(&block)?;
        }
        agent(host, node)?.send(&Command::Prepare(Box::new(order.clone())))?;
        match expect_reply(host, node, programs, interrupted)? {
            Reply::Ready { downgrades, ports } => {
                granted.downgrades.extend(downgrades.into_iter().map(|what| format!("{node}: {what}")));
                granted.ports.extend(ports.map(|ports| NodePorts { node: node.clone(), ports }));
            }
            Reply::Refused(error) => return Err(anyhow::Error::new(Refusal::new(format!("{node}: {error}"))).into()),
            Reply::Failed(error) => return Err(anyhow!("{node}: {error}").into()),
            other => return Err(anyhow!("the agent of {node} answered its order with {other:?}").into()),
        }
    }
    Ok(granted)
}

fn forwarders(run: &Run) -> impl Iterator<Item = &String> {
    run.agents.iter().filter(|agent| matches!(agent.order, Order::Forward(_))).map(|agent| &agent.node)
}

/// Starts the forwarders.
pub(crate) fn start_forwarders(run: &Run, host: &mut Host) -> Result<(), Broken> {
    for node in forwarders(run) {
        agent(host, node)?.send(&Command::Start)?;
    }
    Ok(())
}

/// What forwarders brought home.
#[derive(Debug, Default)]
pub(super) struct Stopped {
    /// What they counted.
    pub(super) forwarders: Vec<ForwarderSummary>,
    /// What their kernels counted of each of their loops, by the node.
    pub(super) accounts: Vec<(String, Vec<LoopAccount>)>,
}

/// Stops the forwarders; gives what was counted.
pub(super) fn stop_forwarders(
    run: &Run,
    host: &mut Host,
    programs: &mut Programs<'_>,
    interrupted: &AtomicBool,
) -> Result<Stopped, Broken> {
    let mut stopped = Stopped::default();
    for AgentOrder { node, order } in run.agents.iter().filter(|agent| matches!(agent.order, Order::Forward(_))) {
        agent(host, node)?.send(&Command::Stop)?;
        match expect_reply(host, node, programs, interrupted)? {
            Reply::Forwarded(forwarded) => {
                let summary = ForwarderSummary { node: node.clone(), ports: ports(order), rules: forwarded.rules };
                stopped.forwarders.push(summary);
                stopped.accounts.push((node.clone(), forwarded.accounts));
            }
            Reply::Failed(error) => return Err(anyhow!("{node}: {error}").into()),
            other => return Err(anyhow!("the forwarder of {node} stopped with {other:?}").into()),
        }
    }
    Ok(stopped)
}

/// The interfaces that a forwarder's rules receive on; none where they are the usual ones, `in` and `out` (on the host with a prefix).
fn ports(order: &Order) -> Vec<String> {
    let Order::Forward(forward) = order else { return Vec::new() };
    let ports: Vec<_> = forward.rules.iter().map(|rule| rule.receive.clone()).collect();
    let is = |port: &String, usual: &str| port == usual || (port.starts_with("tb") && port.ends_with(usual));
    let usual = ports.len() <= 2 && ports.iter().zip(["in", "out"]).all(|(port, usual)| is(port, usual));
    if usual { Vec::new() } else { ports }
}

/// Lets the traffic run, and looks after the programs meanwhile. `over` is called once, when the generator has begun to bring its packets
/// home: the last has come in then.
pub(super) fn generate(
    host: &mut Host,
    programs: &mut Programs<'_>,
    interrupted: &AtomicBool,
    expected: Duration,
    tick: &mut dyn FnMut(Duration),
    over: &mut dyn FnMut() -> anyhow::Result<()>,
) -> Result<Generated, Broken> {
    agent(host, GENERATOR)?.send(&Command::Start)?;
    let began = Instant::now();
    // long runs bring many packets home: ten times the expected time, and a minute, is broken by any measure
    let patience = expected * 10 + PATIENCE;
    let (mut departures, mut arrivals, mut brought) = (Vec::new(), Vec::new(), false);
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Err(Broken::Interrupted);
        }
        tick(began.elapsed());
        programs.look_after(host)?;
        let frame = agent(host, GENERATOR)?.receive(Duration::from_secs(1));
        if let (false, Ok(Some(Frame::Departures(_) | Frame::Arrivals(_) | Frame::Json(_)))) = (brought, &frame) {
            brought = true;
            over()?;
        }
        match frame {
            Err(_) if interrupted.load(Ordering::Relaxed) => return Err(Broken::Interrupted),
            Err(error) => return Err(error.into()),
            Ok(None) if began.elapsed() > patience => {
                return Err(anyhow!("the generator has not come back in {patience:?}").into());
            }
            // what a program of the generator's would print; it has none
            Ok(None | Some(Frame::Stream { .. } | Frame::File { .. } | Frame::Recording(_))) => {}
            Ok(Some(Frame::Departures(block))) => departures.extend(Departure::decode(&block).context("from the generator")?),
            Ok(Some(Frame::Arrivals(block))) => arrivals.extend(Arrival::decode(&block).context("from the generator")?),
            Ok(Some(Frame::Json(body))) => match serde_json::from_slice(&body).context("from the generator")? {
                Reply::Measured(measured) => return Ok(Generated { departures, arrivals, measured }),
                Reply::Failed(error) => return Err(anyhow!("{GENERATOR}: {error}").into()),
                other => return Err(anyhow!("the generator said {other:?} while measuring").into()),
            },
        }
    }
}
