//! Watching at a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use crossterm::event::{self, Event};
use ratatui::DefaultTerminal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::housekeeping::Modest;
use super::keys::{self, Place};
use super::reader::Reader;
use super::screen::{self, Look};
use crate::colour_allowed;
use crate::results::progress::now;
use crate::show::charset::Charset;

/// Between two looks at the folder.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// Shows the campaign until the user has seen enough.
pub(super) fn watch(reader: &mut Reader, modest: &Modest) -> anyhow::Result<()> {
    // a terminal that goes away ends this process by its signal (SIGHUP): there is nothing to give back then
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot watch for signals")?;
    }
    let mut terminal = ratatui::try_init().context("cannot take the terminal")?;
    let shown = show(&mut terminal, reader, modest, &stop);
    ratatui::restore();
    shown
}

fn show(terminal: &mut DefaultTerminal, reader: &mut Reader, modest: &Modest, stop: &AtomicBool) -> anyhow::Result<()> {
    let look = Look { colour: colour_allowed(), charset: Charset::of_environment() };
    let mut place = Place::default();
    let mut looked = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let seen = reader.seen();
        modest.keep_house(&seen.progress);
        terminal.draw(|frame| screen::draw(frame, seen, place, now(), look)).context("cannot write to the terminal")?;
        // crossterm would read from such a terminal for ever
        if is_gone() {
            return Ok(());
        }
        // a size that has changed is seen by the next drawing
        if event::poll(INTERVAL.saturating_sub(looked.elapsed())).context("cannot read the terminal")?
            && let Event::Key(key) = event::read().context("cannot read the terminal")?
        {
            match keys::follow(place, key, screen::lines(seen, place.list)) {
                Some(next) => place = next,
                None => return Ok(()),
            }
        }
        if looked.elapsed() >= INTERVAL {
            reader.look()?;
            looked = Instant::now();
        }
    }
    Ok(())
}

/// Whether the terminal has gone away from a process that its signal does not end (nohup(1)).
fn is_gone() -> bool {
    let input = rustix::stdio::stdin();
    let mut input = [PollFd::new(&input, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut input, Some(&at_once)).is_ok() && input[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}
