//! What an experiment asks of knobs: its profile, and what it says itself.

use std::collections::BTreeMap;

use super::profile::{Profile, SUPPLIED, is_file, path_of};
use super::{ALL, Knob, Means, Place, STOCK, each};
use crate::experiment::Experiment;
pub(super) use crate::experiment::KnobValue as Value;
use crate::text::advice;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// All that is asked of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Name of the profile, or the path of its file as the experiment has it.
    pub(crate) profile: String,
    /// In the order they are set, that of [`ALL`] nearly always; knobs that are left alone are not here.
    pub(crate) knobs: Vec<Wish>,
    /// Knobs that the experiment itself leaves alone.
    pub(crate) alone: Vec<&'static str>,
}

/// What is asked of a knob.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) knob: &'static Knob,
    /// One that the knob accepts.
    pub(crate) value: String,
    /// Whether the experiment asks for it by name: then it must hold, or there is no run.
    pub(crate) by_name: bool,
}

impl PartialEq for Wish {
    fn eq(&self, other: &Self) -> bool {
        (self.knob.name, &self.value, self.by_name) == (other.knob.name, &other.value, other.by_name)
    }
}

impl Eq for Wish {}

impl Wish {
    /// What sets it.
    ///
    /// # Errors
    /// Why it cannot be had: a clause.
    pub(crate) fn plan(&self, place: &Place<'_>) -> Result<Means, String> {
        let instrument = tailbed_format::knob::Knobs::is_instrument(self.knob.name);
        if !place.facts.privilege.root && !matches!(self.knob.name, "nohz_full" | "memory_lock") {
            // that real-time throttling stays on is said elsewhere, where it matters
            return if instrument && !self.by_name { Ok(Means::default()) } else { Err("it takes root".to_owned()) };
        }
        (self.knob.plan)(self.knob, &self.value, place)
    }

    /// How many huge pages it keeps in each pool, by the file of the pool, whether they are there already or not.
    pub(crate) fn kept_pages(&self, place: &Place<'_>) -> BTreeMap<String, u64> {
        if self.knob.name == "hugepages" { each::kept_pages(&self.value, place) } else { BTreeMap::new() }
    }
}

impl Wishes {
    /// What is asked of a knob, where anything is.
    pub(crate) fn of(&self, name: &str) -> Option<&str> {
        self.knobs.iter().find(|wish| wish.knob.name == name).map(|wish| wish.value.as_str())
    }
}

/// Checks the names and values in `[knobs]`.
fn check_names(experiment: &Experiment, tree: &Table<'_>) -> Result<(), Fault> {
    for (name, value) in &experiment.knobs.0 {
        let Some(knob) = Knob::named(name) else {
            let span = tree::key_span(tree, &["knobs", name]).unwrap_or_default();
            let names: Vec<&str> = ALL.iter().map(|knob| knob.name).collect();
            return Err(advice::suggest(
                Fault::file(format!("unknown knob `{name}`")).at(span, "not known here"),
                name,
                "knobs",
                &names,
            ));
        };
        if let Value::Is(value) = value
            && !knob.accepts.allows(value)
        {
            return Err(Fault::file(format!("`{name}` is {value}"))
                .at(tree::span(tree, &["knobs", name]), "cannot be used")
                .help(format!("it may be `true` (which is {}), `false` (left alone), {}", knob.standard, knob.accepts.words())));
        }
    }
    Ok(())
}

/// What is asked for: the profile's knobs, with those of the experiment in their place or besides. `files` are the texts of profiles by
/// path.
pub(crate) fn wishes(
    experiment: &Experiment,
    files: &[(String, String)],
    tree: &Table<'_>,
    folder: &str,
) -> Result<Wishes, Fault> {
    check_names(experiment, tree)?;
    let name = experiment.profile.as_deref().unwrap_or(STOCK);
    let profile = find(name, files, tree, folder)?;
    let own = |knob: &Knob| experiment.knobs.0.iter().find(|(name, _)| name == knob.name).map(|(_, value)| value);
    let wish = |knob: &'static Knob| {
        let by_name = own(knob);
        let given = by_name.or_else(|| profile.knobs.0.iter().find(|(name, _)| name == knob.name).map(|(_, value)| value));
        let value = match given? {
            Value::Alone => return None,
            Value::Standard => knob.standard.to_owned(),
            Value::Is(value) => value.clone(),
        };
        Some(Wish { knob, value, by_name: by_name.is_some() })
    };
    let alone = ALL.iter().filter(|knob| own(knob) == Some(&Value::Alone)).map(|knob| knob.name);
    let knobs = in_order(ALL.iter().copied().filter_map(wish).collect());
    Ok(Wishes { profile: name.to_owned(), knobs, alone: alone.collect() })
}

/// The order they are set in. Under the governor `performance` drivers that let the processor choose take no preference but `performance`
/// (EBUSY; Documentation/admin-guide/pm/intel_pstate.rst, "performance"; `amd_pstate_set_energy_pref_index` in
/// drivers/cpufreq/amd-pstate.c): the preference is written before it comes, and after it has gone.
fn in_order(mut wishes: Vec<Wish>) -> Vec<Wish> {
    let place = |name: &str| wishes.iter().position(|wish| wish.knob.name == name);
    if let (Some(preference), Some(governor)) = (place("energy_preference"), place("governor"))
        && wishes[governor].value != "performance"
    {
        wishes.swap(preference, governor);
    }
    wishes
}

fn find(name: &str, files: &[(String, String)], tree: &Table<'_>, folder: &str) -> Result<Profile, Fault> {
    let at = tree::span(tree, &["profile"]);
    let path = path_of(name, folder);
    let text = if is_file(name) {
        let found = files.iter().find(|(known, _)| *known == path).map(|(_, text)| text.as_str());
        found.ok_or_else(|| {
            Fault::file(format!("the profile's file {path} cannot be read"))
                .at(at.clone(), "named here")
                .help("a path is relative to the experiment file")
        })?
    } else {
        let known = SUPPLIED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        known.ok_or_else(|| {
            let names: Vec<&str> = SUPPLIED.iter().map(|(name, _)| *name).collect();
            let fault = Fault::file(format!("unknown profile `{name}`")).at(at.clone(), "not known here");
            advice::suggest(fault, name, "profiles", &names).help("or give the path of a file: profile = \"my-profile.toml\"")
        })?
    };
    Profile::read(text).map_err(|error| {
        Fault::file(format!("the profile {name} is wrong: {error}"))
            .at(at, "named here")
            .help("a profile is a file with a [knobs] table as an experiment's; see profiles/isolated.toml")
    })
}
