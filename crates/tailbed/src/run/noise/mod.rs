//! A campaign of noise tests: each environment is built, and its cores are tested from inside.

mod attempt;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tailbed_format::facts::Facts;
use tailbed_format::noise::{NoiseFound, NoiseRun};
use tailbed_format::results;
use tailbed_plan::plan::{Plan, Run};
use tailbed_stats::noise::{RecordedNoise, broken, found};
use tailbed_stats::plot::number::time;

use super::explain::explain;
use super::{now, record};
use crate::apply::{Broken, NotHeld};
use crate::failure::{Failure, Refusal};
use crate::results::campaign::{json, write_new};
use crate::results::{CampaignFolder, sums};
use crate::show::progress::{Progress, RunEnd};

/// Makes every run; those that an earlier session finished are not made again. One that fails is written down with its reason and the
/// campaign goes on.
pub(super) fn carry_out(
    plan: &Plan,
    facts: &Facts,
    folder: &CampaignFolder,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let expected = |run: &Run| Duration::from_nanos(run.expected);
    for (number, run) in plan.runs.iter().enumerate() {
        progress.begin(number, &run.name);
        let made = if let Some(earlier) = folder.finished_attempt(&run.name, 0) {
            earlier
        } else {
            progress.attempt(number, 0);
            made(plan, facts, run, folder, interrupted, progress).map_err(|broken| explain(broken, progress, folder, run))?
        };
        let ended = RunEnd { folder: &run.name, counts: made.is_valid(), line: &one_line(&made) };
        progress.end(number, expected(run), &ended);
    }
    progress.finish();
    Ok(())
}

/// One run, from its folder to its summary.
fn made(
    plan: &Plan,
    facts: &Facts,
    run: &Run,
    folder: &CampaignFolder,
    interrupted: &AtomicBool,
    progress: &Progress,
) -> Result<NoiseRun, Broken> {
    let path = folder.begin_attempt(&run.name, 0)?;
    record::before(&path, run, facts)?;
    let expected = Duration::from_nanos(run.expected);
    let recorded = test(plan, run, &path, interrupted, &mut |running| progress.tick(running, expected))?;
    progress.over();
    if !recorded.records.is_empty() {
        write_new(&path.join(results::NOISE), &json(&recorded.records)?)?;
    }
    sums::seal(&path, &recorded.run)?;
    Ok(recorded.run)
}

/// Carries a run out in a folder that is there; a failure is a run that does not count.
pub(crate) fn test(
    plan: &Plan,
    run: &Run,
    folder: &Path,
    interrupted: &AtomicBool,
    tick: &mut dyn FnMut(Duration),
) -> Result<RecordedNoise, Broken> {
    let parameters = plan.cells.get(run.cell).map(|cell| cell.parameters.clone()).unwrap_or_default();
    let summary = NoiseRun {
        run: run.name.clone(),
        cell: run.cell,
        repeat: run.repeat,
        began: now(),
        parameters,
        tests: Vec::new(),
        load: None,
        downgrades: Vec::new(),
        invalid: Vec::new(),
        knobs: None,
        proof: None,
    };
    match attempt::attempt(run, &plan.token, folder, interrupted, tick) {
        Ok(attempt::Tested { records, load, downgrades, watched, knobs }) => {
            let tests = records.iter().map(found).collect();
            let invalid = broken(&records);
            let proof = watched.map(|watched| watched.prove_whole(&[], folder)).transpose()?;
            let knobs = Some(knobs).filter(|knobs| !knobs.profile.is_empty());
            Ok(RecordedNoise { run: NoiseRun { tests, load, downgrades, invalid, knobs, proof, ..summary }, records })
        }
        Err(Broken::Failed(error)) if !error.is::<Refusal>() && !error.is::<NotHeld>() => {
            let invalid = vec![format!("{error:#}")];
            Ok(RecordedNoise { run: NoiseRun { invalid, ..summary }, records: Vec::new() })
        }
        Err(broken) => Err(broken),
    }
}

fn one_line(run: &NoiseRun) -> String {
    if !run.is_valid() {
        return format!("{}: does not count: {}", run.run, run.invalid.join("; "));
    }
    let most = |found: &NoiseFound| {
        let most = found.cores.iter().filter_map(|core| core.distribution.maximum).max();
        format!("{} at most {}", found.test.name(), most.map_or_else(|| "none".to_owned(), time))
    };
    format!("{}: {}", run.run, run.tests.iter().map(most).collect::<Vec<_>>().join(", "))
}
