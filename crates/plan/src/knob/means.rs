//! What sets a knob on a host.

use tailbed_format::settings::Settings;

use crate::step::{Form, Setting, Step};

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
