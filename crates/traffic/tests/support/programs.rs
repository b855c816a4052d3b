//! Programs, and what comes of them.

use tailbed_format::message::{Command, Frame, Reply, write_stream};
use tailbed_format::program::{Exit, Program, Stream};

use super::client::Client;

/// A program by its name and arguments.
pub(crate) fn command(command: &[&str]) -> Program {
    Program {
        command: command.iter().map(|&word| word.to_owned()).collect(),
        script: None,
        environment: Vec::new(),
        timeout: None,
        terminal: None,
        cpus: Vec::new(),
    }
}

/// A script by its text.
pub(crate) fn script(text: &str) -> Program {
    Program { script: Some(text.to_owned()), ..command(&[]) }
}

/// All that a program printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) output: String,
    pub(crate) error: String,
    pub(crate) exit: Exit,
    /// Bytes of the longest frame.
    pub(crate) longest: usize,
}

impl Client {
    pub(crate) fn execute(&mut self, session: u32, program: Program) {
        self.send(&Command::Execute { session, program });
    }

    pub(crate) fn input(&mut self, session: u32, bytes: &[u8]) {
        write_stream(self.stream(), session, Stream::Input, bytes).unwrap();
    }

    /// Runs a program without input to its end.
    pub(crate) fn program(&mut self, session: u32, program: Program) -> Ran {
        self.execute(session, program);
        self.input(session, b"");
        self.ended(session)
    }

    /// Reads until a program has ended; nothing else may be going on.
    pub(crate) fn ended(&mut self, session: u32) -> Ran {
        let mut longest = 0;
        let (mut output, mut error) = (Vec::new(), Vec::new());
        loop {
            match self.frame() {
                Frame::Stream { session: number, stream, bytes } => {
                    assert_eq!(number, session);
                    longest = longest.max(bytes.len());
                    if stream == Stream::Error { error.extend(bytes) } else { output.extend(bytes) }
                }
                Frame::Json(body) => match serde_json::from_slice(&body).unwrap() {
                    Reply::Exited { session: number, exit } => {
                        assert_eq!(number, session);
                        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
                        return Ran { output: text(output), error: text(error), exit, longest };
                    }
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads until a program has printed this.
    pub(crate) fn wait_for_output(&mut self, session: u32, words: &str) {
        let mut printed = String::new();
        while !printed.contains(words) {
            match self.frame() {
                Frame::Stream { session: number, bytes, .. } if number == session => {
                    printed += &String::from_utf8(bytes).unwrap();
                }
                other => panic!("{other:?} after {printed}"),
            }
        }
    }
}
