//! One attempt at one run: apply, set up, order, collect, tear down, take back.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::anyhow;
use tailbed_format::capture::Captured;
use tailbed_format::knob::Knobs;
use tailbed_format::results;
use tailbed_plan::plan::Run;
use tailbed_plan::step::Step;

use super::answers::expect_hello;
use super::path;
use super::programs::{Programs, Scripts};
use super::proof::{Watched, Watching};
use super::timestamper;
use super::traffic::{self, Generated, Granted, Stopped};
use super::{Captures, Inputs};
use crate::apply::{Broken, Host, apply_all, held, sweep, take_back_all};
use crate::journal::Journal;
use crate::show::progress::Progress;

/// All that an attempt brings home.
pub(super) struct Collected {
    /// The packets, and what the generator knows besides.
    pub(super) generated: Generated,
    /// What the forwarders counted.
    pub(super) forwarders: Stopped,
    /// What was granted, and what was not.
    pub(super) granted: Granted,
    /// What the timestamper counted, where there is one.
    pub(super) captured: Option<Captured>,
    /// What the host did meanwhile; `None` where that is not watched.
    pub(super) watched: Option<Watched>,
    /// What was asked of the host's knobs, and what they said.
    pub(super) knobs: Knobs,
}

/// Carries out a run in its folder, and tells how far it is. Whatever comes of it,
/// everything is taken back when this returns, or the error names what is left.
pub(super) fn attempt(
    run: &Run,
    inputs: &Inputs,
    token: &str,
    folder: &Path,
    interrupted: &AtomicBool,
    progress: &Progress,
) -> Result<Collected, Broken> {
    let collected = with_steps(run, &inputs.scripts, token, folder, interrupted, |host, programs| {
        measure(run, &inputs.captures, host, programs, interrupted, progress)
    });
    collected.map(|(collected, knobs)| Collected { knobs, ..collected })
}

/// Does a run's steps, then what is to be done there, and takes everything back whatever came of it, or the error names what is left. What
/// the host's knobs say is read in between.
pub(super) fn with_steps<T>(
    run: &Run,
    scripts: &Scripts,
    token: &str,
    folder: &Path,
    interrupted: &AtomicBool,
    work: impl FnOnce(&mut Host, &mut Programs<'_>) -> Result<T, Broken>,
) -> Result<(T, Knobs), Broken> {
    let mut journal = Journal::open(token, &run.name)?;
    let mut host = Host::new()?;
    host.log_to(folder);
    let mut programs = Programs::new(run, scripts, folder)?;
    let mut done = Vec::new();
    let collected =
        apply_all(&run.steps, &mut host, &mut journal, &mut done, interrupted).and_then(|()| work(&mut host, &mut programs));
    let collected = collected.and_then(|collected| Ok((collected, held(&run.knobs, &done, &host)?)));
    let collected = both(collected, programs.finish(&mut host));
    let left = take_back_all(&done, &mut host, &mut journal);
    if !run.programs.is_empty() {
        sweep(token);
    }
    remove_empty_logs(run, folder);
    finish(collected, journal, &left, &folder.join(results::JOURNAL))
}

/// What comes of an attempt whose steps were taken back, except for what is `left`; the journal goes to where the run keeps it.
pub(super) fn finish<T>(collected: Result<T, Broken>, journal: Journal, left: &[String], kept: &Path) -> Result<T, Broken> {
    if left.is_empty() {
        return both(collected, journal.close(kept));
    }
    let copied = journal.keep(kept).err().map(|error| format!("{error:#}"));
    let left = left.iter().cloned().chain(copied).collect::<Vec<_>>().join("; ");
    Err(Broken::Left(match collected {
        Err(Broken::Failed(error)) => {
            error.context(format!("not everything could be taken back ({left}); `tailbed clean` tries again"))
        }
        _ => anyhow!("not everything could be taken back: {left}; `tailbed clean` tries again"),
    }))
}

/// From the first agent's first word to the last packet, with everything that belongs around it.
fn measure(
    run: &Run,
    captures: &Captures,
    host: &mut Host,
    programs: &mut Programs<'_>,
    interrupted: &AtomicBool,
    progress: &Progress,
) -> Result<Collected, Broken> {
    expect_agents(run, host, interrupted)?;
    programs.set_up(host, interrupted)?;
    let granted = traffic::prepare(run.agents.iter(), captures, host, programs, interrupted)?;
    let mut watching = Watching::prepare(run, host)?;
    traffic::start_forwarders(run, host)?;
    timestamper::start(run, host)?;
    programs.start(host, interrupted)?;
    watching.as_mut().map(Watching::begin).transpose()?;
    let mut watched = None;
    let mut over = || {
        watched = watching.take().map(Watching::end).transpose()?;
        Ok(())
    };
    let expected = Duration::from_nanos(run.expected);
    let mut tick = |running| progress.tick(running, expected);
    tick(Duration::ZERO);
    let generated = traffic::generate(host, programs, interrupted, expected, &mut tick, &mut over)?;
    progress.over();
    path::check(run, host)?;
    let forwarders = traffic::stop_forwarders(run, host, programs, interrupted)?;
    let timestamped = timestamper::stop(run, host, programs, interrupted)?;
    programs.wind_up(host, interrupted)?;
    Ok(Collected { generated, forwarders, granted, captured: timestamped, watched, knobs: Knobs::default() })
}

/// Waits for every agent's first word.
pub(super) fn expect_agents(run: &Run, host: &mut Host, interrupted: &AtomicBool) -> Result<(), Broken> {
    nodes(run).try_for_each(|node| expect_hello(host, node, interrupted))
}

/// Every node that an agent is started in.
fn nodes(run: &Run) -> impl Iterator<Item = &str> {
    run.steps.iter().filter_map(|step| match step {
        Step::StartAgent { node, .. } => Some(node.as_str()),
        _ => None,
    })
}

/// What failed first is what counts; what failed while cleaning up after it is said as well.
fn both<T>(first: Result<T, Broken>, then: anyhow::Result<()>) -> Result<T, Broken> {
    match (first, then) {
        (first, Ok(())) => first,
        (Ok(_), Err(error)) => Err(Broken::Failed(error)),
        // an agent that is gone is so for everything it is asked
        (Err(Broken::Failed(error)), Err(also)) if format!("{error:#}").contains(&format!("{also:#}")) => {
            Err(Broken::Failed(error))
        }
        (Err(Broken::Failed(error)), Err(also)) => Err(Broken::Failed(anyhow!("{error:#}; after that, {also:#}"))),
        (Err(broken), Err(_)) => Err(broken),
    }
}

fn remove_empty_logs(run: &Run, folder: &Path) {
    for node in nodes(run) {
        let log = folder.join(format!("agent-{node}.log"));
        if std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() == 0) {
            std::fs::remove_file(log).ok();
        }
    }
}
