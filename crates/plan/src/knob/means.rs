//! What sets a knob on a host.

use tailbed_format::settings::Settings;

use super::{Knob, Place};
use crate::step::{Form, Setting, Step, Tunable, Tuning};

/// What sets a knob, all of it steps that are done before anything else is, but for what it asks of groups and agents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Means {
    /// Done first to last; none where the host is as it should be and cannot be otherwise.
    pub(crate) steps: Vec<Step>,
    /// Parts that cannot be set, and why.
    pub(crate) remarks: Vec<String>,
}

impl Means {
    /// One step.
    pub(super) fn step(step: Step) -> Self {
        Self { steps: vec![step], remarks: Vec::new() }
    }

    /// Writes one file.
    ///
    /// # Errors
    /// Why it cannot be written here.
    pub(super) fn write(setting: Setting, settings: &Settings) -> Result<Self, String> {
        let Setting { path, value, form, .. } = &setting;
        if let Some(reason) = settings.refused.get(path) {
            return Err(format!("{path} cannot be read: {reason}"));
        }
        let Some(now) = settings.text(path) else { return Err(format!("there is no {path}")) };
        let now = form.value(now);
        if !settings.fixed.contains(path) {
            return Ok(Self::step(Step::WriteSetting(setting)));
        }
        if form.same(now, value) {
            return Ok(Self { steps: Vec::new(), remarks: vec![format!("{path} says {now} and lets nobody change it")] });
        }
        Err(format!("{path} says {now} and lets nobody change it"))
    }

    /// Writes the first of a knob's files.
    ///
    /// # Errors
    /// Why it cannot be written here.
    pub(super) fn first_file(knob: &Knob, value: impl Into<String>, reason: &str, place: &Place<'_>) -> Result<Self, String> {
        let file = knob.files.first().copied().unwrap_or_default();
        Self::write(setting(knob.name, file, knob.form, value, reason), place.settings())
    }

    /// Tunes the interfaces of links, whichever there will be.
    pub(super) fn tune(knob: &Knob, what: Tunable, value: u32) -> Self {
        let (namespace, interface) = (None, String::new());
        Self::step(Step::TuneInterface(Tuning { namespace, interface, what, value, knob: knob.name.to_owned() }))
    }

    /// Writes several files; one that is not there, or does not take it, is a reason against all.
    pub(super) fn write_all(each: impl IntoIterator<Item = Setting>, settings: &Settings) -> Result<Self, String> {
        let mut all = Self::default();
        for setting in each {
            let Self { steps, remarks } = Self::write(setting, settings)?;
            all.steps.extend(steps);
            all.remarks.extend(remarks);
        }
        Ok(all)
    }
}

/// A value for one file.
pub(super) fn setting(knob: &str, path: impl Into<String>, form: Form, value: impl Into<String>, reason: &str) -> Setting {
    Setting { path: path.into(), value: value.into(), reason: reason.to_owned(), form, knob: knob.to_owned(), may_stay: false }
}
