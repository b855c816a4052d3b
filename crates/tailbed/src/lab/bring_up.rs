//! Bringing a lab up: a run's steps and orders, without its load.

use std::sync::atomic::AtomicBool;

use tailbed_format::message::Command;
use tailbed_plan::plan::GENERATOR;
use tailbed_plan::step::Step;

use super::keeper::Teller;
use super::protocol::{Orders, Progress};
use crate::apply::{Agent, Broken, Done, Host, apply};
use crate::journal::Journal;
use crate::run::{expect_hello, expect_ready};

/// Does the steps, waits for every agent, and lets the forwarders forward. The generator gets no order: nothing is sent, nothing counted.
/// Returns what was asked for and not granted.
pub(super) fn bring_up<'a>(
    orders: &'a Orders,
    host: &mut Host,
    journal: &mut Journal,
    done: &mut Vec<Done<'a>>,
    interrupted: &AtomicBool,
    teller: &Teller,
) -> Result<Vec<String>, Broken> {
    let run = &orders.run;
    let nodes: Vec<&str> = nodes(&run.steps).collect();
    let all = run.steps.len() + nodes.len();
    let tell = |done, next| teller.tell(&Progress::Step { done, all, next });
    for (number, step) in run.steps.iter().enumerate() {
        tell(number, describe(step));
        apply(step, host, journal, done, interrupted)?;
    }
    for (number, node) in nodes.iter().enumerate() {
        tell(run.steps.len() + number, format!("waiting for {node}"));
        expect_hello(host, node, interrupted)?;
    }
    // all are told before the first is waited for: they prepare side by side
    let forwarders = || run.agents.iter().filter(|agent| agent.node != GENERATOR);
    for agent in forwarders() {
        agent_of(host, &agent.node)?.send(&Command::Prepare(agent.order.clone()))?;
    }
    let mut downgrades = Vec::new();
    for agent in forwarders() {
        downgrades.extend(expect_ready(host, &agent.node, interrupted)?);
        agent_of(host, &agent.node)?.send(&Command::Start)?;
    }
    Ok(downgrades)
}

/// The nodes that a run's steps start, in their order.
pub(super) fn nodes(steps: &[Step]) -> impl Iterator<Item = &str> {
    steps.iter().filter_map(|step| match step {
        Step::StartAgent { node, .. } => Some(node.as_str()),
        _ => None,
    })
}

/// A node's agent, which a step has started.
pub(super) fn agent_of<'a>(host: &'a mut Host, node: &str) -> anyhow::Result<&'a mut Agent> {
    host.agent(node).ok_or_else(|| anyhow::anyhow!("the plan has an order for {node} but starts no agent there"))
}

fn describe(step: &Step) -> String {
    match step {
        Step::WriteSetting { .. } => "settings".to_owned(),
        Step::MakeNamespace { name } => format!("namespace {name}"),
        Step::MakeVeth { .. } | Step::MakeTap(_) | Step::MakeBridge { .. } => "links".to_owned(),
        Step::MakeCgroup(spec) => format!("control group {}", spec.path),
        Step::ProvisionNode { node, .. } | Step::CloneNode { node, .. } => format!("preparing {node}"),
        Step::StartAgent { node, .. } => format!("starting {node}"),
    }
}
