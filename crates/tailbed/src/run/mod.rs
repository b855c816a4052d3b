//! `tailbed run`: the whole pipeline on one screen.

mod answers;
mod attempt;
mod campaign;
mod captures;
mod descendants;
mod explain;
mod finish;
mod interrupt;
mod life;
mod noise;
mod path;
mod programs;
pub(crate) mod proof;
mod record;
mod search;
mod tables;
pub(crate) mod timestamper;
mod traffic;

use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use tailbed_format::facts::Facts;
use tailbed_plan::plan::{Plan, Run};
use tailbed_plan::step::Step;

pub(crate) use answers::{agent, expect_hello};
pub(crate) use campaign::one_line;
pub(crate) use captures::Captures;
pub(crate) use interrupt::watch;
pub(crate) use noise::test as test_noise;
pub(crate) use programs::{Programs, Scripts};
pub(crate) use tables::Tables;
pub(crate) use traffic::{prepare, start_forwarders};

use crate::cli::RunArguments;
use crate::experiment::Showing;
use crate::failure::Failure;
use crate::results::{Begun, CampaignFolder, Identity, Kind, Outline, kind_of};
use crate::show::deadlines;
use crate::show::progress::Progress;
use crate::{experiment, journal, probe, user_namespace};

/// What a plan names and files hold, read before anything is touched.
struct Inputs {
    scripts: Scripts,
    tables: Tables,
    captures: Captures,
}

/// Plan, apply, collect, take back, summarise, report.
pub(crate) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let text = experiment::read(&arguments.experiment.file)?;
    let mut facts = probe::facts();
    if arguments.dry_run {
        return experiment::show(&arguments.experiment, &text, &facts, &Showing { steps: false, json: arguments.json });
    }
    let token = draw_token()?;
    let mut plan = experiment::make_plan_for_this_host(&arguments.experiment, &text, &mut facts, &token)?;
    deadlines::asked_for(arguments, &plan)?;
    let captures = Captures::of(&mut plan)?;
    let inputs = Inputs { scripts: Scripts::of(&plan)?, tables: Tables::of(&plan)?, captures };
    let text = String::from_utf8_lossy(&text);
    let resumed = if arguments.resume { Some(find_unfinished(arguments, &plan, &text, &facts)?) } else { None };
    enter_user_namespace_if_needed(&plan, &facts)?;
    let _alone = journal::lock()?;
    let interrupted = interrupt::watch()?;
    take_back_leftovers()?;
    let folder = match resumed {
        Some(folder) => folder,
        None => CampaignFolder::create(&arguments.out, &begun(arguments, &plan), &text, &facts, now())?,
    };
    eprintln!("results go to {}", folder.path().display());
    plan.notes.iter().for_each(|note| eprintln!("note: {note}"));
    let mut progress = Progress::of(&plan, &folder);
    let started = Started { arguments, plan: &plan, inputs: &inputs, facts: &facts, folder: &folder };
    let done = carry_out(&started, &interrupted, &mut progress);
    progress.close(done.as_ref().err());
    done
}

/// A campaign that has its folder.
struct Started<'a> {
    arguments: &'a RunArguments,
    plan: &'a Plan,
    inputs: &'a Inputs,
    facts: &'a Facts,
    folder: &'a CampaignFolder,
}

/// Makes all runs of a campaign, whatever they are of, and reports on them.
fn carry_out(started: &Started<'_>, interrupted: &AtomicBool, progress: &mut Progress) -> Result<(), Failure> {
    let Started { arguments, plan, inputs, facts, folder } = *started;
    match kind_of(plan) {
        Kind::Packets => campaign::carry_out(plan, inputs, facts, folder, interrupted, progress)?,
        Kind::Searches => search::carry_out(plan, inputs, facts, folder, interrupted, progress)?,
        Kind::Lives => life::carry_out(plan, folder, interrupted, progress)?,
        Kind::Noise => noise::carry_out(plan, facts, folder, interrupted, progress)?,
    }
    progress.report();
    finish::finish(arguments, folder)
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
    if plan.runs.iter().any(|run| needs_user_namespace(run, facts)) { enter_user_namespace() } else { Ok(()) }
}

/// Whether a run can only be made inside a user namespace.
pub(crate) fn needs_user_namespace(run: &Run, facts: &Facts) -> bool {
    !facts.privilege.root && run.every_step().any(|step| matches!(step, Step::MakeNamespace { .. }))
}

/// Called before any thread is started.
pub(crate) fn enter_user_namespace() -> Result<(), Failure> {
    user_namespace::enter().map_err(|error| Failure::Host(format!("error: {error:#}")))
}

/// What runs and labs that were killed have left.
pub(crate) fn take_back_leftovers() -> Result<(), Failure> {
    for cleaned in journal::clean()? {
        let taken_back = cleaned.taken_back;
        cleaned.not_ours.iter().for_each(|what| eprintln!("note: {what}: it is left as it is"));
        eprintln!("note: a run that was killed ({}) had left things behind: {taken_back} steps taken back", cleaned.run);
        if !cleaned.left.is_empty() {
            return Err(anyhow::anyhow!("a killed run has left what cannot be taken back: {}", cleaned.left.join("; ")).into());
        }
    }
    Ok(())
}

fn identity(arguments: &RunArguments, plan: &Plan) -> Identity {
    Identity {
        name: plan.name.clone(),
        set: arguments.experiment.set.clone(),
        sweep: arguments.experiment.sweep.clone(),
        runs: plan.runs.iter().map(|run| run.name.clone()).collect(),
    }
}

/// What is written down of a campaign before its first run.
fn begun(arguments: &RunArguments, plan: &Plan) -> Begun {
    let file = arguments.experiment.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Begun { version: Begun::VERSION, identity: identity(arguments, plan), outline: Some(Outline::of(plan, &file)) }
}

/// The campaign to resume, which must have been begun on this host as it is now: runs of two hosts are not one campaign.
fn find_unfinished(arguments: &RunArguments, plan: &Plan, text: &str, facts: &Facts) -> Result<CampaignFolder, Failure> {
    let wrong = |error: anyhow::Error| Failure::File(format!("error: {error:#}"));
    let folder = CampaignFolder::find_unfinished(&arguments.out, &identity(arguments, plan), text).map_err(wrong)?;
    let then = folder.facts().map_err(wrong)?;
    let host = |facts: &Facts| {
        let tool = (facts.tool_version.clone(), facts.tool_commit.clone());
        (
            facts.hostname.clone(),
            facts.cpu_model.clone(),
            facts.cpus.clone(),
            facts.kernel.clone(),
            facts.command_line.clone(),
            tool,
        )
    };
    if host(&then) != host(facts) {
        return Err(Failure::File(format!(
            "error: the campaign in {} was begun on another host, kernel, command line or version of tailbed than this; \
             run without --resume to begin a new one",
            folder.path().display()
        )));
    }
    Ok(folder)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
