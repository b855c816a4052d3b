//! Programs in the nodes of a lab.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};

use rustix::process::Signal;

use super::{Up, said, up};
use crate::interrupted::signal;
use crate::support::{lab, traces};

fn start(up: &Up, arguments: &[&str]) -> Child {
    let mut command = up.lab.tailbed();
    command.arg("exec").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

#[test]
fn input_outputs_and_exit_status_are_passed_on() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let up = up(lab);
    let mut child = start(&up, &["near", "sh", "-c", "cat; echo trouble >&2; exit 7"]);
    child.stdin.take().unwrap().write_all(b"some input\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"some input\n"[..], &b"trouble\n"[..]));

    let inside = up.exec(&["far", "--", "/tailbed", "--version"]);
    assert!(inside.status.success() && said(&inside).starts_with("tailbed "), "{}", said(&inside));
    let no_program = up.exec(&["far", "nothing-of-this-name"]);
    assert_eq!(no_program.status.code(), Some(127), "{}", said(&no_program));
    assert!(said(&no_program).contains("nothing-of-this-name could not be started in far"), "{}", said(&no_program));
    let killed = up.exec(&["near", "sh", "-c", "kill -9 $$"]);
    assert_eq!(killed.status.code(), Some(137), "{}", said(&killed));
    let no_node = up.exec(&["nowhere", "true"]);
    assert_eq!(no_node.status.code(), Some(1), "{}", said(&no_node));
    assert!(
        said(&no_node).contains("there is no node `nowhere` in this lab; there are far, generator, near"),
        "{}",
        said(&no_node)
    );
    up.lab.run(&["down"]);
    assert_eq!(traces(), before);
}

#[test]
fn several_programs_at_once_do_not_disturb_each_other() {
    let Some(lab) = lab() else { return };
    let up = up(lab);
    let echo = ["near", "sh", "-c", "echo ready; while read -r word; do echo \"<$word>\"; done"];
    let (mut one, mut two) = (start(&up, &echo), start(&up, &echo));
    // more than is held back for one that does not read
    let flood = start(&up, &["near", "head", "-c", "20000000", "/dev/zero"]);
    assert_eq!((line(&mut one), line(&mut two)), ("ready\n".to_owned(), "ready\n".to_owned()));
    for (first, word) in [(false, "b"), (true, "a"), (false, "c")] {
        let child = if first { &mut one } else { &mut two };
        child.stdin.as_mut().unwrap().write_all(format!("{word}\n").as_bytes()).unwrap();
        assert_eq!(line(child), format!("<{word}>\n"));
    }
    for mut child in [one, two] {
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let flood = flood.wait_with_output().unwrap();
    assert_eq!((flood.status.code(), flood.stdout.len()), (Some(0), 20_000_000));
}

#[test]
fn an_interrupt_is_the_programs_and_a_command_that_goes_away_hangs_up() {
    let Some(lab) = lab() else { return };
    let up = up(lab);
    let mut child = start(&up, &["near", "sh", "-c", "trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.1; done"]);
    assert_eq!(line(&mut child), "ready\n");
    signal(&child, Signal::INT);
    assert_eq!(line(&mut child), "caught\n");
    assert_eq!(child.wait().unwrap().code(), Some(4));

    let mut child = start(&up, &["near", "sh", "-c", "echo $$; exec sleep 1000"]);
    let pid = line(&mut child).trim().to_owned();
    assert!(std::fs::exists(format!("/proc/{pid}")).unwrap());
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    crate::interrupted::wait_for(|| (!std::fs::exists(format!("/proc/{pid}")).unwrap()).then_some(()));

    // a reader that has had enough
    let mut child = start(&up, &["near", "yes"]);
    let mut some = [0; 4];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(141));
}
