//! A campaign of noise tests: each environment is built, and its cores are tested from inside.

mod attempt;
mod report;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use tailbed_format::facts::Facts;
use tailbed_format::noise::{NoiseFound, NoiseRecord, NoiseRun};
use tailbed_format::results;
use tailbed_plan::plan::{Plan, Run};
use tailbed_stats::noise::{RecordedNoise, broken, found};
use tailbed_stats::plot::number::time;

use super::explain::explain;
use super::{now, record};
use crate::apply::{Broken, NotHeld};
use crate::failure::{Failure, Refusal};
use crate::results::CampaignFolder;
use crate::results::campaign::{json, write_new};
use crate::show::progress::Progress;

pub(super) use report::{show, write};

/// Makes every run; those that an earlier session finished are read, not made again. One that fails is written down with its reason and the
/// campaign goes on.
pub(super) fn carry_out(
    plan: &Plan,
    facts: &Facts,
    folder: &CampaignFolder,
    interrupted: &AtomicBool,
) -> Result<Vec<RecordedNoise>, Failure> {
    let expected = |run: &Run| Duration::from_nanos(run.expected);
    let mut progress = Progress::new(plan.runs.len(), plan.runs.iter().map(expected).sum());
    let mut runs = Vec::new();
    for (number, run) in plan.runs.iter().enumerate() {
        progress.begin(number, &run.name);
        let recorded = match earlier(folder, run)? {
            Some(earlier) => earlier,
            None => made(plan, facts, run, folder, interrupted, &progress)
                .map_err(|broken| explain(broken, &progress, folder, run))?,
        };
        progress.end(number, expected(run), &one_line(&recorded.run));
        runs.push(recorded);
    }
    progress.finish();
    Ok(runs)
}

/// A run that was finished before the campaign was interrupted.
fn earlier(folder: &CampaignFolder, run: &Run) -> anyhow::Result<Option<RecordedNoise>> {
    let Some(summary) = folder.finished_attempt::<NoiseRun>(&run.name, 0) else { return Ok(None) };
    let path = folder.attempt(&run.name, 0).join(results::NOISE);
    // a run that failed has none
    let records = if path.exists() { read(&path)? } else { Vec::new() };
    Ok(Some(RecordedNoise { run: summary, records }))
}

fn read(path: &Path) -> anyhow::Result<Vec<NoiseRecord>> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} holds no records of noise tests", path.display()))
}

/// One run, from its folder to its summary.
fn made(
    plan: &Plan,
    facts: &Facts,
    run: &Run,
    folder: &CampaignFolder,
    interrupted: &AtomicBool,
    progress: &Progress,
) -> Result<RecordedNoise, Broken> {
    let path = folder.begin_attempt(&run.name, 0)?;
    record::before(&path, run, facts)?;
    let expected = Duration::from_nanos(run.expected);
    let recorded = test(plan, run, &path, interrupted, &mut |running| progress.tick(running, expected))?;
    if !recorded.records.is_empty() {
        write_new(&path.join(results::NOISE), &json(&recorded.records)?)?;
    }
    write_new(&path.join(results::SUMMARY), &json(&recorded.run)?)?;
    Ok(recorded)
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
    };
    match attempt::attempt(run, &plan.token, folder, interrupted, tick) {
        Ok(attempt::Tested { records, load, downgrades }) => {
            let tests = records.iter().map(found).collect();
            let invalid = broken(&records);
            Ok(RecordedNoise { run: NoiseRun { tests, load, downgrades, invalid, ..summary }, records })
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
