//! Programs that run in a node: scripts, commands, shells.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A program to be run in a node by its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The program and its arguments, found by the node's own `PATH`. With a [`Self::script`] these are the script's arguments.
    pub command: Vec<String>,
    /// The text of a script, whose first line names its interpreter (execve(2), "Interpreter scripts"). It is never written to the
    /// node's file system.
    pub script: Option<String>,
    /// Added to the environment of the agent.
    pub environment: Vec<(String, String)>,
    /// Ended by force, with all its children, after this long, ns.
    pub timeout: Option<u64>,
    /// A terminal of this size is made for it; otherwise its input and outputs are pipes.
    pub terminal: Option<TerminalSize>,
    /// Cores it may run on, in the numbering of the node's kernel; empty for those that no packet loop of the agent has.
    #[serde(default)]
    pub cpus: Vec<usize>,
}

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Lines.
    pub rows: u16,
    /// Characters a line.
    pub columns: u16,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this status; 0 is success.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// By force, because its time was over.
    TimedOut,
    /// It could not be started: why, and the way out.
    NotStarted(String),
}

impl Exit {
    /// Whether it ended by itself with success.
    pub fn is_success(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl std::fmt::Display for Exit {
    /// As the end of a sentence that begins with the program's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with status {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::TimedOut => f.write_str("did not end in time and was ended by force"),
            Self::NotStarted(reason) => write!(f, "could not be started: {reason}"),
        }
    }
}

/// Which way bytes of a program go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// To its standard input; none at all ends it.
    Input,
    /// From its standard output, or its terminal.
    Output,
    /// From its standard error.
    Error,
}

/// How a script or command of a node ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramSummary {
    /// The node.
    pub node: String,
    /// The key of the experiment file: `setup`, `run`, `teardown`, `host_setup`, `host_teardown`, `command`.
    pub name: String,
    /// How it ended; a command that ran until it was told to end, by that signal.
    pub exit: Exit,
    /// Whether it did what it should: a script succeeded, a command ran as long as there was traffic.
    pub good: bool,
    /// How long it ran, ns.
    pub took: u64,
}

impl fmt::Display for ProgramSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} {}", self.name, self.node, self.exit)
    }
}
