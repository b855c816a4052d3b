//! The orchestrator's end of the stream to an agent that runs in a thread.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use rustix::thread::gettid;
use tailbed_format::message::{Command, Frame, Measured, Reply, read_frame, write_message};
use tailbed_format::order::Order;
use tailbed_format::packet::{Arrival, Departure};
use tailbed_traffic::{AgentError, agent};

/// An agent and the stream to it.
pub(crate) struct Client {
    stream: UnixStream,
    thread: JoinHandle<Result<(), AgentError>>,
    /// The thread as the kernel numbers it (gettid(2)).
    number: i32,
}

/// Everything a measuring agent answers after the start.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) departures: Vec<Departure>,
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) measured: Measured,
}

impl Client {
    /// Starts an agent in the network namespace of the calling thread, and reads its greeting.
    pub(crate) fn start() -> Self {
        let (stream, theirs) = UnixStream::pair().unwrap();
        let input = theirs.try_clone().unwrap();
        let (numbered, number) = channel();
        let thread = std::thread::spawn(move || {
            numbered.send(gettid().as_raw_pid()).unwrap();
            agent(input, theirs)
        });
        let mut client = Self { stream, thread, number: number.recv().unwrap() };
        assert!(matches!(client.reply(), Reply::Hello { .. }));
        client
    }

    /// The number of the scheduling policy of the agent's own thread: field 41 of its stat (proc_pid_stat(5)).
    pub(crate) fn policy(&self) -> i32 {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{}/stat", self.number)).unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(41 - 3).unwrap().parse().unwrap()
    }

    pub(crate) fn send(&mut self, command: &Command) {
        write_message(&mut self.stream, command).unwrap();
    }

    pub(crate) fn stream(&mut self) -> &mut UnixStream {
        &mut self.stream
    }

    pub(crate) fn frame(&mut self) -> Frame {
        read_frame(&mut self.stream).unwrap().unwrap()
    }

    pub(crate) fn reply(&mut self) -> Reply {
        match self.frame() {
            Frame::Json(body) => serde_json::from_slice(&body).unwrap(),
            other => panic!("a reply was expected: {other:?}"),
        }
    }

    /// Has the order prepared; the downgrades, or why it failed.
    pub(crate) fn prepare(&mut self, order: &Order) -> Result<Vec<String>, String> {
        self.send(&Command::Prepare(Box::new(order.clone())));
        match self.reply() {
            Reply::Ready { downgrades, .. } => Ok(downgrades),
            Reply::Failed(reason) | Reply::Refused(reason) => Err(reason),
            other => panic!("neither ready nor failed: {other:?}"),
        }
    }

    /// Starts a prepared measurement and reads all it answers.
    pub(crate) fn measure(&mut self) -> Result<Answer, String> {
        self.send(&Command::Start);
        let (mut departures, mut arrivals) = (Vec::new(), Vec::new());
        loop {
            match read_frame(&mut self.stream).unwrap().unwrap() {
                Frame::Departures(block) => departures.extend(Departure::decode(&block).unwrap()),
                Frame::Arrivals(block) => arrivals.extend(Arrival::decode(&block).unwrap()),
                Frame::Json(body) => match serde_json::from_slice(&body).unwrap() {
                    Reply::Measured(measured) => return Ok(Answer { departures, arrivals, measured }),
                    Reply::Failed(reason) => return Err(reason),
                    other => panic!("neither measured nor failed: {other:?}"),
                },
                other => panic!("not asked for: {other:?}"),
            }
        }
    }

    /// Ends the stream without a word, and waits for the agent to leave.
    pub(crate) fn hang_up(self) -> Result<(), AgentError> {
        self.stream.shutdown(Shutdown::Write).unwrap();
        self.thread.join().unwrap()
    }

    /// Tells the agent to quit, and waits for it to leave.
    pub(crate) fn quit(mut self) -> Result<(), AgentError> {
        self.send(&Command::Quit);
        self.thread.join().unwrap()
    }
}
