//! Why a text cannot be read.

use std::fmt;

/// What stands in a text that cannot be, where, and what would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    line: Option<usize>,
    found: Option<String>,
    wrong: String,
    empty: bool,
}

/// Of a line that is not understood, so many characters are shown.
const SHOWN: usize = 60;

impl Fault {
    /// Of something found in a line, counted from 1; `wrong` says what it is not and what would do.
    pub(super) fn at(line: usize, found: &str, wrong: impl Into<String>) -> Self {
        let mut shown: String = found.chars().take(SHOWN).collect();
        if shown.len() < found.len() {
            shown.push('…');
        }
        Self { line: Some(line), found: Some(shown), wrong: wrong.into(), empty: false }
    }

    /// Of the whole.
    pub(super) fn whole(wrong: impl Into<String>) -> Self {
        Self { line: None, found: None, wrong: wrong.into(), empty: false }
    }

    /// Of a text of the right form without a value.
    pub(super) fn empty(wrong: impl Into<String>) -> Self {
        Self { empty: true, ..Self::whole(wrong) }
    }

    /// Whether the text is of the right form and holds no value: a measurement that was lost, not a file that is wrong.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// Where, counted from 1; `None` of the whole.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for Fault {
    /// `line 7: `abc` is no time in ns; …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(found) = &self.found {
            write!(f, "`{found}` ")?;
        }
        f.write_str(&self.wrong)
    }
}

impl std::error::Error for Fault {}
