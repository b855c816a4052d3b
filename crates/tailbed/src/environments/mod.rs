//! What each kind of environment can do here and now: the subcommand `environments`.
//!
//! Every answer is read off this host when it is asked for, and every no says why. What a kind is by nature (a container has the host's
//! kernel) is told with what was found here (which one that is).

mod engine;
mod isolation;
mod memory;
mod node;
mod seen;
mod show;

use serde::Serialize;

use crate::failure::Failure;
use crate::print;
use seen::Seen;

/// The kinds, in the order of the columns.
pub(crate) const KINDS: [&str; 5] = ["host", "container", "lxc", "docker", "vm"];

/// What stands in the place of an answer for a kind that cannot be made here.
const NOTHING: &str = "–";

/// An answer for one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Answer {
    /// Whether the kind has it; `None` where the question is not one of yes and no, or the answer is not known.
    pub(crate) has: Option<bool>,
    /// In a word or two.
    pub(crate) short: String,
    /// Why, with what was found on this host.
    pub(crate) why: Option<String>,
}

impl Answer {
    fn yes(why: impl Into<String>) -> Self {
        Self { has: Some(true), short: "yes".to_owned(), why: Some(why.into()) }
    }

    fn no(why: impl Into<String>) -> Self {
        Self { has: Some(false), short: "no".to_owned(), why: Some(why.into()) }
    }

    /// An answer that is neither.
    fn other(short: impl Into<String>, why: impl Into<String>) -> Self {
        Self { has: None, short: short.into(), why: Some(why.into()) }
    }

    /// What is said of a kind that cannot be made here, and why it cannot.
    fn nothing(missing: impl Into<String>) -> Self {
        Self::other(NOTHING, missing)
    }

    /// Yes, or no for a reason.
    fn unless(missing: Option<String>, why: impl Into<String>) -> Self {
        missing.map_or_else(|| Self::yes(why), Self::no)
    }
}

/// A question and the answers, in the order of [`KINDS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Feature {
    /// The question, in a few words.
    pub(crate) name: &'static str,
    /// An answer a kind.
    pub(crate) answers: [Answer; KINDS.len()],
}

/// The whole table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Table {
    /// The host, in a line.
    pub(crate) host: String,
    /// Names of the columns.
    pub(crate) kinds: [&'static str; KINDS.len()],
    /// The rows.
    pub(crate) features: Vec<Feature>,
}

/// The subcommand.
pub(crate) fn environments(json: bool) -> Result<(), Failure> {
    let table = table(&Seen::now());
    if json {
        let text = serde_json::to_string_pretty(&table).map_err(anyhow::Error::from)?;
        return print(&format!("{text}\n"));
    }
    print(&show::text(&table, show::width()))
}

fn table(seen: &Seen) -> Table {
    let features = vec![
        engine::available(seen),
        engine::hardware(seen),
        node::kernel(seen),
        node::init(seen),
        node::cores(seen),
        memory::overcommit(seen),
        node::cloned(seen),
        node::checkpoint(seen),
        isolation::user_namespace(seen),
        isolation::capabilities(seen),
        isolation::seccomp(seen),
        isolation::mandatory_access(seen),
        isolation::control_groups(seen),
    ];
    Table { host: seen.in_a_line(), kinds: KINDS, features }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_no_says_why_and_every_question_has_another_name() {
        let table = table(&Seen::now());
        for feature in &table.features {
            for (kind, answer) in KINDS.iter().zip(&feature.answers) {
                assert!(answer.why.as_ref().is_some_and(|why| !why.is_empty()), "{kind}: {}", feature.name);
            }
        }
        let names: std::collections::BTreeSet<_> = table.features.iter().map(|feature| feature.name).collect();
        assert_eq!(names.len(), table.features.len());
    }
}
