//! Tables as text: one entry a line, what follows `#` left out, errors with name and line.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;

/// A line of a table that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}: {what}")]
pub struct WrongLine {
    /// The file, or the key of the experiment file.
    pub name: String,
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it, and what would do.
    pub what: String,
}

/// Reads every line that holds something. An entry whose key an earlier one has is refused.
pub(super) fn read<T, E: Display, K: Eq + Hash>(
    name: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
    key: impl Fn(&T) -> Option<K>,
) -> Result<Vec<T>, WrongLine> {
    let mut entries = Vec::new();
    let mut first: HashMap<K, usize> = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |what| WrongLine { name: name.to_owned(), line: number + 1, what };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = parse(line).map_err(|error| wrong(error.to_string()))?;
        if let Some(earlier) = key(&entry).and_then(|key| first.insert(key, number + 1)) {
            return Err(wrong(format!("`{line}` is there already, in line {earlier}; leave one of them out")));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// The words of a line up to a comment.
pub(super) fn words(line: &str) -> Vec<&str> {
    line.split('#').next().unwrap_or_default().split_whitespace().collect()
}
