//! The lists of runs and of events.

use std::time::Duration;

use tailbed_format::progress::Topic;

use super::super::events::{self, Kind};
use super::super::seen::Seen;
use super::Line;
use super::lines::{Tone, cut};
use crate::show::progress::minutes;

/// Every run: what became of it, how long it took or should take, what it said.
pub(super) fn runs(seen: &Seen, width: usize) -> Vec<Line> {
    let longest = seen.progress.runs.iter().map(|run| run.name.chars().count()).max().unwrap_or(0);
    let names = longest.min(width / 2);
    let present = seen.progress.stage.attempt().filter(|_| !seen.life.is_over()).map(|attempt| attempt.run);
    let row = |(number, run): (usize, &tailbed_format::progress::RunProgress)| {
        let (mark, tone) = match run.ended {
            Some(ended) if ended.counts => ("✓", Tone::Good),
            Some(_) => ("✗", Tone::Warn),
            None if present == Some(number) => ("▶", Tone::Strong),
            None => ("·", Tone::Dim),
        };
        let taken = |ns: u64| minutes(Duration::from_nanos(ns));
        let time = match run.ended {
            Some(ended) => ended.took.map_or_else(String::new, taken),
            None => taken(run.expected),
        };
        let name = cut(&run.name, names);
        let last = seen.progress.said.iter().rev().find(|said| said.topic == Topic::Run && about(said.run.as_deref(), &run.name));
        let said = last.map_or("", |said| said.text.split_once(": ").map_or(said.text.as_str(), |(_, said)| said));
        let used = names + 13;
        vec![
            (format!("{mark} "), tone),
            (format!("{name:<names$} "), if run.ended.is_none() && present != Some(number) { Tone::Dim } else { Tone::Plain }),
            (format!("{time:>9} "), Tone::Dim),
            (cut(said, width.saturating_sub(used)), Tone::Plain),
        ]
    };
    seen.progress.runs.iter().enumerate().map(row).collect()
}

/// Whether a folder is that of an attempt at a run.
fn about(folder: Option<&str>, run: &str) -> bool {
    folder.and_then(|folder| folder.strip_prefix(run)).is_some_and(|rest| rest.is_empty() || rest.starts_with("-attempt"))
}

/// What happened, oldest first.
pub(super) fn events(seen: &Seen, width: usize) -> Vec<Line> {
    let line = |event: events::Event| {
        let tone = match event.kind {
            Kind::Note => Tone::Dim,
            Kind::Run => Tone::Plain,
            Kind::Invalid | Kind::Host => Tone::Warn,
            Kind::Problem => Tone::Bad,
        };
        vec![(format!("{} ", events::time_of_day(event.at)), Tone::Dim), (cut(&event.text, width.saturating_sub(9)), tone)]
    };
    events::events(seen).into_iter().map(line).collect()
}
