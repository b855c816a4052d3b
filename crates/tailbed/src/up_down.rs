//! Bringing a topology up and down again without any traffic: how long the host work alone takes.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::apply::{Broken, Host, apply_all, take_back_all};
use crate::cli::ExperimentArguments;
use crate::failure::Failure;
use crate::journal::Journal;
use crate::{experiment, journal, print, probe, run};

/// Applies the last run's steps, waits until every agent is there, takes all back, and prints both times in milliseconds as JSON.
pub(crate) fn up_down(arguments: &ExperimentArguments) -> Result<(), Failure> {
    let text = experiment::read(&arguments.file)?;
    let token = run::draw_token()?;
    let mut facts = probe::facts();
    let plan = experiment::make_plan_for_this_host(arguments, &text, &mut facts, &token)?;
    let Some(last) = plan.runs.last() else { return Err(Failure::File("error: the plan holds no run".to_owned())) };
    run::enter_user_namespace_if_needed(&plan, &facts)?;
    let _alone = journal::lock()?;
    let interrupted = AtomicBool::new(false);
    let mut journal = Journal::open(&token, &last.name)?;
    let mut host = Host::new()?;
    let mut done = Vec::new();
    let began = Instant::now();
    let up = apply_all(&last.steps, &mut host, &mut journal, &mut done, &interrupted)
        .and_then(|()| last.agents.iter().try_for_each(|agent| run::expect_hello(&mut host, &agent.node, &interrupted)))
        .map(|()| began.elapsed());
    let began = Instant::now();
    let left = take_back_all(&done, &mut host, &mut journal);
    let down = began.elapsed();
    if !left.is_empty() {
        return Err(anyhow::anyhow!("not everything could be taken back: {}", left.join("; ")).into());
    }
    journal.discard()?;
    match up {
        Ok(up) => print(&format!("{{\"up_ms\": {:.1}, \"down_ms\": {:.1}}}\n", up.as_secs_f64() * 1e3, down.as_secs_f64() * 1e3)),
        Err(Broken::Failed(error) | Broken::Left(error)) => Err(error.into()),
        Err(Broken::Interrupted) => Err(Failure::Interrupted("interrupted".to_owned())),
    }
}
