//! Profiles: lists of knobs in files that can be read. Three are supplied with tailbed; an experiment may name the path of another.

use serde::Deserialize;

use super::wish::Value;
use crate::document::Document;
use crate::experiment::Knobs;
use crate::text::error::{Fault, PlanError};
use crate::text::key::KeyPath;
use crate::text::{Overrides, Source, Texts, tree};

/// The profile of an experiment that names none.
pub const STOCK: &str = tailbed_format::knob::Knobs::STOCK;

/// The supplied profiles, by name, with their files' texts.
pub const SUPPLIED: [(&str, &str); 3] = [
    (STOCK, include_str!("../../../../profiles/stock.toml")),
    ("isolated", include_str!("../../../../profiles/isolated.toml")),
    ("realtime", include_str!("../../../../profiles/realtime.toml")),
];

/// A profile's file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is for, a sentence.
    #[serde(default)]
    pub about: String,
    /// Its knobs.
    pub knobs: Knobs,
}

impl Profile {
    /// Reads a profile's text.
    ///
    /// # Errors
    /// What is wrong with it, for the reader.
    pub fn read(text: &str) -> Result<Self, String> {
        let profile: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        for (name, value) in &profile.knobs.0 {
            let knob =
                super::Knob::named(name).ok_or_else(|| format!("there is no knob `{name}`; `tailbed knobs` lists them"))?;
            if let Value::Is(value) = value
                && !knob.accepts.allows(value)
            {
                return Err(format!("`{name}` is {value}; it may be `true`, `false`, {}", knob.accepts.words()));
            }
        }
        Ok(profile)
    }
}

/// Whether a profile is named by the path of its file.
pub(super) fn is_file(profile: &str) -> bool {
    profile.contains('/') || profile.contains('.')
}

/// Where the file of a profile lies: relative to the experiment file's folder.
pub(super) fn path_of(profile: &str, folder: &str) -> String {
    if profile.starts_with('/') || folder.is_empty() {
        profile.to_owned()
    } else {
        format!("{}/{profile}", folder.trim_end_matches('/'))
    }
}

/// Paths of the files of profiles that an experiment names, for whoever may read files: their texts go into [`Overrides::profiles`].
///
/// # Errors
/// As of planning, when the file or an override is wrong.
pub fn files_named(source: &Source<'_>, overrides: &Overrides) -> Result<Vec<String>, PlanError> {
    let (texts, valid) = Texts::new(source, overrides);
    let named = || -> Result<Vec<String>, Fault> {
        valid?;
        let document = Document::read(&texts)?;
        let swept = document.axes().iter().flat_map(|axis| {
            let column = axis.keys.iter().position(|key: &KeyPath| key.names().eq(["profile"]));
            axis.rows.iter().filter_map(move |row| row.get(column?))
        });
        let all = swept.chain(tree::get(document.root(), &["profile"]));
        let mut paths: Vec<String> = all
            .filter_map(|value| value.get_ref().as_str())
            .filter(|name| is_file(name))
            .map(|name| path_of(name, texts.folder()))
            .collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    };
    named().map_err(|fault| fault.report(&texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_supplied_is_right() {
        for (name, text) in SUPPLIED {
            let profile = Profile::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!profile.about.is_empty() && !profile.knobs.0.is_empty(), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(Profile::read("[knobs]\nthp = \"sometimes\"\n").unwrap_err().contains("`thp` is sometimes; it may be"));
        assert!(Profile::read("[knobs]\nno = true\n").unwrap_err().contains("there is no knob `no`"));
        assert!(Profile::read("knob = 1\n").unwrap_err().contains("unknown field"));
    }
}
