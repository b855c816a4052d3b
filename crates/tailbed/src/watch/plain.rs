//! Watching without a terminal: a line for each thing that happens.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::events::{Event, events, time_of_day};
use super::housekeeping::Modest;
use super::live::INTERVAL;
use super::reader::Reader;
use super::seen::{Life, Seen};
use super::words;
use crate::results::progress::now;

/// Prints what happens until the campaign has ended, or nobody reads it any more.
pub(super) fn watch(reader: &mut Reader, modest: &Modest) -> anyhow::Result<()> {
    let stop = crate::run::watch()?;
    match print(reader, modest, &stop, &mut io::stdout().lock()) {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => Ok(()),
        printed => printed,
    }
}

fn print(reader: &mut Reader, modest: &Modest, stop: &AtomicBool, out: &mut impl Write) -> anyhow::Result<()> {
    let mut told = Told::default();
    loop {
        modest.keep_house(&reader.seen().progress);
        told.tell(reader.seen(), now(), out)?;
        out.flush()?;
        if reader.seen().life.is_over() || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        if is_unread(INTERVAL) {
            return Ok(());
        }
        reader.look()?;
    }
}

/// Waits so long, or until a signal comes or whoever reads standard output goes away; whether that is so.
fn is_unread(time: Duration) -> bool {
    let time = Timespec { tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(time.subsec_nanos()) };
    let output = rustix::stdio::stdout();
    let mut output = [PollFd::new(&output, PollFlags::empty())];
    // errors are reported without being asked for (poll(2))
    let woken = poll(&mut output, Some(&time));
    woken.is_ok_and(|woken| woken > 0) && output[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// What was printed already.
#[derive(Default)]
struct Told {
    events: BTreeSet<Event>,
    begun: bool,
    present: Option<(usize, u32)>,
}

impl Told {
    /// Prints what is new.
    fn tell(&mut self, seen: &Seen, now: u64, out: &mut impl Write) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            writeln!(out, "{}: {}, {}, {}", seen.folder, seen.progress.name, words::life(&seen.life), words::far(seen, now))?;
        }
        for event in events(seen) {
            if !self.events.contains(&event) {
                writeln!(out, "{} {}", time_of_day(event.at), event.text)?;
                self.events.insert(event);
            }
        }
        let present = seen.progress.stage.attempt().filter(|_| !seen.life.is_over());
        if let Some(attempt) = present.filter(|attempt| self.present != Some((attempt.run, attempt.attempt))) {
            self.present = Some((attempt.run, attempt.attempt));
            let far = words::far(seen, now);
            writeln!(out, "{} {}; {far}", time_of_day(Some(attempt.began)), words::state(seen, now))?;
        }
        if seen.life == Life::Finished {
            writeln!(out, "{}: {}", words::life(&seen.life), words::far(seen, now))?;
            writeln!(out, "{}", words::state(seen, now))?;
        }
        Ok(())
    }
}
