//! `tailbed up`.

use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tailbed_format::message::{Frame, read_frame};
use tailbed_format::summary::RunKind;
use tailbed_plan::plan::{Plan, Run};

use super::protocol::{Orders, Progress};
use super::{client, descriptors, list, place};
use crate::cli::UpArguments;
use crate::failure::Failure;
use crate::{experiment, journal, print, probe, run};

/// Plans, starts the keeper, and waits until everything is up.
pub(crate) fn up(arguments: &UpArguments) -> Result<(), Failure> {
    let text = experiment::read(&arguments.experiment.file)?;
    let mut facts = probe::facts();
    let token = run::draw_token()?;
    let plan = experiment::make_plan_for_this_host(&arguments.experiment, &text, &mut facts, &token)?;
    let (scripts, tables) = (run::Scripts::of(&plan)?, run::Tables::of(&plan)?);
    let run = choose(&plan, arguments.run.as_deref())?;
    let log = {
        let _alone = journal::lock()?;
        run::take_back_leftovers()?;
        place::make()?
    };
    plan.notes.iter().for_each(|note| eprintln!("note: {note}"));
    if let Some(which) = which(&plan, run) {
        eprintln!("{which}");
    }
    let mut chosen = tables.fill_in(run);
    scripts.fill_in(&mut chosen.programs);
    let orders = Orders {
        name: plan.name.clone(),
        file: arguments.experiment.file.display().to_string(),
        token,
        user_namespace: run::needs_user_namespace(run, &facts),
        run: chosen,
    };
    let began = Instant::now();
    let mut keeper = start(&orders, log)?;
    wait(&mut keeper)?;
    eprintln!("{} is up after {:.1} s; `tailbed down` takes it down", plan.name, began.elapsed().as_secs_f64());
    print(&list::table(&client::list()?))
}

/// The run that was asked for, else the first of the first combination.
fn choose<'a>(plan: &'a Plan, name: Option<&str>) -> Result<&'a Run, Failure> {
    let wrong = |text: String| Failure::File(format!("error: {text}"));
    let measures = |run: &&Run| plan.cells.get(run.cell).is_some_and(|cell| cell.kind == RunKind::Measurement);
    let mut runs = plan.runs.iter().filter(measures);
    let chosen = match name {
        Some(name) => runs.clone().find(|run| run.name == name).or_else(|| runs.find(|run| varying(&run.name) == name)),
        None => runs.min_by_key(|run| (run.cell, run.repeat)),
    };
    let chosen = chosen.ok_or_else(|| {
        let mut names: Vec<_> = plan.runs.iter().filter(measures).map(|run| varying(&run.name)).collect();
        names.sort_unstable();
        names.dedup();
        match name {
            Some(name) => wrong(format!("there is no run `{name}` in the plan; what varies is called {}", names.join(", "))),
            None => wrong("the plan holds no run with nodes".to_owned()),
        }
    })?;
    if plan.cells.get(chosen.cell).is_some_and(|cell| cell.simulated) {
        return Err(wrong(format!("{} is simulated: there is nothing to bring up", chosen.name)));
    }
    Ok(chosen)
}

/// What varies, of a run's name: `container` of `0003-container-r1`.
fn varying(name: &str) -> &str {
    let without_repeat = name.rsplit_once("-r").map_or(name, |(front, _)| front);
    without_repeat.split_once('-').map_or("", |(_, varies)| varies)
}

/// Which of several combinations is brought up, in a sentence.
fn which(plan: &Plan, run: &Run) -> Option<String> {
    let measured = plan.cells.iter().filter(|cell| cell.kind == RunKind::Measurement).count();
    let cell = plan.cells.get(run.cell).filter(|_| measured > 1)?;
    let values: Vec<_> = cell.parameters.iter().map(|parameter| format!("{} = {}", parameter.key, parameter.value)).collect();
    Some(format!("one of {measured} combinations is brought up: {}; --run or --set chooses another", values.join(", ")))
}

fn start(orders: &Orders, log: std::fs::File) -> anyhow::Result<Child> {
    descriptors::keep_to_ourselves();
    let mut command = Command::new("/proc/self/exe");
    command.arg0("tailbed").arg("keeper").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    let mut keeper = command.spawn().context("cannot start this program again")?;
    let mut input = keeper.stdin.take().context("the keeper has no input")?;
    input.write_all(&serde_json::to_vec(orders)?).context("cannot give the keeper its orders")?;
    Ok(keeper)
}

/// Shows how far the keeper is, until everything is up.
fn wait(keeper: &mut Child) -> Result<(), Failure> {
    pass_signals_to(keeper)?;
    let mut output = keeper.stdout.take().context("the keeper has no output")?;
    let mut showing = Showing::new();
    loop {
        let frame = read_frame(&mut output).context("cannot hear the lab's keeper")?;
        let Some(Frame::Json(body)) = frame else { return Err(lost(keeper)) };
        match serde_json::from_slice(&body).context("cannot understand the lab's keeper")? {
            Progress::Step { done, all, next } => showing.step(done, all, &next),
            Progress::Up { downgrades } => {
                showing.end();
                for downgrade in &downgrades {
                    eprintln!("note: {downgrade}");
                }
                return Ok(());
            }
            Progress::Failed { code, text } => {
                showing.end();
                // it is about to leave, and holds nothing any more
                keeper.wait().context("cannot wait for the lab's keeper")?;
                // it could not even get hold of the state folder
                if let Ok(_alone) = journal::lock() {
                    place::clear_away()?;
                }
                return Err(match code {
                    2 => Failure::File(text),
                    3 => Failure::Host(text),
                    130 => Failure::Interrupted(text),
                    _ => anyhow::anyhow!(text).into(),
                });
            }
        }
    }
}

/// An interrupt is for the keeper, who takes back what there is, and says so.
fn pass_signals_to(keeper: &Child) -> anyhow::Result<()> {
    let pid = Pid::from_child(keeper);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")?;
    let pass = move || {
        for _ in signals.forever() {
            // one that has left needs no signal
            kill_process(pid, Signal::TERM).ok();
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(pass).context("cannot start a thread")?;
    Ok(())
}

/// The keeper died: what it had to say is taken from its log before that goes, and what it left is taken back.
fn lost(keeper: &mut Child) -> Failure {
    let status = keeper.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    let words = place::keepers_words();
    let taken_back = journal::lock().and_then(|_alone| Ok(journal::clean()?));
    let then = match taken_back {
        Ok(cleaned) if cleaned.iter().all(|cleaned| cleaned.left.is_empty()) => "everything is taken back".to_owned(),
        Ok(_) => "not everything could be taken back; `tailbed clean` tries again".to_owned(),
        Err(failure) => format!("what it left is not taken back ({failure}); `tailbed clean` tries again"),
    };
    anyhow::anyhow!("the lab's keeper is gone ({status}){words}; {then}").into()
}

/// A bar on a terminal; elsewhere a line when it takes long.
struct Showing {
    bar: Option<ProgressBar>,
    said: Instant,
}

impl Showing {
    /// So long nothing is said where there is no terminal.
    const SILENCE: Duration = Duration::from_secs(2);

    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(1);
            if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan/dim} {pos}/{len}  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, said: Instant::now() }
    }

    fn step(&mut self, done: usize, all: usize, next: &str) {
        if let Some(bar) = &self.bar {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            bar.set_message(next.to_owned());
        } else if self.said.elapsed() > Self::SILENCE {
            self.said = Instant::now();
            eprintln!("{done}/{all} {next}");
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_read_off_a_runs_name() {
        assert_eq!(varying("0003-container-r1"), "container");
        assert_eq!(varying("0001-1.5Mpps-no-isolation-r12"), "1.5Mpps-no-isolation");
        assert_eq!(varying("0001-r1"), "");
    }
}
