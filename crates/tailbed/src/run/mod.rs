//! `tailbed run`: the whole pipeline on one screen.

mod attempt;
mod campaign;
mod interrupt;
mod record;
mod report;

use std::time::{SystemTime, UNIX_EPOCH};

use tailbed_format::facts::Facts;
use tailbed_plan::plan::Plan;
use tailbed_plan::step::Step;

pub(crate) use attempt::expect_hello;

use crate::cli::RunArguments;
use crate::failure::Failure;
use crate::results::{CampaignFolder, Identity};
use crate::{experiment, journal, print, probe, user_namespace};

/// Plan, apply, collect, take back, summarise, report.
pub(crate) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let text = experiment::read(&arguments.experiment.file)?;
    let facts = probe::facts();
    let token = draw_token()?;
    if arguments.dry_run {
        return print(&experiment::describe(&arguments.experiment, &text, &facts, true)?);
    }
    let plan = experiment::make_plan_for_this_host(&arguments.experiment, &text, &facts, &token)?;
    enter_user_namespace_if_needed(&plan, &facts)?;
    let interrupted = interrupt::watch()?;
    take_back_leftovers()?;
    let folder = open_folder(arguments, &plan, &text, &facts)?;
    eprintln!("results go to {}", folder.path().display());
    plan.notes.iter().for_each(|note| eprintln!("note: {note}"));
    let runs = campaign::carry_out(&plan, &facts, &folder, &interrupted)?;
    let summary = report::write(arguments, &plan, &folder, &String::from_utf8_lossy(&text), &runs)?;
    report::show(arguments, &folder, &summary)
}

/// Eight hexadecimal digits that mark everything this process makes on the host.
pub(crate) fn draw_token() -> Result<String, Failure> {
    let mut bytes = [0; 4];
    let mut filled = 0;
    while filled < bytes.len() {
        let drawn = rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty());
        filled += drawn.map_err(|error| anyhow::anyhow!("cannot draw a random number: {error}"))?;
    }
    Ok(format!("{:08x}", u32::from_le_bytes(bytes)))
}

/// Without root, namespaces can only be made inside a user namespace. Called before any thread is started.
pub(crate) fn enter_user_namespace_if_needed(plan: &Plan, facts: &Facts) -> Result<(), Failure> {
    let namespaces = plan.runs.iter().flat_map(|run| &run.steps).any(|step| matches!(step, Step::MakeNamespace { .. }));
    if facts.privilege.root || !namespaces {
        return Ok(());
    }
    user_namespace::enter().map_err(|error| Failure::Host(format!("error: {error:#}")))
}

fn take_back_leftovers() -> Result<(), Failure> {
    for cleaned in journal::clean()? {
        let taken_back = cleaned.taken_back;
        eprintln!("note: a run that was killed ({}) had left things behind: {taken_back} steps taken back", cleaned.run);
        if !cleaned.left.is_empty() {
            return Err(anyhow::anyhow!("a killed run has left what cannot be taken back: {}", cleaned.left.join("; ")).into());
        }
    }
    Ok(())
}

fn open_folder(arguments: &RunArguments, plan: &Plan, text: &[u8], facts: &Facts) -> Result<CampaignFolder, Failure> {
    let identity = Identity {
        name: plan.name.clone(),
        set: arguments.experiment.set.clone(),
        sweep: arguments.experiment.sweep.clone(),
        runs: plan.runs.iter().map(|run| run.name.clone()).collect(),
    };
    let text = String::from_utf8_lossy(text);
    let folder = if arguments.resume {
        CampaignFolder::find_unfinished(&arguments.out, &identity, &text)?
    } else {
        CampaignFolder::create(&arguments.out, &identity, &text, facts, now())?
    };
    Ok(folder)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
