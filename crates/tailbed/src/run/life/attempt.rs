//! One life from nothing to nothing, each phase timed.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Context;
use tailbed_format::knob::Knobs;
use tailbed_format::lifecycle::{Density, Footprint, Phase, PhaseTime};
use tailbed_format::results;
use tailbed_plan::plan::{Instance, LifePlan, Run};
use tailbed_plan::step::Step;

use super::{density, footprint};
use crate::apply::{Broken, Done, Host, apply, apply_all, held, take_back, take_back_all};
use crate::journal::Journal;
use crate::run::answers::expect_hello;
use crate::run::attempt::finish;

/// What was found out.
pub(super) struct Gone {
    pub(super) phases: Vec<PhaseTime>,
    pub(super) footprint: Option<Footprint>,
    pub(super) density: Option<Density>,
    /// What was asked of the host's knobs, and what they said.
    pub(super) knobs: Knobs,
}

/// What a life is gone through with.
pub(super) struct Stage<'a> {
    pub(super) host: Host,
    pub(super) journal: Journal,
    /// Steps that are done, first to last.
    pub(super) done: Vec<Done<'a>>,
    pub(super) interrupted: &'a AtomicBool,
}

/// Goes through a life in the run's folder. Whatever comes of it, everything is taken back when this returns, or the error names what is
/// left.
pub(super) fn attempt(run: &Run, token: &str, folder: &Path, interrupted: &AtomicBool) -> Result<Gone, Broken> {
    let plan = run.life.as_ref().context("the plan of a life is missing")?;
    let mut stage = Stage { host: Host::new()?, journal: Journal::open(token, &run.name)?, done: Vec::new(), interrupted };
    stage.host.log_to(folder);
    // knobs first: a life is gone through on a host that is as it was asked for
    let gone = stage.all(&run.steps).and_then(|()| stage.live(plan));
    let gone = gone.and_then(|gone| Ok(Gone { knobs: held(&run.knobs, &stage.done, &stage.host)?, ..gone }));
    let left = take_back_all(&stage.done, &mut stage.host, &mut stage.journal);
    finish(gone, stage.journal, &left, &folder.join(results::JOURNAL))
}

impl<'a> Stage<'a> {
    /// All phases; those that were not asked for are gone through where the next ones need them, and left out.
    fn live(&mut self, plan: &'a LifePlan) -> Result<Gone, Broken> {
        let Instance { before, provision, start, .. } = &plan.original;
        let mut phases = Vec::new();
        let mut took = |phase, began: Instant| {
            let time = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            if plan.phases.contains(&phase) {
                phases.push(PhaseTime { phase, time });
            }
        };
        self.all(before)?;
        if let Some(provision) = provision {
            let began = Instant::now();
            self.one(provision)?;
            took(Phase::Provision, began);
        }
        let began = Instant::now();
        self.start(start)?;
        took(Phase::Boot, began);
        let footprint = footprint::of(&mut self.host, start, plan.memory);
        if plan.phases.contains(&Phase::Reboot) {
            let began = Instant::now();
            self.last_back()?;
            self.start(start)?;
            took(Phase::Reboot, began);
        }
        if let Some(clone) = &plan.clone {
            self.all(&clone.before)?;
            let began = Instant::now();
            if let Some(provision) = &clone.provision {
                self.one(provision)?;
            }
            self.start(&clone.start)?;
            took(Phase::Clone, began);
            let more = clone.before.len() + usize::from(clone.provision.is_some()) + 1;
            (0..more).try_for_each(|_| self.last_back())?;
        }
        let began = Instant::now();
        self.last_back()?;
        took(Phase::Shutdown, began);
        if provision.is_some() {
            let began = Instant::now();
            self.last_back()?;
            took(Phase::Remove, began);
        }
        let density = plan.density.as_ref().map(|plan| density::count(self, plan)).transpose()?;
        Ok(Gone { phases, footprint, density, knobs: Knobs::default() })
    }

    fn all(&mut self, steps: &'a [Step]) -> Result<(), Broken> {
        apply_all(steps, &mut self.host, &mut self.journal, &mut self.done, self.interrupted)
    }

    fn one(&mut self, step: &'a Step) -> Result<(), Broken> {
        apply(step, &mut self.host, &mut self.journal, &mut self.done, self.interrupted)
    }

    /// Does all steps of a node and waits for its agent's first word.
    pub(super) fn bring_up(&mut self, instance: &'a Instance) -> Result<(), Broken> {
        self.all(&instance.before)?;
        if let Some(provision) = &instance.provision {
            self.one(provision)?;
        }
        self.start(&instance.start)
    }

    /// Starts a node and waits for its agent's first word.
    fn start(&mut self, step: &'a Step) -> Result<(), Broken> {
        self.one(step)?;
        match step {
            Step::StartAgent { node, .. } => expect_hello(&mut self.host, node, self.interrupted),
            _ => Ok(()),
        }
    }

    /// Takes the last step back. What is left then is named at the end, when it is tried again.
    fn last_back(&mut self) -> Result<(), Broken> {
        let Some(last) = self.done.pop() else { return Ok(()) };
        take_back(&last, &mut self.host, &mut self.journal).map_err(|error| {
            self.done.push(last);
            Broken::Failed(error)
        })
    }
}
