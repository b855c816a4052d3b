//! A campaign of lives: each environment is gone through phase by phase, instead of packets being sent through it.

mod attempt;
mod density;
mod footprint;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tailbed_format::lifecycle::Life;
use tailbed_format::results;
use tailbed_plan::plan::{Plan, Run};

use super::explain::explain;
use super::now;
use crate::apply::{Broken, NotHeld};
use crate::failure::Failure;
use crate::results::campaign::{json, write_new};
use crate::results::{CampaignFolder, sums};
use crate::show::progress::{Progress, RunEnd};

/// Goes through every life; those that an earlier session finished are not gone through again. A life that fails is written down
/// with its reason and the campaign goes on: that an environment does not start is a result too.
pub(super) fn carry_out(
    plan: &Plan,
    folder: &CampaignFolder,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let expected = |run: &Run| Duration::from_nanos(run.expected);
    for (number, run) in plan.runs.iter().enumerate() {
        progress.begin(number, &run.name);
        let life: Life = if let Some(earlier) = folder.finished_attempt(&run.name, 0) {
            earlier
        } else {
            progress.attempt(number, 0);
            live(plan, run, folder, interrupted).map_err(|broken| explain(broken, progress, folder, run))?
        };
        let ended = RunEnd { folder: &life.run, counts: life.failed.is_none(), line: &one_line(&life) };
        progress.end(number, expected(run), &ended);
    }
    progress.finish();
    Ok(())
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
        knobs: None,
    };
    let life = gone_through(life, run, plan, &path, interrupted)?;
    sums::seal(&path, &life)?;
    Ok(life)
}

fn gone_through(life: Life, run: &Run, plan: &Plan, path: &Path, interrupted: &AtomicBool) -> Result<Life, Broken> {
    match attempt::attempt(run, &plan.token, path, interrupted) {
        Ok(attempt::Gone { phases, footprint, density, knobs }) => {
            let knobs = Some(knobs).filter(|knobs| !knobs.profile.is_empty());
            Ok(Life { phases, footprint, density, knobs, ..life })
        }
        Err(Broken::Failed(error)) if !error.is::<NotHeld>() => Ok(Life { failed: Some(format!("{error:#}")), ..life }),
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
