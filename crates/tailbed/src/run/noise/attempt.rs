//! One run from the first step to the last taken back: the neighbour is started, each test is made, the neighbour is stopped.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tailbed_format::knob::Knobs;
use tailbed_format::message::{Command, Frame, Reply};
use tailbed_format::noise::{Loaded, Noise, NoiseMeasured, NoiseRecord};
use tailbed_format::order::Order;
use tailbed_plan::plan::{AgentOrder, Run};

use crate::apply::{Broken, Host};
use crate::run::Captures;
use crate::run::answers::{PATIENCE, agent, expect_reply};
use crate::run::attempt::{expect_agents, with_steps};
use crate::run::programs::{Programs, Scripts};
use crate::run::proof::{Watched, Watching};
use crate::run::traffic::{Granted, prepare};

/// What was found out.
pub(super) struct Tested {
    /// The tests, in their order.
    pub(super) records: Vec<NoiseRecord>,
    /// What the neighbour did, where there is one.
    pub(super) load: Option<Loaded>,
    /// What was asked for and not granted.
    pub(super) downgrades: Vec<String>,
    /// What the host did meanwhile, where that is watched.
    pub(super) watched: Option<Watched>,
    /// What was asked of the host's knobs, and what they said.
    pub(super) knobs: Knobs,
}

/// Carries out a run in its folder. `tick` is called before a test begins and about
/// once a second with the time since the first did. Whatever comes of it, everything is
/// taken back when this returns, or the error names what is left.
pub(super) fn attempt(
    run: &Run,
    token: &str,
    folder: &Path,
    interrupted: &AtomicBool,
    tick: &mut dyn FnMut(Duration),
) -> Result<Tested, Broken> {
    let scripts = Scripts::default();
    let work = |host: &mut Host, programs: &mut Programs<'_>| test(run, host, programs, interrupted, tick);
    with_steps(run, &scripts, token, folder, interrupted, work).map(|(tested, knobs)| Tested { knobs, ..tested })
}

fn test(
    run: &Run,
    host: &mut Host,
    programs: &mut Programs<'_>,
    interrupted: &AtomicBool,
    tick: &mut dyn FnMut(Duration),
) -> Result<Tested, Broken> {
    expect_agents(run, host, interrupted)?;
    let began = Instant::now();
    let mut granted = Granted::default();
    let neighbour = run.agents.iter().find(|agent| matches!(agent.order, Order::Load(_)));
    if let Some(order) = neighbour {
        granted.also(prepare([order].into_iter(), &Captures::default(), host, programs, interrupted)?);
        agent(host, &order.node)?.send(&Command::Start)?;
    }
    let mut watching = Watching::prepare(run, host)?;
    watching.as_mut().map(Watching::begin).transpose()?;
    let mut records = Vec::new();
    for order in &run.agents {
        let Order::Noise(noise) = &order.order else { continue };
        granted.also(prepare([order].into_iter(), &Captures::default(), host, programs, interrupted)?);
        let tick = &mut || tick(began.elapsed());
        tick();
        agent(host, &order.node)?.send(&Command::Start)?;
        let NoiseMeasured { cores } = tested(order, noise, host, interrupted, tick)?;
        records.push(NoiseRecord { test: noise.test, cores });
    }
    let watched = watching.map(Watching::end).transpose()?;
    let load = neighbour.map(|order| stopped(order, host, programs, interrupted)).transpose()?;
    Ok(Tested { records, load, downgrades: granted.downgrades, watched, knobs: Knobs::default() })
}

/// Waits until a test is over.
fn tested(
    order: &AgentOrder,
    noise: &Noise,
    host: &mut Host,
    interrupted: &AtomicBool,
    tick: &mut dyn FnMut(),
) -> Result<NoiseMeasured, Broken> {
    let node = &order.node;
    let began = Instant::now();
    // a timer that never catches up takes as long as its wake-ups do: ten times its time, and a minute, is broken by any measure
    let patience = Duration::from_nanos(noise.test.span(noise.scheduling.cpus.len())) * 10 + PATIENCE;
    loop {
        tick();
        match agent(host, node)?.receive(Duration::from_millis(500)) {
            _ if interrupted.load(Ordering::Relaxed) => return Err(Broken::Interrupted),
            Err(error) => return Err(error.into()),
            Ok(None) if began.elapsed() > patience => {
                return Err(anyhow!("the noise test of {node} has not come back in {patience:?}").into());
            }
            Ok(None) => {}
            Ok(Some(Frame::Json(body))) => {
                return match serde_json::from_slice(&body).with_context(|| format!("from the agent of {node}"))? {
                    Reply::Noise(measured) => Ok(measured),
                    Reply::Failed(error) => Err(anyhow!("{node}: {error}").into()),
                    other => Err(anyhow!("the agent of {node} said {other:?} while testing").into()),
                };
            }
            Ok(Some(_)) => return Err(anyhow!("the agent of {node} sent records while testing").into()),
        }
    }
}

/// Stops the neighbour; gives what it did.
fn stopped(order: &AgentOrder, host: &mut Host, programs: &mut Programs<'_>, interrupted: &AtomicBool) -> Result<Loaded, Broken> {
    let node = &order.node;
    agent(host, node)?.send(&Command::Stop)?;
    match expect_reply(host, node, programs, interrupted)? {
        Reply::Loaded(loaded) => Ok(loaded),
        Reply::Failed(error) => Err(anyhow!("{node}: {error}").into()),
        other => Err(anyhow!("the load of {node} stopped with {other:?}").into()),
    }
}
