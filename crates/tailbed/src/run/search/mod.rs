//! A campaign of searches: each environment is built once, and trials go through it one after the other until a throughput is found.

mod attempt;
mod trial;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tailbed_format::facts::Facts;
use tailbed_format::throughput::{Bounds, End, SearchRun};
use tailbed_plan::plan::{Plan, Run};
use tailbed_stats::plot::number::rate;
use tailbed_stats::search::ended;

use super::explain::explain;
use super::{Inputs, now, programs, record};
use crate::apply::{Broken, NotHeld};
use crate::failure::{Failure, Refusal};
use crate::results::{CampaignFolder, sums};
use crate::show::progress::{Progress, RunEnd};

/// Makes every search; those that an earlier session finished are not made again. One that fails is written down with its reason and
/// the campaign goes on.
pub(super) fn carry_out(
    plan: &Plan,
    inputs: &Inputs,
    facts: &Facts,
    folder: &CampaignFolder,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let expected = |run: &Run| Duration::from_nanos(run.expected);
    for (number, run) in plan.runs.iter().enumerate() {
        progress.begin(number, &run.name);
        let search: SearchRun = if let Some(earlier) = folder.finished_attempt(&run.name, 0) {
            earlier
        } else {
            progress.attempt(number, 0);
            search(plan, inputs, facts, run, folder, interrupted, progress)
                .map_err(|broken| explain(broken, progress, folder, run))?
        };
        let ended = RunEnd { folder: &search.run, counts: search.is_whole(), line: &one_line(&search) };
        progress.end(number, expected(run), &ended);
    }
    progress.finish();
    Ok(())
}

/// One search, from its folder to its summary.
fn search(
    plan: &Plan,
    inputs: &Inputs,
    facts: &Facts,
    run: &Run,
    folder: &CampaignFolder,
    interrupted: &AtomicBool,
    progress: &Progress,
) -> Result<SearchRun, Broken> {
    let path = folder.begin_attempt(&run.name, 0)?;
    record::before(&path, run, facts)?;
    let cell = plan.cells.get(run.cell);
    let mut search = SearchRun {
        run: run.name.clone(),
        kind: cell.map(|cell| cell.kind).unwrap_or_default(),
        cell: run.cell,
        repeat: run.repeat,
        began: now(),
        parameters: cell.map(|cell| cell.parameters.clone()).unwrap_or_default(),
        directions: run.streams.iter().map(|stream| stream.name.clone()).collect(),
        end: End::Reached,
        goals: Vec::new(),
        burst: None,
        latency: Vec::new(),
        trials: 0,
        invalid_trials: 0,
        took: 0,
        log: Vec::new(),
        forwarders: Vec::new(),
        proof: None,
        ports: Vec::new(),
        downgrades: Vec::new(),
        knobs: None,
        programs: Vec::new(),
    };
    let run = inputs.tables.fill_in(run);
    match attempt::attempt(&mut search, &run, &inputs.scripts, &plan.token, &path, interrupted, progress) {
        // what it has found by then stays with it
        Err(Broken::Failed(error)) if !error.is::<Refusal>() && !error.is::<NotHeld>() => {
            search.end = End::Failed(format!("{error:#}"));
        }
        other => other?,
    }
    search.programs = programs::recorded(&path);
    sums::seal(&path, &search)?;
    Ok(search)
}

fn one_line(search: &SearchRun) -> String {
    let found: Vec<_> = search.goals.iter().map(|found| format!("{} {}", found.goal.name, between(found.bounds))).collect();
    let broken = if search.is_whole() { String::new() } else { format!(" (does not count: {})", ended(&search.end)) };
    format!("{}: {} in {} trials, {} invalid{broken}", search.run, found.join(", "), search.trials, search.invalid_trials)
}

fn between(Bounds { lower, upper }: Bounds) -> String {
    match (lower, upper) {
        (Some(lower), Some(upper)) => format!("{} to {}", rate(lower), rate(upper)),
        (Some(lower), None) => format!("at least {}", rate(lower)),
        (None, Some(upper)) => format!("below {}", rate(upper)),
        (None, None) => "unknown".to_owned(),
    }
}
