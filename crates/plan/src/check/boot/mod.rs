//! The kernel's command line beside the sets of parameters that are recommended, and what to add to it.

mod config;
mod line;
mod pages;
mod sets;

use serde::Serialize;

use super::cores::Cores;
use super::finding::short;
use super::host::Host;
pub use line::{Line, Loader};
use sets::{SETS, Value, Wanted};

/// How a parameter stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As recommended.
    There,
    /// Not on the command line.
    Missing,
    /// Something else is there: what.
    Contradicted(String),
    /// It has no place on this host: why.
    NotHere(String),
    /// It is recommended, and costs something that is not latency: what.
    LeftOut(String),
    /// Whether it is there is not known: why.
    Unknown(String),
}

/// One parameter, or option of the kernel's configuration, of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// As it should be.
    pub wanted: String,
    /// How it stands.
    pub state: State,
    /// What it does for the tail.
    pub why: &'static str,
}

impl State {
    /// Why a parameter is as it is, where there is more to say than its name.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::There | Self::Missing => None,
            Self::Contradicted(found) => Some(format!("{found} is there")),
            Self::NotHere(why) | Self::LeftOut(why) | Self::Unknown(why) => Some(why.clone()),
        }
    }
}

/// A set, and how the host stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// What the set is for.
    pub name: &'static str,
    /// Who recommends it, and where.
    pub source: &'static str,
    /// Parameters that are as recommended.
    pub there: usize,
    /// Parameters that have a place on this host.
    pub of: usize,
    /// Each of them.
    pub parameters: Vec<Parameter>,
}

impl Score {
    fn new(name: &'static str, source: &'static str, parameters: Vec<Parameter>) -> Self {
        let there = parameters.iter().filter(|parameter| parameter.state == State::There).count();
        let of = parameters.iter().filter(|parameter| !matches!(parameter.state, State::NotHere(_) | State::LeftOut(_))).count();
        Self { name, source, there, of, parameters }
    }
}

/// Scores the command line, and says what to add.
pub(super) fn judge(host: &Host<'_>, cores: &Cores, loader: Option<Loader>) -> (Vec<Score>, Option<Line>) {
    let mut scores: Vec<Score> = SETS
        .iter()
        .map(|set| Score::new(set.name, set.source, set.wanted.iter().map(|wanted| judged(host, cores, wanted)).collect()))
        .collect();
    let line = line::line(host, cores, &scores, loader);
    scores.push(config::score(host));
    (scores, line)
}

fn judged(host: &Host<'_>, cores: &Cores, wanted: &Wanted) -> Parameter {
    let text = wanted.text(host, cores);
    let state = match (state(host, cores, wanted), (wanted.place)(host, cores)) {
        (State::There, _) => State::There,
        (_, Some(why)) => State::NotHere(why.to_owned()),
        (state, None) => state,
    };
    Parameter { wanted: text, state, why: wanted.why }
}

fn state(host: &Host<'_>, cores: &Cores, wanted: &Wanted) -> State {
    if host.command_line().is_none() {
        return State::Unknown("/proc/cmdline does not tell".to_owned());
    }
    if let Value::PageSize | Value::Pages = wanted.value {
        return pages::state(host);
    }
    match host.parameter(wanted.name) {
        Some(value) if holds(host, cores, wanted, value) => State::There,
        Some(value) => {
            State::Contradicted(value.map_or_else(|| wanted.name.to_owned(), |value| format!("{}={}", wanted.name, short(value))))
        }
        None => match wanted.gives_up {
            Some(what) => State::LeftOut(what.to_owned()),
            None => State::Missing,
        },
    }
}

/// Whether a value does what the wanted one would.
fn holds(host: &Host<'_>, cores: &Cores, wanted: &Wanted, value: Option<&str>) -> bool {
    match wanted.value {
        // "1" and "y" say the same as the bare word
        Value::Flag => value.is_none_or(|value| !["0", "n", "off"].contains(&value)),
        Value::Text(texts) => value.is_some_and(|value| texts.contains(&value)),
        Value::Cores(_) => value.is_some_and(|value| covers(host, cores, value)),
        Value::Housekeeping => {
            value.and_then(|value| host.boot_list(value)).is_some_and(|cpus| !cpus.is_empty() && cpus.is_disjoint(&cores.chosen))
        }
        // these hold by what stands beside them: `pages`
        Value::PageSize | Value::Pages => false,
    }
}

/// Whether a list, flags of isolcpus before it, has all cores for packets.
fn covers(host: &Host<'_>, cores: &Cores, value: &str) -> bool {
    let flags = ["domain", "managed_irq", "nohz"];
    let mut rest = value;
    while let Some((_, after)) = rest.split_once(',').filter(|(flag, _)| flags.contains(flag)) {
        rest = after;
    }
    host.boot_list(rest).is_some_and(|cpus| cores.chosen.is_subset(&cpus))
}
