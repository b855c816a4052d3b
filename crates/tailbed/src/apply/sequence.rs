//! A run's steps in order, each in the journal before it is done; and all of them taken back, last to first.

use std::sync::atomic::{AtomicBool, Ordering};

use tailbed_plan::step::Step;

use super::{Before, Host, Made, TakenBack, affinity};
use crate::journal::{Entry, Journal};

/// Why a run brought nothing home.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The user stopped it.
    Interrupted,
    /// A step or an agent failed; everything is taken back.
    Failed(anyhow::Error),
    /// Something could not be taken back; the error names it.
    Left(anyhow::Error),
}

impl From<anyhow::Error> for Broken {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// A step that was done.
pub(crate) struct Done<'a> {
    number: usize,
    pub(super) step: &'a Step,
    pub(super) before: Before,
    pub(super) made: Made,
}

/// Does the steps, adding each to `done` as it goes; stops at the first that fails.
pub(crate) fn apply_all<'a>(
    steps: &'a [Step],
    host: &mut Host,
    journal: &mut Journal,
    done: &mut Vec<Done<'a>>,
    interrupted: &AtomicBool,
) -> Result<(), Broken> {
    steps.iter().try_for_each(|step| apply(step, host, journal, done, interrupted))
}

/// Does a step and adds it to `done`.
pub(crate) fn apply<'a>(
    step: &'a Step,
    host: &mut Host,
    journal: &mut Journal,
    done: &mut Vec<Done<'a>>,
    interrupted: &AtomicBool,
) -> Result<(), Broken> {
    if interrupted.load(Ordering::Relaxed) {
        return Err(Broken::Interrupted);
    }
    let before = Before::of(step)?;
    let number = journal.begin(step, &before)?;
    match host.apply(step) {
        Ok(made) => {
            let entry = Entry::Done { number, made: made.clone() };
            // first known to us, then written: if the disk is full, it is still taken back
            done.push(Done { number, step, before, made });
            Ok(journal.write(&entry)?)
        }
        Err(error) => {
            journal.write(&Entry::Failed { number, error: format!("{error:#}") })?;
            Err(Broken::Failed(error))
        }
    }
}

/// Takes steps back, last to first, going on after a failure; says what is left. Then this process may run again wherever it might before.
pub(crate) fn take_back_all(done: &[Done<'_>], host: &mut Host, journal: &mut Journal) -> Vec<String> {
    let mut left: Vec<_> = done.iter().rev().filter_map(|step| take_back(step, host, journal).err()).collect();
    left.extend(affinity::come_back().err());
    left.iter().map(|error| format!("{error:#}")).collect()
}

/// Takes a step back; the error is that it, or a part of it, is left.
pub(crate) fn take_back(done: &Done<'_>, host: &mut Host, journal: &mut Journal) -> anyhow::Result<()> {
    let Done { number, step, before, made } = done;
    let (entry, left) = match host.take_back(step, before, Some(made)) {
        Ok(TakenBack::Done) => (Entry::TakenBack { number: *number }, None),
        Ok(TakenBack::NotOurs(reason)) => {
            eprintln!("note: {reason}, so it is left as it is");
            (Entry::TakenBack { number: *number }, None)
        }
        Err(error) => (Entry::Left { number: *number, reason: format!("{error:#}") }, Some(error)),
    };
    let written = journal.write(&entry);
    left.map_or(written, Err)
}
