//! What of a results folder is not there or not whole, and what a report leaves out because of it.

use std::fmt;

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The file or folder, by its path from the campaign's folder.
    pub(crate) file: String,
    /// What is wrong with it, a clause.
    pub(crate) what: String,
    /// What follows of it for the report, a clause.
    pub(crate) then: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, what, then } = self;
        if then.is_empty() { write!(f, "{file}: {what}") } else { write!(f, "{file}: {what}; {then}") }
    }
}
