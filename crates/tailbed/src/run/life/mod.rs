//! A campaign of lives: each environment is gone through phase by phase, instead of packets being sent through it.

mod attempt;
mod density;
mod footprint;
mod report;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tailbed_format::lifecycle::Life;
use tailbed_format::results;
use tailbed_plan::plan::{Plan, Run};

use super::explain::explain;
use super::now;
use crate::apply::Broken;
use crate::failure::Failure;
use crate::results::CampaignFolder;
use crate::results::campaign::{json, write_new};
use crate::show::progress::Progress;

pub(super) use report::{show, write};

/// Goes through every life; those that an earlier session finished are read, not gone through again. A life that fails is written down
/// with its reason and the campaign goes on: that an environment does not start is a result too.
pub(super) fn carry_out(plan: &Plan, folder: &CampaignFolder, interrupted: &AtomicBool) -> Result<Vec<Life>, Failure> {
    let expected = |run: &Run| Duration::from_nanos(run.expected);
    let mut progress = Progress::new(plan.runs.len(), plan.runs.iter().map(expected).sum());
    let mut lives = Vec::new();
    for (number, run) in plan.runs.iter().enumerate() {
        progress.begin(number, &run.name);
        let life = match folder.finished_attempt(&run.name, 0) {
            Some(earlier) => earlier,
            None => live(plan, run, folder, interrupted).map_err(|broken| explain(broken, &progress, folder, run))?,
        };
        progress.end(number, expected(run), &one_line(&life));
        lives.push(life);
    }
    progress.finish();
    Ok(lives)
}

/// One life, from its folder to its summary.
fn live(plan: &Plan, run: &Run, folder: &CampaignFolder, interrupted: &AtomicBool) -> Result<Life, Broken> {
    let path = folder.begin_attempt(&run.name, 0)?;
    write_new(&path.join(results::PLAN), &json(run)?)?;
    let parameters = plan.cells.get(run.cell).map(|cell| cell.parameters.clone()).unwrap_or_default();
    let life = Life {
        run: run.name.clone(),
        cell: run.cell,
        repeat: run.repeat,
        attempt: 0,
        began: now(),
        parameters,
        phases: Vec::new(),
        footprint: None,
        density: None,
        failed: None,
    };
    let life = gone_through(life, run, plan, &path, interrupted)?;
    write_new(&path.join(results::SUMMARY), &json(&life)?)?;
    Ok(life)
}

fn gone_through(life: Life, run: &Run, plan: &Plan, path: &Path, interrupted: &AtomicBool) -> Result<Life, Broken> {
    match attempt::attempt(run, &plan.token, path, interrupted) {
        Ok(gone) => Ok(Life { phases: gone.phases, footprint: gone.footprint, density: gone.density, ..life }),
        Err(Broken::Failed(error)) => Ok(Life { failed: Some(format!("{error:#}")), ..life }),
        Err(broken) => Err(broken),
    }
}

fn one_line(life: &Life) -> String {
    if let Some(failed) = &life.failed {
        return format!("{}: does not count: {failed}", life.run);
    }
    let phases: Vec<_> =
        life.phases.iter().map(|taken| format!("{} {}", taken.phase, tailbed_stats::plot::number::time(taken.time))).collect();
    format!("{}: {}", life.run, phases.join(", "))
}
