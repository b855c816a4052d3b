//! Campaigns that are watched: at a terminal and without, to their end, killed, removed, damaged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;

/// A campaign of a wire whose truth is known, in a folder of its own.
struct Campaign {
    folder: TempDir,
}

impl Campaign {
    /// Of two cells, each made so often, of so long a traffic.
    fn new(repeats: usize, duration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "name = \"watched\"\nquestion = \"Is it seen?\"\nrepeats = {repeats}\nseed = 1\n\n[nodes.dut.simulated]\nbase = \"10us\"\n\
             mean_extra = \"2us\"\nspike = \"500us\"\nspike_share = \"0.1%\"\n\n[traffic]\nrate = \"100kpps\"\nduration = \"{duration}\"\n\
             warm_up = \"10ms\"\n\n[sweep]\n\"nodes.dut.simulated.base\" = [\"10us\", \"40us\"]\n"
        );
        fs::write(folder.path().join("watched.toml"), text).unwrap();
        Self { folder }
    }

    fn tailbed(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tailbed"));
        command.args(arguments).env("TAILBED_STATE", self.folder.path().join("state")).current_dir(self.folder.path());
        command.env_remove("NO_COLOR").env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color");
        command
    }

    /// Makes it to its end.
    fn made() -> Self {
        let campaign = Self::new(3, "200ms");
        let output = campaign.tailbed(&["run", "watched.toml"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        campaign
    }

    /// Begins it, and holds its process in the middle of a run.
    fn held(&self) -> Held {
        let child = self.tailbed(&["run", "watched.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let held = Held(child);
        wait_for(|| fs::read_to_string(self.results()?.join("progress.json")).ok().filter(|text| text.contains("\"building\"")));
        held.signal(Signal::STOP);
        held
    }

    /// Its results folder.
    fn results(&self) -> Option<PathBuf> {
        fs::read_dir(self.folder.path().join("results")).ok()?.next()?.ok().map(|entry| entry.path())
    }

    fn watch(&self, arguments: &[&str]) -> Output {
        self.tailbed(&[&["watch"], arguments].concat()).stdin(Stdio::null()).output().unwrap()
    }
}

/// A process that is ended with the test.
struct Held(Child);

impl Held {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    fn end(mut self) {
        self.signal(Signal::KILL);
        self.0.wait().unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What there is sooner or later.
fn wait_for<T>(look: impl Fn() -> Option<T>) -> T {
    loop {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A terminal and what is on its screen.
struct Terminal {
    ours: File,
    theirs: OwnedFd,
    screen: vt100::Parser,
}

impl Terminal {
    fn new(rows: u16, columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let mut terminal = Self { ours: ours.into(), theirs, screen: vt100::Parser::new(rows, columns, 0) };
        terminal.resize(rows, columns);
        terminal
    }

    fn resize(&mut self, ws_row: u16, ws_col: u16) {
        tcsetwinsize(&self.ours, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        self.screen.screen_mut().set_size(ws_row, ws_col);
    }

    /// Starts a program that this terminal rules.
    fn start(&self, program: &Command) -> Child {
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
        command.current_dir(program.get_current_dir().unwrap());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let side = || self.theirs.try_clone().unwrap();
        command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap()
    }

    fn types(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether the program writes anything until then.
    fn says_more(&self, end: Instant) -> bool {
        let left = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap();
        poll(&mut [PollFd::new(&self.ours, PollFlags::IN)], Some(&left)).unwrap() == 1
    }

    /// Waits until all of this is on the screen at once; the screen then.
    fn shows(&mut self, all: &[&str]) -> String {
        let mut buffer = [0; 4096];
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let shown = self.screen.screen().contents();
            if all.iter().all(|words| shown.contains(words)) {
                return shown;
            }
            assert!(self.says_more(end), "after a minute there is no {all:?}, but: {shown}");
            let count = self.ours.read(&mut buffer).unwrap_or_else(|error| panic!("{error}, after: {shown}"));
            self.screen.process(&buffer[..count]);
        }
    }
}

impl Terminal {
    /// Waits until the program has put back what was on the screen before.
    fn is_given_back(&mut self) {
        let mut buffer = [0; 4096];
        while self.screen.screen().alternate_screen() {
            let count = self.ours.read(&mut buffer).unwrap();
            self.screen.process(&buffer[..count]);
        }
    }
}

#[test]
fn a_campaign_is_watched_at_a_terminal_to_its_end() {
    let campaign = Campaign::new(3, "300ms");
    let held = campaign.held();
    let mut terminal = Terminal::new(24, 80);
    let mut watching = terminal.start(&campaign.tailbed(&["watch"]));
    terminal.shows(&["watched", " running ", "Is it seen?", "of 6 runs", "cells"]);
    held.signal(Signal::CONT);
    let shown = terminal.shows(&[" finished ", "6 of 6 runs", "Simulated, not measured", "3/3"]);
    println!("{shown}");
    assert!(shown.contains("10us") && shown.contains("40us") && shown.contains('█'), "{shown}");

    terminal.types("\u{1b}[C");
    let runs = terminal.shows(&["✓ 0000-", "median "]);
    println!("{runs}");
    terminal.resize(10, 40);
    println!("{}", terminal.shows(&["runs 1–3 of 6", "✓ 0000-"]));
    terminal.types("\u{1b}[F");
    terminal.shows(&["runs 4–6 of 6"]);
    terminal.types("?");
    terminal.shows(&["another list"]);
    terminal.resize(30, 120);
    terminal.types("?\u{1b}[C");
    println!("{}", terminal.shows(&["events", "0005-"]));
    terminal.types("q");
    terminal.is_given_back();
    assert!(watching.wait().unwrap().success());
    held.end();
}

#[test]
fn a_campaign_that_is_killed_is_told_from_one_that_runs() {
    let campaign = Campaign::new(5, "300ms");
    let held = campaign.held();
    let mut terminal = Terminal::new(24, 80);
    let mut watching = terminal.start(&campaign.tailbed(&["watch", "results"]));
    terminal.shows(&[" running ", "of 10 runs"]);
    held.end();
    let shown = terminal.shows(&[" killed ", "the campaign was killed in 00", "--resume"]);
    println!("{shown}");
    terminal.types("q");
    terminal.is_given_back();
    assert_eq!(watching.wait().unwrap().code(), Some(1));

    let plain = campaign.watch(&[]);
    let said = String::from_utf8(plain.stderr).unwrap();
    assert_eq!(plain.status.code(), Some(1), "{said}");
    assert!(said.contains("the campaign was killed in 00") && said.contains("tailbed clean"), "{said}");
    // it can be gone on with, and is then a campaign like any other
    let resumed = campaign.tailbed(&["run", "watched.toml", "--resume"]).output().unwrap();
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert!(campaign.watch(&[]).status.success());
}

#[test]
fn without_a_terminal_every_event_is_a_line() {
    let campaign = Campaign::new(3, "300ms");
    let held = campaign.held();
    let watching = campaign.tailbed(&["watch"]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    held.signal(Signal::CONT);
    let output = watching.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    println!("{text}");
    let runs = fs::read_dir(campaign.results().unwrap().join("runs")).unwrap().count();
    assert_eq!(runs, 6);
    assert_eq!(text.lines().filter(|line| line.contains(": median ")).count(), 6, "{text}");
    assert!(text.contains("finished: 6 of 6 runs\nSimulated, not measured"), "{text}");
    assert!(!text.contains('\u{1b}'), "no escape sequences: {text}");
}

#[test]
fn whoever_reads_no_more_ends_it() {
    let campaign = Campaign::new(5, "300ms");
    let held = campaign.held();
    let mut watching = campaign.tailbed(&["watch"]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(watching.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    assert!(first.contains(": watched, running, "), "{first}");
    drop(reader);
    // nothing happens any more, and still it ends
    assert!(watching.wait().unwrap().success());
    held.end();
}

#[test]
fn a_folder_that_is_removed_is_told() {
    let campaign = Campaign::new(5, "300ms");
    let held = campaign.held();
    let mut terminal = Terminal::new(24, 120);
    let mut watching = terminal.start(&campaign.tailbed(&["watch"]));
    terminal.shows(&[" running "]);
    fs::rename(campaign.results().unwrap(), campaign.folder.path().join("elsewhere")).unwrap();
    terminal.shows(&["is gone: somebody has removed it"]);
    assert_eq!(watching.wait().unwrap().code(), Some(1));
    held.end();
    let nowhere = campaign.watch(&["nowhere"]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", String::from_utf8_lossy(&nowhere.stderr));
}

/// Makes a file unreadable for everybody, root as well: a folder stands in its place.
fn spoil(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

#[test]
fn files_that_cannot_be_read_are_named_and_the_rest_is_shown() {
    let campaign = Campaign::made();
    let results = campaign.results().unwrap();
    let mut runs: Vec<_> = fs::read_dir(results.join("runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    fs::write(runs[2].join("summary.json"), "{\"run\": ").unwrap();
    spoil(&runs[3].join("latency.hgrm"));
    let shown = campaign.watch(&[]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success(), "{text}");
    let name = |run: &Path| run.file_name().unwrap().to_string_lossy().into_owned();
    let damaged = format!("runs/{}/summary.json: ", name(&runs[2]));
    assert!(text.lines().any(|line| line.contains(&damaged) && line.contains("is damaged")), "{text}");
    let unreadable = format!("runs/{}/latency.hgrm: cannot read", name(&runs[3]));
    assert!(text.contains(&unreadable) && text.contains("finished: 6 of 6 runs"), "{text}");

    fs::write(results.join("progress.json"), "{").unwrap();
    let broken = campaign.watch(&[]);
    let said = String::from_utf8(broken.stderr).unwrap();
    assert_eq!(broken.status.code(), Some(2), "{said}");
    assert!(said.contains("progress.json is damaged"), "{said}");
}

#[test]
fn a_campaign_of_before_is_known_by_its_summary() {
    let campaign = Campaign::made();
    let results = campaign.results().unwrap();
    fs::remove_file(results.join("progress.json")).unwrap();
    let shown = campaign.watch(&[results.to_str().unwrap()]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success() && text.contains("finished: 6 of 6 runs"), "{text}");
    fs::remove_file(results.join("summary.json")).unwrap();
    let shown = campaign.watch(&[]);
    let said = String::from_utf8(shown.stderr).unwrap();
    assert_eq!(shown.status.code(), Some(2), "{said}");
    assert!(said.contains("begun by an earlier version of tailbed"), "{said}");
}

#[test]
fn the_table_draws_each_distribution_in_what_the_terminal_can() {
    let campaign = Campaign::new(3, "200ms");
    let table = |locale: &str| {
        let output = campaign.tailbed(&["run", "watched.toml"]).env("LC_ALL", locale).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let blocks = table("C.UTF-8");
    println!("{blocks}");
    assert!(blocks.contains('█') && blocks.contains('▁') && !blocks.contains('\u{1b}'), "{blocks}");
    let ascii = table("C");
    assert!(ascii.contains('#') && !ascii.contains('█') && !ascii.contains('▁'), "{ascii}");
}
