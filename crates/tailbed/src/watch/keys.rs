//! What keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the screen shows of all that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Which list.
    pub(super) list: List,
    /// Lines of it that are passed over at its top. Of [`List::Events`], at its bottom: the newest are shown first.
    pub(super) passed: usize,
    /// Whether the keys are listed instead.
    pub(super) help: bool,
}

/// Lists that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum List {
    /// Percentiles and distributions of each cell.
    #[default]
    Cells,
    /// Every run.
    Runs,
    /// What happened.
    Events,
}

impl List {
    /// All, from left to right.
    pub(super) const ALL: [Self; 3] = [Self::Cells, Self::Runs, Self::Events];

    /// As it is called on the screen.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cells => "cells",
            Self::Runs => "runs",
            Self::Events => "events",
        }
    }

    /// So many places further, round and round.
    fn further(self, by: usize) -> Self {
        let place = Self::ALL.iter().position(|list| *list == self).unwrap_or(0);
        Self::ALL[(place + by) % Self::ALL.len()]
    }
}

/// What is listed when somebody asks for the keys.
pub(super) const HELP: [(&str, &str); 6] = [
    ("q, Esc, Ctrl-C", "end watching; the campaign goes on"),
    ("←, →, Tab", "another list: cells, runs, events"),
    ("↑, ↓, k, j", "a line up or down"),
    ("PgUp, PgDn, Space", "ten lines up or down"),
    ("Home, End", "to the first line or the last"),
    ("?", "these keys, or away with them"),
];

/// Follows a key; `None` when watching is to end. `lines` is how many the list has.
pub(super) fn follow(place: Place, key: KeyEvent, lines: usize) -> Option<Place> {
    if key.kind == KeyEventKind::Release {
        return Some(place);
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (!matches!(key.code, KeyCode::Char('c' | 'd'))).then_some(place);
    }
    let other = |list| Place { list, passed: 0, help: false };
    let last = lines.saturating_sub(1);
    // the newest event is at the bottom: going up passes over it
    let up = |by: usize| match place.list {
        List::Events => place.passed.saturating_add(by).min(last),
        _ => place.passed.saturating_sub(by),
    };
    let down = |by: usize| match place.list {
        List::Events => place.passed.saturating_sub(by),
        _ => place.passed.saturating_add(by).min(last),
    };
    let to = |passed| Place { passed, help: false, ..place };
    Some(match key.code {
        KeyCode::Esc if place.help => Place { help: false, ..place },
        KeyCode::Char('q') | KeyCode::Esc => return None,
        KeyCode::Char('?' | 'h') => Place { help: !place.help, ..place },
        KeyCode::Right | KeyCode::Tab => other(place.list.further(1)),
        KeyCode::Left | KeyCode::BackTab => other(place.list.further(List::ALL.len() - 1)),
        KeyCode::Up | KeyCode::Char('k') => to(up(1)),
        KeyCode::Down | KeyCode::Char('j') => to(down(1)),
        KeyCode::PageUp => to(up(10)),
        KeyCode::PageDown | KeyCode::Char(' ') => to(down(10)),
        KeyCode::Home => to(up(usize::MAX)),
        KeyCode::End => to(down(usize::MAX)),
        _ => place,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(place: Place, code: KeyCode) -> Option<Place> {
        follow(place, KeyEvent::new(code, KeyModifiers::NONE), 30)
    }

    #[test]
    fn lists_go_round() {
        let mut place = Place { passed: 7, ..Place::default() };
        let mut seen = Vec::new();
        for _ in 0..4 {
            place = press(place, KeyCode::Right).unwrap();
            seen.push(place.list);
        }
        assert_eq!(seen, [List::Runs, List::Events, List::Cells, List::Runs]);
        assert_eq!((press(place, KeyCode::Left).unwrap().list, place.passed), (List::Cells, 0));
    }

    #[test]
    fn nobody_gets_beyond_the_ends_of_a_list() {
        let first = Place::default();
        assert_eq!(press(first, KeyCode::Up).unwrap().passed, 0);
        let last = press(first, KeyCode::End).unwrap();
        assert_eq!(last.passed, 29);
        assert_eq!(press(last, KeyCode::PageDown).unwrap().passed, 29);
        assert_eq!(press(last, KeyCode::PageUp).unwrap().passed, 19);
        let events = Place { list: List::Events, ..first };
        assert_eq!(press(events, KeyCode::Up).unwrap().passed, 1);
        assert_eq!(press(events, KeyCode::Home).unwrap().passed, 29);
        assert_eq!(follow(first, KeyEvent::new(KeyCode::Down, KeyModifiers::NONE), 0).unwrap().passed, 0);
    }

    #[test]
    fn there_are_three_ways_out() {
        let place = Place::default();
        assert_eq!(press(place, KeyCode::Char('q')), None);
        assert_eq!(press(place, KeyCode::Esc), None);
        assert_eq!(follow(place, KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), 1), None);
        let help = press(place, KeyCode::Char('?')).unwrap();
        assert!(help.help && !press(help, KeyCode::Esc).unwrap().help);
        assert_eq!(press(place, KeyCode::Char('x')), Some(place));
    }
}
