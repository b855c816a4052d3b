//! A shell at a terminal, and a lab that outlives the terminal it was brought up at.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::{TWO, Up, said, up};
use crate::support::{Lab, lab, traces};

/// A terminal: our side, and the one a program gets.
struct Terminal {
    ours: File,
    theirs: OwnedFd,
    heard: String,
}

fn terminal(rows: u16, columns: u16) -> Terminal {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    resize(&ours, rows, columns);
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    Terminal { ours: ours.into(), theirs, heard: String::new() }
}

fn resize(terminal: impl std::os::fd::AsFd, ws_row: u16, ws_col: u16) {
    tcsetwinsize(terminal, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}

impl Terminal {
    /// Starts the program at this terminal, which rules it.
    fn start(&self, lab: &Lab, arguments: &[&str]) -> Child {
        let tailbed = lab.tailbed();
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(tailbed.get_program()).args(arguments);
        command.env("TAILBED_STATE", lab.path("state")).current_dir(lab.folder.path());
        let side = || self.theirs.try_clone().unwrap();
        command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap()
    }

    fn types(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until these words are seen, and forgets them and what came before.
    fn shows(&mut self, words: &str) {
        let mut buffer = [0; 1024];
        loop {
            if let Some(at) = self.heard.find(words) {
                self.heard.drain(..at + words.len());
                return;
            }
            let count = self.ours.read(&mut buffer).unwrap_or_else(|error| panic!("{error}, after: {}", self.heard));
            self.heard.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }
}

#[test]
fn a_shell_has_our_terminal_and_gives_it_back() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let up = up(lab);
    let mut terminal = terminal(30, 100);
    let settings = tcgetattr(&terminal.theirs).unwrap();
    let mut child = terminal.start(&up.lab, &["shell", "near"]);
    terminal.shows("near# ");
    assert!(!tcgetattr(&terminal.theirs).unwrap().local_modes.contains(LocalModes::ICANON), "every key is the shell's");
    terminal.types("stty size\n");
    terminal.shows("30 100");
    resize(&terminal.ours, 40, 120);
    terminal.types("while test \"$(stty size)\" != \"40 120\"; do sleep 0.05; done; echo now-$((40 + 2))\n");
    terminal.shows("now-42");
    terminal.types("echo begun-$((1 + 1)); sleep 1000\n");
    terminal.shows("begun-2");
    terminal.types("\u{3}");
    terminal.types("echo alive-$((1 + 2))\n");
    terminal.shows("alive-3");
    terminal.types("ls /sys/class/net >/dev/null; exit 5\n");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    let after = tcgetattr(&terminal.theirs).unwrap();
    assert_eq!((settings.local_modes, settings.input_modes), (after.local_modes, after.input_modes));

    let mut child = terminal.start(&up.lab, &["shell", "far"]);
    terminal.shows("there is no shell in far");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut child = terminal.start(&up.lab, &["console", "near"]);
    terminal.shows("near is a host node, which has no console of its own; use `tailbed shell near`");
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let piped = up.lab.tailbed().args(["shell", "near"]).stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(piped.status.code(), Some(2), "{}", said(&piped));
    up.lab.run(&["down"]);
    assert_eq!(traces(), before);
}

#[test]
fn a_lab_outlives_the_terminal_it_was_brought_up_at() {
    let Some(lab) = lab() else { return };
    std::fs::write(lab.path("two.toml"), TWO).unwrap();
    let up = Up { lab };
    let mut terminal = terminal(24, 80);
    let mut child = terminal.start(&up.lab, &["up", "two.toml"]);
    terminal.shows("INTERFACES");
    assert!(child.wait().unwrap().success());
    drop(terminal);
    assert_eq!(up.node("near")["state"], "running");
    assert!(up.exec(&["near", "true"]).status.success());
}

#[test]
fn a_keeper_holds_nothing_that_the_command_line_had_open() {
    let Some(lab) = lab() else { return };
    std::fs::write(lab.path("two.toml"), TWO).unwrap();
    let up = Up { lab };
    let binary = up.lab.tailbed().get_program().to_owned();
    let mut command = Command::new("flock");
    command.arg(up.lab.path("lock")).arg(binary).args(["up", "two.toml"]);
    let brought_up = command.env("TAILBED_STATE", up.lab.path("state")).current_dir(up.lab.folder.path()).output().unwrap();
    assert!(brought_up.status.success(), "{}", said(&brought_up));
    let again = Command::new("flock").arg("--nonblock").arg(up.lab.path("lock")).arg("true").status().unwrap();
    assert!(again.success(), "the lock under which the lab was brought up is still held");
}
