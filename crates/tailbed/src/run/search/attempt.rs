//! One search from the first step to the last taken back.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use tailbed_format::order::Order;
use tailbed_format::stream::StreamSummary;
use tailbed_format::throughput::{Bounds, End, LatencyFound, LatencyStream, Purpose, SearchRun, Status};
use tailbed_plan::plan::{AgentOrder, GENERATOR, Run, SearchPlan};
use tailbed_stats::interval::distribution;
use tailbed_stats::search::{Search, Sent, TrialInput};

use super::trial::{Instrument, Made, Trials};
use crate::apply::{Broken, Host};
use crate::run::attempt::{expect_agents, with_steps};
use crate::run::programs::{Programs, Scripts};
use crate::run::proof::{Watching, loops};
use crate::run::traffic::Stopped;
use crate::run::{Captures, path, traffic};
use crate::show::progress::Progress;

/// Makes a search in its folder and adds to its record what it finds, also where it then fails. Whatever comes of it, everything is taken
/// back when this returns, or the error names what is left.
pub(super) fn attempt(
    found: &mut SearchRun,
    run: &Run,
    scripts: &Scripts,
    token: &str,
    folder: &Path,
    interrupted: &AtomicBool,
    progress: &Progress,
) -> Result<(), Broken> {
    let ((), knobs) = with_steps(run, scripts, token, folder, interrupted, |host, programs| {
        sought(found, run, host, programs, folder, interrupted, progress)
    })?;
    found.knobs = Some(knobs).filter(|knobs| !knobs.profile.is_empty());
    Ok(())
}

/// From the first agent's first word to the last trial. The forwarders run all the time, the generator has an order for each trial.
fn sought(
    found: &mut SearchRun,
    run: &Run,
    host: &mut Host,
    programs: &mut Programs<'_>,
    folder: &Path,
    interrupted: &AtomicBool,
    progress: &Progress,
) -> Result<(), Broken> {
    let plan = run.search.as_ref().context("the plan of a search is missing")?;
    expect_agents(run, host, interrupted)?;
    programs.set_up(host, interrupted)?;
    let forwarders = run.agents.iter().filter(|agent| agent.node != GENERATOR);
    let granted = traffic::prepare(forwarders, &Captures::default(), host, programs, interrupted)?;
    (found.downgrades, found.ports) = (granted.downgrades, granted.ports);
    let mut watching = Watching::prepare(run, host)?;
    traffic::start_forwarders(run, host)?;
    programs.start(host, interrupted)?;
    watching.as_mut().map(Watching::begin).transpose()?;
    let instrument = Instrument { host: &mut *host, programs: &mut *programs, interrupted, progress };
    let mut trials = Trials::new(run, template(run)?, plan, folder, instrument)?;
    let mut state = Searching { search: Search::new(&plan.order), plan, found: &mut *found };
    let made = state.find(&mut trials).and_then(|()| state.latencies(&mut trials));
    let Searching { search, .. } = state;
    found.goals = search.found();
    found.burst = search.burst();
    found.took = trials.spent();
    let (log, granted) = trials.finish();
    found.downgrades.extend(granted.downgrades);
    found.ports.extend(granted.ports);
    found.log = log;
    made?;
    progress.over();
    let watched = watching.map(Watching::end).transpose()?;
    path::check(run, host)?;
    let Stopped { forwarders, accounts } = traffic::stop_forwarders(run, host, programs, interrupted)?;
    found.forwarders = forwarders;
    // each trial has a loop of its own in the load generator, which is not followed
    found.proof = watched.map(|watched| watched.prove_whole(&loops(None, &accounts), folder)).transpose()?;
    programs.wind_up(host, interrupted)
}

/// The generator's order, that of the heaviest trial.
fn template(run: &Run) -> anyhow::Result<&AgentOrder> {
    let generator = run.agents.iter().find(|agent| agent.node == GENERATOR && matches!(agent.order, Order::Measure(_)));
    generator.with_context(|| format!("the plan of {} gives the generator nothing to measure", run.name))
}

/// A search under way.
struct Searching<'a> {
    search: Search,
    plan: &'a SearchPlan,
    found: &'a mut SearchRun,
}

impl Searching<'_> {
    /// Makes trials until the search has what it sought, its time is over, or the instrument fails too often in a row.
    fn find(&mut self, trials: &mut Trials<'_, '_>) -> Result<(), Broken> {
        let order = &self.plan.order;
        let mut failures = 0;
        while let Some(input) = self.search.next() {
            if trials.spent() >= order.time {
                self.found.end = End::Time;
                return Ok(());
            }
            let made = trials.make(input, &mut self.search)?;
            if made.invalid.is_empty() {
                failures = 0;
                self.found.trials += 1;
                continue;
            }
            failures += 1;
            self.found.invalid_trials += 1;
            if failures >= order.attempts {
                self.found.end = End::Invalid { rate: input.rate, attempts: failures, reasons: made.invalid };
                return Ok(());
            }
        }
        Ok(())
    }

    /// Measures latency at shares of what was found; nothing where nothing was.
    fn latencies(&mut self, trials: &mut Trials<'_, '_>) -> Result<(), Broken> {
        let Some(base) = self.base() else { return Ok(()) };
        let order = &self.plan.order;
        for &share in &order.latency {
            let rate = u64::try_from(u128::from(base) * u128::from(share) / 1_000_000).unwrap_or(base).max(1);
            let input = TrialInput { purpose: Purpose::Latency(share), ..TrialInput::load(rate, order.latency_trial) };
            let counts = tailbed_format::summary::Counts::default();
            let mut found = LatencyFound { share, rate, counts, latency: None, streams: Vec::new() };
            for _ in 0..order.attempts {
                if trials.spent() >= order.time {
                    break;
                }
                let made = trials.make(input, &mut self.search)?;
                if made.invalid.is_empty() {
                    found.counts = made.counts;
                    found.latency = Some(distribution(&made.latency));
                    let one = |stream: StreamSummary| LatencyStream { name: stream.name, latency: stream.latency };
                    found.streams = made.streams.into_iter().map(one).collect();
                    break;
                }
                self.found.invalid_trials += 1;
            }
            self.found.latency.push(found);
        }
        Ok(())
    }

    /// What latency is measured at shares of: the lower bound of the last goal, if it was found or is the highest rate allowed.
    fn base(&self) -> Option<u64> {
        let found = self.search.found().pop()?;
        let Bounds { lower, .. } = found.bounds;
        matches!(found.status, Status::Found | Status::AtMaximum).then_some(lower).flatten()
    }
}

/// What a valid trial tells a search.
pub(super) fn sent(made: &Made) -> Sent {
    Sent { sent: made.counts.sent, lost: made.counts.lost }
}
