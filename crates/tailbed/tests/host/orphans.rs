//! An agent that is the first process of a pid namespace takes in orphans, and loses no program's exit status over it.

use std::io::{BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use tailbed_format::message::{self, Frame, Reply, read_frame, write_message, write_stream};
use tailbed_format::program::{Exit, Program, Stream};

use crate::support::lab;

/// An agent and both ends of its stream.
struct Agent {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Agent {
    fn start(line: &[&str]) -> Self {
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).args([env!("CARGO_BIN_EXE_tailbed"), "agent"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut agent = Self { child, input, output };
        assert!(matches!(agent.frame(), Frame::Json(_)), "its hello");
        agent
    }

    fn frame(&mut self) -> Frame {
        read_frame(&mut self.output).unwrap().unwrap()
    }

    fn execute(&mut self, session: u32, line: &str) {
        let program = Program {
            command: ["sh", "-c", line].map(str::to_owned).to_vec(),
            script: None,
            environment: Vec::new(),
            timeout: None,
            terminal: None,
            cpus: Vec::new(),
        };
        write_message(&mut self.input, &message::Command::Execute { session, program }).unwrap();
        write_stream(&mut self.input, session, Stream::Input, b"").unwrap();
        self.input.flush().unwrap();
    }

    /// What is printed and how it ends, of the next program that does.
    fn ended(&mut self) -> (u32, Exit, String) {
        let mut printed = String::new();
        loop {
            match self.frame() {
                Frame::Stream { bytes, .. } => printed += &String::from_utf8(bytes).unwrap(),
                Frame::Json(body) => match serde_json::from_slice(&body).unwrap() {
                    Reply::Exited { session, exit } => return (session, exit, printed),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
    }

    /// Runs one program.
    fn run(&mut self, line: &str) -> (Exit, String) {
        self.execute(0, line);
        let (_, exit, printed) = self.ended();
        (exit, printed)
    }
}

fn orphans_are_taken_in(line: &[&str]) {
    let mut agent = Agent::start(line);
    // each leaves two orphans that end at once, and has an exit status of its own
    for session in 0..60 {
        agent.execute(session, &format!("(true & setsid true & true) & (sleep 0.01 &) ; exit {session}"));
    }
    for _ in 0..60 {
        let (session, exit, printed) = agent.ended();
        assert_eq!((exit, printed.as_str()), (Exit::Code(session.cast_signed()), ""));
    }
    // zombies below the agent: none is left once the last of them was taken in
    let zombies = "for stat in /proc/[0-9]*/stat; do read -r line < $stat && echo \"${line##*) }\"; done 2>/dev/null | grep -c \"^Z $PPID \"";
    let deadline = Instant::now() + std::time::Duration::from_mins(1);
    while agent.run(zombies).1.trim() != "0" {
        assert!(Instant::now() < deadline, "zombies stay");
    }
    // nobody outlives it
    assert_eq!(
        agent.run("setsid sh -c 'unset TAILBED_AGENT; exec env -i /bin/sleep 87201' > /dev/null 2>&1 & exit 0").0,
        Exit::Code(0)
    );
    drop(agent.input);
    assert!(agent.child.wait().unwrap().success());
    let left = Command::new("pgrep").args(["-f", "sleep 87201"]).status();
    assert!(left.is_ok_and(|status| !status.success()), "a background process outlived its agent");
}

#[test]
fn the_first_process_of_a_pid_namespace_takes_in_orphans() {
    let Some(_lab) = lab() else { return };
    orphans_are_taken_in(&["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]);
}

#[test]
fn a_process_of_the_host_takes_in_orphans() {
    let Some(_lab) = lab() else { return };
    orphans_are_taken_in(&["env"]);
}

/// Prints how long it takes to execute /bin/true, from the command to the answer; no test, run by hand.
#[test]
#[ignore = "a measurement"]
fn round_trip_of_true() {
    let Some(_lab) = lab() else { return };
    let mut agent = Agent::start(&["env"]);
    let mut times: Vec<_> = (0..300)
        .map(|_| {
            let began = Instant::now();
            let program = Program {
                command: vec!["/bin/true".to_owned()],
                script: None,
                environment: Vec::new(),
                timeout: None,
                terminal: None,
                cpus: Vec::new(),
            };
            write_message(&mut agent.input, &message::Command::Execute { session: 1, program }).unwrap();
            assert_eq!(agent.ended().1, Exit::Code(0));
            began.elapsed()
        })
        .collect();
    drop(agent.input);
    agent.child.wait().unwrap();
    times.sort();
    println!("execute /bin/true: median {:?}, 90th percentile {:?}", times[150], times[270]);
}
