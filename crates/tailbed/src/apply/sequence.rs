//! A run's steps in order, each in the journal before it is done; and all of them taken back, last to first.

use std::sync::atomic::{AtomicBool, Ordering};

use tailbed_plan::step::Step;

use super::{Before, Host, Made, TakenBack};
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
    step: &'a Step,
    before: Before,
    made: Made,
}

/// Does the steps, adding each to `done` as it goes; stops at the first that fails.
pub(crate) fn apply_all<'a>(
    steps: &'a [Step],
    host: &mut Host,
    journal: &mut Journal,
    done: &mut Vec<Done<'a>>,
    interrupted: &AtomicBool,
) -> Result<(), Broken> {
    apply_each(steps, host, journal, done, interrupted, &mut |_, _| ())
}

/// As [`apply_all`]; `tick` is told of each step, with its number, before it is done.
pub(crate) fn apply_each<'a>(
    steps: &'a [Step],
    host: &mut Host,
    journal: &mut Journal,
    done: &mut Vec<Done<'a>>,
    interrupted: &AtomicBool,
    tick: &mut dyn FnMut(usize, &Step),
) -> Result<(), Broken> {
    for (number, step) in steps.iter().enumerate() {
        if interrupted.load(Ordering::Relaxed) {
            return Err(Broken::Interrupted);
        }
        tick(number, step);
        let before = Before::of(step)?;
        journal.write(&Entry::Begin { number, step: step.clone(), before: before.clone() })?;
        match host.apply(step) {
            Ok(made) => {
                let entry = Entry::Done { number, made: made.clone() };
                // first known to us, then written: if the disk is full, it is still taken back
                done.push(Done { number, step, before, made });
                journal.write(&entry)?;
            }
            Err(error) => {
                journal.write(&Entry::Failed { number, error: format!("{error:#}") })?;
                return Err(Broken::Failed(error));
            }
        }
    }
    Ok(())
}

/// Takes steps back, last to first, going on after a failure; says what is left.
pub(crate) fn take_back_all(done: &[Done<'_>], host: &mut Host, journal: &mut Journal) -> Vec<String> {
    let mut left = Vec::new();
    for Done { number, step, before, made } in done.iter().rev() {
        let entry = match host.take_back(step, before, Some(made)) {
            Ok(TakenBack::Done) => Entry::TakenBack { number: *number },
            Ok(TakenBack::NotOurs(reason)) => {
                eprintln!("note: {reason}, so it is left as it is");
                Entry::TakenBack { number: *number }
            }
            Err(error) => {
                let reason = format!("{error:#}");
                left.push(reason.clone());
                Entry::Left { number: *number, reason }
            }
        };
        if let Err(error) = journal.write(&entry) {
            left.push(format!("{error:#}"));
        }
    }
    left
}
