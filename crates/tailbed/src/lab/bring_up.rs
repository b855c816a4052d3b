//! Bringing a lab up: a run's steps and orders, without its load.

use std::sync::atomic::AtomicBool;

use tailbed_format::order::Order;
use tailbed_plan::step::Step;

use super::keeper::Teller;
use super::protocol::{Orders, Progress};
use crate::apply::{Broken, Done, Host, apply};
use crate::journal::Journal;
use crate::run::{Captures, Programs, expect_hello, prepare, start_forwarders};

/// Does the steps, waits for every agent, sets the nodes up, and lets forwarders and commands do their work. The generator gets no order: nothing is sent, nothing counted.
/// Returns what was asked for and not granted.
pub(super) fn bring_up<'a>(
    orders: &'a Orders,
    host: &mut Host,
    journal: &mut Journal,
    programs: &mut Programs<'_>,
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
    programs.set_up(host, interrupted)?;
    let forwarders = run.agents.iter().filter(|agent| matches!(agent.order, Order::Forward(_)));
    let granted = prepare(forwarders, &Captures::default(), host, programs, interrupted)?;
    start_forwarders(run, host)?;
    programs.start_commands(host, interrupted)?;
    Ok(granted.downgrades)
}

/// The nodes that a run's steps start, in their order.
pub(super) fn nodes(steps: &[Step]) -> impl Iterator<Item = &str> {
    steps.iter().filter_map(|step| match step {
        Step::StartAgent { node, .. } => Some(node.as_str()),
        _ => None,
    })
}

fn describe(step: &Step) -> String {
    match step {
        Step::WriteSetting(_)
        | Step::StampInHardware { .. }
        | Step::MoveThread(_)
        | Step::PrioritizeThread(_)
        | Step::HoldLatency { .. }
        | Step::TuneInterface(_)
        | Step::Untrack(_)
        | Step::UnplugCpu(_)
        | Step::JoinCgroup { .. }
        | Step::ConfineGroup(_)
        | Step::ConfineInside { .. } => "settings".to_owned(),
        Step::MakeNamespace { name } => format!("namespace {name}"),
        Step::MakeVeth { .. }
        | Step::MakeTap(_)
        | Step::MakeBridge { .. }
        | Step::MakeMacvlan { .. }
        | Step::MakeMemory(_)
        | Step::GiveAddress(_) => "links".to_owned(),
        Step::MakeCgroup(spec) => format!("control group {}", spec.path),
        Step::ProvisionNode { node, .. } | Step::CloneNode { node, .. } => format!("preparing {node}"),
        Step::StartAgent { node, .. } => format!("starting {node}"),
    }
}
