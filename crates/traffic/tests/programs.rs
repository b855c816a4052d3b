//! Programs in a node, through the agent, over a stream.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use support::client::Client;
use support::programs::{command, script};
use tailbed_format::mac::MacAddress;
use tailbed_format::message::{Command, Frame, Reply};
use tailbed_format::order::{Measure, Order, Path as Wire, Schedule, Scheduling, SimulatedWire, Wait};
use tailbed_format::program::{Exit, Program, Stream, TerminalSize};
use tailbed_format::traffic::Shape;

#[test]
fn what_a_program_prints_comes_before_its_end() {
    let mut client = Client::start();
    let ran = client.program(1, command(&["sh", "-c", "echo out; echo err >&2; exit 7"]));
    assert_eq!((ran.output.as_str(), ran.error.as_str(), ran.exit), ("out\n", "err\n", Exit::Code(7)));
    let long = client.program(1, command(&["head", "-c", "1000000", "/dev/zero"]));
    assert_eq!((long.output.len(), long.exit), (1_000_000, Exit::Code(0)));
    assert!(long.longest <= 32 << 10, "{}", long.longest);
    client.quit().unwrap();
}

#[test]
fn input_reaches_it_and_ends() {
    let mut client = Client::start();
    client.execute(1, command(&["cat"]));
    client.input(1, b"to and ");
    client.input(1, b"fro");
    client.input(1, b"");
    let ran = client.ended(1);
    assert_eq!((ran.output.as_str(), ran.exit), ("to and fro", Exit::Code(0)));
    // much more than a pipe holds, to one that reads nothing of it
    client.execute(2, command(&["true"]));
    client.input(2, &vec![0; 1 << 20]);
    assert_eq!(client.ended(2).exit, Exit::Code(0));
    client.quit().unwrap();
}

#[test]
fn a_script_is_read_from_memory_with_arguments_and_variables() {
    let mut client = Client::start();
    let text = "#!/bin/sh -e\necho \"$1 $GIVEN\"\ncase $0 in /proc/self/fd/*) ;; *) exit 3 ;; esac\nfalse\nexit 4\n";
    let mut program = script(text);
    program.command = vec!["argument".to_owned()];
    program.environment = vec![("GIVEN".to_owned(), "variable".to_owned())];
    let ran = client.program(1, program);
    assert_eq!((ran.output.as_str(), ran.exit), ("argument variable\n", Exit::Code(1)), "{}", ran.error);
    client.quit().unwrap();
}

#[test]
fn what_cannot_be_started_says_why() {
    let mut client = Client::start();
    let reason = |exit| match exit {
        Exit::NotStarted(reason) => reason,
        other => panic!("{other:?}"),
    };
    let missing = reason(client.program(1, script("#!/no/such/sh\n")).exit);
    assert_eq!(missing, "no interpreter /no/such/sh in this node; use an image that has it");
    assert!(reason(client.program(1, command(&["no-such-program"])).exit).starts_with("no program no-such-program in /"));
    let folder = reason(client.program(1, command(&["/tmp"])).exit);
    assert_eq!(folder, "/tmp may not be executed: Permission denied (os error 13)");
    assert!(reason(client.program(1, command(&["/etc/passwd"])).exit).contains("may not be executed"));
    // and the number is free again
    assert_eq!(client.program(1, command(&["true"])).exit, Exit::Code(0));
    client.quit().unwrap();
}

/// Processes that have this word in their command line, zombies left out.
fn alive(word: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter(|process| fs::read(process.path().join("cmdline")).is_ok_and(|line| contains(&line, word))).count()
}

fn contains(line: &[u8], word: &str) -> bool {
    line.windows(word.len()).any(|window| window == word.as_bytes())
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn when_its_time_is_over_all_it_started_goes_too() {
    let mut client = Client::start();
    // one in its group, one that has left its session, one that does not listen
    let text = "#!/bin/sh\nsleep 87001 &\nsetsid sleep 87001 &\n(trap '' TERM; sleep 87001; sleep 87001) &\nwait\n";
    let mut program = script(text);
    program.timeout = Some(300_000_000);
    assert_eq!(client.program(1, program).exit, Exit::TimedOut);
    assert_eq!(alive("87001"), 0);
    client.quit().unwrap();
}

#[test]
fn a_signal_reaches_all_of_a_session() {
    let mut client = Client::start();
    client.execute(1, command(&["sh", "-c", "sleep 87002 & sleep 87002 & echo there; wait; wait"]));
    client.wait_for_output(1, "there");
    client.send(&Command::Signal { session: 1, signal: 9 });
    assert_eq!(client.ended(1).exit, Exit::Signal(9));
    assert_eq!(alive("87002"), 0);
    client.quit().unwrap();
}

#[test]
fn what_stays_in_the_background_neither_holds_up_nor_dies_until_the_agent_leaves() {
    let mut client = Client::start();
    // it prints on, more than a pipe holds
    let daemon = "#!/bin/sh\n(while :; do echo 87003 87003 87003; sleep 0.001; done) &\necho started\n";
    let ran = client.program(1, script(daemon));
    assert_eq!(ran.exit, Exit::Code(0));
    assert!(ran.output.contains("started"));
    client.program(2, command(&["sh", "-c", "sleep 87003 & setsid sleep 87003 & true"]));
    wait_until("a background process was killed", || alive("sleep\087003") == 2);
    client.quit().unwrap();
    assert_eq!(alive("sleep\087003"), 0);
}

#[test]
fn a_terminal_has_a_size_and_gets_another() {
    let mut client = Client::start();
    let mut program = command(&["sh", "-c", "stty size; read line; stty size; test -t 0 && test -t 1 && tty > /dev/null"]);
    program.terminal = Some(TerminalSize { rows: 24, columns: 99 });
    client.execute(1, program);
    client.wait_for_output(1, "24 99");
    client.send(&Command::Resize { session: 1, size: TerminalSize { rows: 7, columns: 11 } });
    client.input(1, b"go\n");
    let ran = client.ended(1);
    assert!(ran.output.contains("7 11"), "{ran:?}");
    assert_eq!(ran.exit, Exit::Code(0));
    // its interrupt character works: it is the controlling terminal. What cat says again shows that it has begun
    let mut program = command(&["cat"]);
    program.terminal = Some(TerminalSize { rows: 24, columns: 80 });
    client.execute(2, program);
    client.input(2, b"there\n");
    client.wait_for_output(2, "there\r\nthere\r\n");
    client.input(2, &[3]);
    assert_eq!(client.ended(2).exit, Exit::Signal(2));
    client.quit().unwrap();
}

#[test]
fn programs_are_ordinary_processes() {
    let mut client = Client::start();
    let ran = client.program(1, command(&["grep", "-E", "^(SigBlk|SigIgn|VmLck)", "/proc/self/status"]));
    let words: Vec<_> = ran.output.split_whitespace().collect();
    assert_eq!(words, ["VmLck:", "0", "kB", "SigBlk:", "0000000000000000", "SigIgn:", "0000000000000000"]);
    // policy, field 41 of proc_pid_stat(5), behind the command in parentheses
    let stat = client.program(1, command(&["cat", "/proc/self/stat"])).output;
    assert_eq!(stat.rsplit_once(')').unwrap().1.split_whitespace().nth(38), Some("0"));
    let open = client.program(1, command(&["ls", "/proc/self/fd"])).output;
    assert_eq!(open, "0\n1\n2\n3\n", "its own, and the folder it reads");
    client.quit().unwrap();
}

#[test]
fn results_are_collected_and_removed() {
    let mut client = Client::start();
    let text = "#!/bin/sh\ncd \"$TAILBED_RESULTS\"\npwd\nmkdir a\nprintf one > a/b.txt\n: > empty\nln -s /etc/hostname link\n\
                head -c 3000000 /dev/zero > long\ntruncate -s 80M huge\n";
    let ran = client.program(1, script(text));
    assert_eq!(ran.exit, Exit::Code(0), "{}", ran.error);
    client.send(&Command::Collect);
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (count, left_out) = loop {
        match client.frame() {
            Frame::File { name, bytes } => files.entry(name).or_default().extend(bytes),
            Frame::Json(body) => match serde_json::from_slice(&body).unwrap() {
                Reply::Collected { files, left_out } => break (files, left_out),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let found: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.len())).collect();
    assert_eq!((found.as_slice(), count), (&[("a/b.txt", 3), ("empty", 0), ("long", 3_000_000)][..], 3));
    assert_eq!(left_out.len(), 2, "{left_out:?}");
    assert!(left_out[0].starts_with("huge: of 83886080 bytes") && left_out[1] == "link: it is not a file", "{left_out:?}");
    assert!(!Path::new(ran.output.trim()).exists());
    // a folder nobody fetches goes with the agent
    let again = client.program(1, command(&["sh", "-c", "echo $TAILBED_RESULTS; touch $TAILBED_RESULTS/x"])).output;
    assert!(Path::new(again.trim()).exists());
    client.quit().unwrap();
    assert!(!Path::new(again.trim()).exists());
}

fn simulation() -> Order {
    let path = Wire::Simulated(SimulatedWire {
        seed: 1,
        base: 5_000,
        mean_extra: 800,
        spike_share: 0,
        spike: 0,
        loss: 0,
        duplicates: 0,
        reordered: 0,
        capacity: None,
        queue: 0,
    });
    Order::Measure(Measure {
        name: String::new(),
        path,
        ports: tailbed_format::port::Ports::LATENCY,
        frame: 60,
        source: MacAddress::local(1, 1),
        destination: MacAddress::local(1, 2),
        shown: false,
        sockets: Vec::new(),
        tag: 1,
        schedule: Schedule { rate: 100_000, warm_up: 0, duration: 5_000_000_000 },
        shape: Shape::default(),
        drain: 10_000_000,
        gap: 20_000,
        scheduling: Scheduling { cpus: vec![], priority: None, lock_memory: false, wait: Wait::Block },
        more: Vec::new(),
    })
}

#[test]
fn many_at_once_beside_a_measurement_get_every_frame_through_whole() {
    let mut client = Client::start();
    assert_eq!(client.prepare(&simulation()), Ok(vec![]));
    for session in 0..40 {
        client.execute(session, command(&["sh", "-c", &format!("head -c 100000 /dev/zero; echo {session}")]));
    }
    client.send(&Command::Start);
    let mut printed = [0usize; 40];
    let (mut ended, mut departures, mut measured) = (0, 0, false);
    while ended < 40 || !measured {
        match client.frame() {
            Frame::Stream { session, stream: Stream::Output, bytes } => printed[session as usize] += bytes.len(),
            Frame::Departures(block) => departures += block.len(),
            Frame::Arrivals(_) => {}
            Frame::Json(body) => match serde_json::from_slice(&body).unwrap() {
                Reply::Exited { exit, .. } => {
                    assert_eq!(exit, Exit::Code(0));
                    ended += 1;
                }
                Reply::Measured(_) => measured = true,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    for (session, printed) in printed.into_iter().enumerate() {
        assert_eq!(printed, 100_001 + session.to_string().len());
    }
    assert_eq!(departures, 500_000 * tailbed_format::packet::WIRE_SIZE);
    client.quit().unwrap();
}

#[test]
fn the_end_of_the_stream_ends_all_programs() {
    let mut client = Client::start();
    client.execute(1, Program { timeout: Some(u64::MAX), ..command(&["sleep", "87005"]) });
    client.execute(2, command(&["sh", "-c", "trap '' TERM HUP; echo there; sleep 87005; sleep 87005"]));
    client.wait_for_output(2, "there");
    client.hang_up().unwrap();
    assert_eq!(alive("87005"), 0);
}
