//! The screen: what the campaign is, how far it is, and one list of what is known, with the newest events beneath where there is room.

mod cells;
mod lines;
mod lists;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::events::events;
use super::keys::{HELP, List, Place};
use super::seen::{Life, Seen};
use super::words;
use crate::show::charset::Charset;
use lines::{Tone, cut, wrapped};

/// How the screen is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Whether in colours.
    pub(super) colour: bool,
    /// In which characters.
    pub(super) charset: Charset,
}

/// Rows from which there is room for the question and for two lists.
const TALL: u16 = 16;

/// Lines of the statement on the state, at most.
const STATEMENT: usize = 3;

/// A line to be drawn: pieces of text, each in its tone.
type Line = Vec<(String, Tone)>;

/// How many lines a list has.
pub(super) fn lines(seen: &Seen, list: List) -> usize {
    match list {
        List::Cells => seen.cells.len(),
        List::Runs => seen.progress.runs.len(),
        List::Events => events(seen).len(),
    }
}

/// Draws everything, as of `now`, ms since 1970.
pub(super) fn draw(frame: &mut Frame<'_>, seen: &Seen, place: Place, now: u64, look: Look) {
    let area = frame.area();
    let width = usize::from(area.width);
    let mut page = Page { frame, area, next: area.y, look };
    page.line(&title(seen, width));
    if area.height >= TALL
        && let Some(question) = &seen.progress.question
    {
        page.line(&vec![(cut(question, width), Tone::Dim)]);
    }
    page.line(&vec![(bar(seen, width, now), Tone::Plain)]);
    let tone = match seen.life {
        Life::Running | Life::Unknown | Life::Finished => Tone::Plain,
        Life::Killed | Life::Stopped { .. } => Tone::Bad,
    };
    for line in wrapped(&words::state(seen, now), width, STATEMENT) {
        page.line(&vec![(line, tone)]);
    }
    // the last row is the footer's
    let room = usize::from(area.bottom().saturating_sub(page.next).saturating_sub(1));
    if place.help {
        page.help(room);
    } else if area.height >= TALL && place.list != List::Events {
        // the events take what the list leaves, a third at least
        let least = room / 3;
        let wanted = lines(seen, place.list) + 2;
        let upper = wanted.min(room - least);
        page.list(seen, place, upper);
        page.list(seen, Place { list: List::Events, passed: 0, help: false }, room - upper);
    } else {
        page.list(seen, place, room);
    }
    page.next = area.bottom().saturating_sub(1);
    page.line(&footer(place));
}

/// The rows that are still empty.
struct Page<'a, 'b> {
    frame: &'a mut Frame<'b>,
    area: Rect,
    next: u16,
    look: Look,
}

impl Page<'_, '_> {
    /// Fills the next row.
    fn line(&mut self, line: &Line) {
        if self.next >= self.area.bottom() {
            return;
        }
        let (mut x, right) = (self.area.x, self.area.right());
        for (text, tone) in line {
            let room = usize::from(right.saturating_sub(x));
            let text = self.look.charset.fitting(text);
            let style = tone.style(self.look.colour);
            (x, _) = self.frame.buffer_mut().set_stringn(x, self.next, text, room, style);
        }
        self.next += 1;
    }

    /// A list with its heading, in so many rows.
    fn list(&mut self, seen: &Seen, place: Place, rows: usize) {
        let Some(room) = rows.checked_sub(1) else { return };
        let width = usize::from(self.area.width);
        let (head, body) = match place.list {
            List::Cells => cells::table(seen, width, self.look),
            List::Runs => (None, lists::runs(seen, width)),
            List::Events => (None, lists::events(seen, width)),
        };
        let shown = room.saturating_sub(usize::from(head.is_some()));
        let first = match place.list {
            List::Events => body.len().saturating_sub(shown).saturating_sub(place.passed),
            _ => place.passed.min(body.len().saturating_sub(shown)),
        };
        let last = (first + shown).min(body.len());
        self.line(&heading(place.list, first, last, body.len(), width));
        if let Some(head) = &head {
            self.line(head);
        }
        let end = self.next.saturating_add(u16::try_from(shown).unwrap_or(u16::MAX));
        for line in body.iter().take(last).skip(first) {
            self.line(line);
        }
        self.next = end.min(self.area.bottom());
    }

    /// The keys.
    fn help(&mut self, rows: usize) {
        self.line(&vec![("keys".to_owned(), Tone::Strong)]);
        for (keys, what) in HELP.iter().take(rows.saturating_sub(1)) {
            self.line(&vec![(format!("  {keys:<19}"), Tone::Strong), ((*what).to_owned(), Tone::Plain)]);
        }
    }
}

/// What is watched, and whether it goes on.
fn title(seen: &Seen, width: usize) -> Line {
    let state = format!(" {} ", words::life(&seen.life));
    let tone = match seen.life {
        Life::Running | Life::Unknown => Tone::Chip,
        Life::Finished => Tone::GoodChip,
        Life::Killed | Life::Stopped { .. } => Tone::BadChip,
    };
    let room = width.saturating_sub(state.chars().count() + 1);
    let name = cut(&seen.progress.name, room);
    let folder = cut(&format!("  {}", seen.folder), room.saturating_sub(name.chars().count()));
    let gap = room.saturating_sub(name.chars().count() + folder.chars().count());
    vec![(name, Tone::Strong), (folder, Tone::Dim), (" ".repeat(gap + 1), Tone::Plain), (state, tone)]
}

/// How far it is, as a bar and in words.
fn bar(seen: &Seen, width: usize, now: u64) -> String {
    let words = words::far(seen, now);
    let counts = seen.counts();
    let length = width.saturating_sub(words.chars().count() + 1).min(30);
    let done = (length * counts.ended).checked_div(counts.all).unwrap_or(0);
    if length < 5 { cut(&words, width) } else { format!("{}{} {words}", "█".repeat(done), "░".repeat(length - done)) }
}

/// Which list, and which part of it is shown.
fn heading(list: List, first: usize, end: usize, all: usize, width: usize) -> Line {
    let mut part = if first == 0 && end == all { format!(" {all}") } else { format!(" {}–{end} of {all}", first + 1) };
    if list == List::Cells && width >= 60 {
        part += " · medians over the runs that count · ┊ the floor's";
    }
    let rule = width.saturating_sub(list.name().chars().count() + part.chars().count() + 4);
    vec![
        ("─ ".to_owned(), Tone::Dim),
        (list.name().to_owned(), Tone::Strong),
        (part, Tone::Dim),
        (format!(" {}", "─".repeat(rule + 1)), Tone::Dim),
    ]
}

fn footer(place: Place) -> Line {
    let mut line: Line = Vec::new();
    for list in List::ALL {
        let tone = if list == place.list && !place.help { Tone::Chip } else { Tone::Dim };
        line.push((format!(" {} ", list.name()), tone));
    }
    line.push(("  q end  ←→ lists  ↑↓ scroll  ? keys".to_owned(), Tone::Dim));
    line
}

#[cfg(test)]
mod tests;
