//! What has happened, first to last.

use std::collections::BTreeSet;

use tailbed_format::progress::Topic;

use super::seen::Seen;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    /// When, ms since 1970; `None` where nobody noted it.
    pub(super) at: Option<u64>,
    /// Of what kind.
    pub(super) kind: Kind,
    /// One sentence.
    pub(super) text: String,
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Something to know.
    Note,
    /// A run has ended.
    Run,
    /// An attempt does not count.
    Invalid,
    /// The host did something on packet cores in a run.
    Host,
    /// A file cannot be read.
    Problem,
}

/// All of them: what the campaign said, after each run what the host did in it, and last what cannot be read.
pub(super) fn events(seen: &Seen) -> Vec<Event> {
    let mut events = Vec::new();
    let mut told = BTreeSet::new();
    for said in &seen.progress.said {
        let kind = match said.topic {
            Topic::Note => Kind::Note,
            Topic::Run => Kind::Run,
            Topic::Invalid => Kind::Invalid,
        };
        events.push(Event { at: Some(said.at), kind, text: said.text.clone() });
        let host = said.run.as_ref().and_then(|run| Some((run, seen.host.get(run)?)));
        if let Some((run, sentence)) = host.filter(|(run, _)| told.insert(*run)) {
            events.push(Event { at: Some(said.at), kind: Kind::Host, text: format!("{run}: {sentence}") });
        }
    }
    let problems = seen.problems.iter();
    events.extend(problems.map(|(file, what)| Event { at: None, kind: Kind::Problem, text: format!("{file}: {what}") }));
    events
}

/// A moment, ms since 1970, as the time of its day, UTC; as wide as `12:03:05` where there is none.
pub(super) fn time_of_day(at: Option<u64>) -> String {
    let Some(at) = at.filter(|at| *at > 0) else { return " ".repeat(8) };
    let seconds = at / 1_000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
