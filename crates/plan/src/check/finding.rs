//! A finding: what is, what it costs the tail and why, what to do.

use serde::Serialize;

use super::cpus::{Cpus, list};
use super::record::{Reading, Record};

/// The order of magnitude of the longest delay that one packet can see from a cause, by the source that the finding names. It orders
/// findings; what it is on this very host is measured, not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A millisecond and more.
    Milliseconds,
    /// 100 µs to 1 ms.
    HundredsOfMicroseconds,
    /// 10 µs to 100 µs.
    TensOfMicroseconds,
    /// 1 µs to 10 µs.
    Microseconds,
    /// Below 1 µs.
    Nanoseconds,
}

impl Effect {
    /// The order of magnitude of a time in microseconds.
    pub fn of_microseconds(time: u64) -> Self {
        match time {
            1000.. => Self::Milliseconds,
            100..1000 => Self::HundredsOfMicroseconds,
            10..100 => Self::TensOfMicroseconds,
            1..10 => Self::Microseconds,
            0 => Self::Nanoseconds,
        }
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Milliseconds => "milliseconds",
            Self::HundredsOfMicroseconds => "hundreds of µs",
            Self::TensOfMicroseconds => "tens of µs",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "hundreds of ns",
        })
    }
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Delays of 100 µs and more.
    Serious,
    /// Delays of 1 µs to 100 µs.
    Notable,
    /// Delays below 1 µs.
    Minor,
    /// Not readable here: whether it costs anything is not known, and nothing is guessed.
    Unknown,
    /// Costs nothing, and is worth knowing.
    Fine,
}

impl Level {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serious => "serious",
            Self::Notable => "notable",
            Self::Minor => "minor",
            Self::Unknown => "not readable here",
            Self::Fine => "in order",
        }
    }
}

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Read {
    /// The file, or the system call.
    pub file: String,
    /// What it says; a long or strange text is cut short and made printable.
    pub value: String,
}

/// What a finding costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// How long a packet may wait for it.
    pub effect: Effect,
    /// Why.
    pub why: String,
    /// Where that is written: a kernel document, a man page, a paper and its section.
    pub source: &'static str,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToDo {
    /// A command, for a shell of root's.
    Run(String),
    /// Parameters for the kernel's command line, from the next boot on.
    Boot(String),
    /// In words, where no command does it.
    Note(String),
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it weighs.
    pub level: Level,
    /// What it is about, in a word or three.
    pub topic: &'static str,
    /// What is.
    pub is: String,
    /// What that was read from.
    pub read: Vec<Read>,
    /// What it costs; `None` when it costs nothing, or nobody can tell.
    pub cost: Option<Cost>,
    /// What to do.
    pub to_do: Vec<ToDo>,
}

impl Finding {
    /// Something that costs nothing.
    pub(super) fn fine(topic: &'static str, is: impl Into<String>) -> Self {
        Self { level: Level::Fine, topic, is: is.into(), read: Vec::new(), cost: None, to_do: Vec::new() }
    }

    /// Something that costs, and so weighs by how much.
    pub(super) fn costly(
        topic: &'static str,
        effect: Effect,
        is: impl Into<String>,
        why: impl Into<String>,
        source: &'static str,
    ) -> Self {
        let level = match effect {
            Effect::Milliseconds | Effect::HundredsOfMicroseconds => Level::Serious,
            Effect::TensOfMicroseconds | Effect::Microseconds => Level::Notable,
            Effect::Nanoseconds => Level::Minor,
        };
        Self { level, cost: Some(Cost { effect, why: why.into(), source }), ..Self::fine(topic, is) }
    }

    /// A file that does not say what it should: it is missing, empty, refused or garbled. `would` tells what it would have said.
    pub(super) fn unknown(record: &Record, topic: &'static str, file: &str, would: &str) -> Self {
        let how = match record.read(file) {
            Reading::Text(text) => format!("{file} says `{}`, which is nothing that kernels write there", short(text)),
            Reading::Empty => format!("{file} is empty"),
            Reading::Refused(reason) => format!("{file} cannot be read: {reason}"),
            Reading::Absent => format!("there is no {file}"),
        };
        Self { level: Level::Unknown, ..Self::fine(topic, format!("{would} is not known: {how}")) }
    }

    /// With a file that it was read from, and what that says.
    pub(super) fn read(mut self, record: &Record, file: &str) -> Self {
        let value = match record.read(file) {
            Reading::Text(text) => short(text),
            Reading::Empty => "(empty)".to_owned(),
            Reading::Refused(reason) => format!("({reason})"),
            Reading::Absent => "(not there)".to_owned(),
        };
        self.read.push(Read { file: file.to_owned(), value });
        self
    }

    /// With something that it was read from which is no file, or more than one.
    pub(super) fn seen(mut self, file: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.read.push(Read { file: file.into(), value: short(value.as_ref()) });
        self
    }

    /// With a command that helps.
    pub(super) fn run(mut self, command: impl Into<String>) -> Self {
        self.to_do.push(ToDo::Run(command.into()));
        self
    }

    /// With parameters of the kernel that help.
    pub(super) fn boot(mut self, parameters: impl Into<String>) -> Self {
        self.to_do.push(ToDo::Boot(parameters.into()));
        self
    }

    /// With advice that no command gives.
    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.to_do.push(ToDo::Note(text.into()));
        self
    }
}

/// A shell line that does the same for each number: `command` says `$n` where the number goes.
pub(super) fn for_each(numbers: &Cpus, command: &str) -> String {
    if let (1, Some(only)) = (numbers.len(), numbers.first()) {
        return command.replace("$n", &only.to_string());
    }
    let list = list(numbers);
    let words = list.split(',').map(|part| match part.split_once('-') {
        Some((from, to)) => format!("$(seq {from} {to})"),
        None => part.to_owned(),
    });
    format!("for n in {}; do {command}; done", words.collect::<Vec<_>>().join(" "))
}

/// A text on one line, printable and not too long.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let printable = |c: char| if c.is_control() || c == '\u{fffd}' { '·' } else { c };
    let mut short: String = text.trim().chars().take(LONGEST).map(printable).collect();
    if text.trim().chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}
