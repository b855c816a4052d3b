//! Results of others, brought into a results folder so that they stand in the same report.
//!
//! Such a folder holds [`crate::results::IMPORTED`] in place of a campaign's files: nothing in it was measured here, and every page says so.

use serde::{Deserialize, Serialize};

use crate::summary::Parameter;

/// All that was imported into one results folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// Version of this layout: [`Imported::VERSION`].
    pub version: u32,
    /// What the results are called.
    pub name: String,
    /// Where they come from: a citation, an address, or a machine's name, as the importer was told.
    pub source: Option<String>,
    /// One for each combination of parameters.
    pub cells: Vec<ImportedCell>,
    /// Files that were named and hold no value, so that nobody looks for them in vain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

impl Imported {
    /// The version written now.
    pub const VERSION: u32 = 1;
}

/// A file that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The file, as its parameters tell it from others: with as many folders as the pattern of names has.
    pub file: String,
    /// Why, a clause.
    pub reason: String,
}

/// A combination of parameters with its repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedCell {
    /// What the cells differ in.
    pub parameters: Vec<Parameter>,
    /// The repeats.
    pub runs: Vec<ImportedRun>,
}

/// One repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedRun {
    /// Name of the file it came from, without its folder.
    pub file: String,
    /// Which program's format it was read as, for example `hgrm`, `percentiles`, `cyclictest`.
    pub format: String,
    /// How many values the percentiles stand for; `None` where the file does not say.
    pub count: Option<u64>,
    /// Smallest value, ns.
    pub minimum: Option<u64>,
    /// Largest value, ns.
    pub maximum: Option<u64>,
    /// Points of the distribution, ascending: a share of all values from 0 to 1, and the value that this share is at or below, ns.
    pub percentiles: Vec<(f64, u64)>,
    /// Every value or bucket's upper end, ns, ascending, with how often it occurred, where the file says so; empty otherwise.
    pub counts: Vec<(u64, u64)>,
    /// What a reader must know of these values, a sentence: that they are half a round trip, or that a bucket holds all above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// SHA-256 of the file, hexadecimal, so that it is known again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}
