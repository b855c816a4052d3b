//! Waiting for what agents answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use tailbed_format::message::{Frame, PROTOCOL, Reply};

use super::programs::Programs;
use crate::apply::{Agent, Broken, Host};

/// An agent answers an order within this time, or it is broken.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// The agent of a node.
pub(crate) fn agent<'a>(host: &'a mut Host, node: &str) -> anyhow::Result<&'a mut Agent> {
    host.agent(node).with_context(|| format!("the plan has something to do for {node} but starts no agent there"))
}

/// Waits until an agent is there, as long as its environment may take to start.
pub(crate) fn expect_hello(host: &mut Host, node: &str, interrupted: &AtomicBool) -> Result<(), Broken> {
    let deadline = agent(host, node)?.deadline();
    match receive(host, node, deadline, interrupted, |frame| Ok(Some(frame)))? {
        Some(Reply::Hello { protocol: PROTOCOL, .. }) => Ok(()),
        Some(other) => Err(anyhow!("the agent of {node} began with {other:?}").into()),
        None => Err(agent(host, node)?.silent().into()),
    }
}

/// The next answer of an agent to an order; what its programs say meanwhile goes to them.
pub(super) fn expect_reply(
    host: &mut Host,
    node: &str,
    programs: &mut Programs<'_>,
    interrupted: &AtomicBool,
) -> Result<Reply, Broken> {
    let reply = receive(host, node, Instant::now() + PATIENCE, interrupted, |frame| programs.hear(frame))?;
    Ok(reply.with_context(|| format!("the agent of {node} has not answered in {PATIENCE:?}"))?)
}

/// The next reply, or `None` when the deadline passes without one.
fn receive(
    host: &mut Host,
    node: &str,
    deadline: Instant,
    interrupted: &AtomicBool,
    mut pass_by: impl FnMut(Frame) -> anyhow::Result<Option<Frame>>,
) -> Result<Option<Reply>, Broken> {
    let agent = agent(host, node)?;
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Err(Broken::Interrupted);
        }
        match agent.receive(Duration::from_millis(200))? {
            Some(frame) => {
                if let Some(frame) = pass_by(frame)? {
                    return Ok(Some(reply(&frame).with_context(|| format!("from the agent of {node}"))?));
                }
            }
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
