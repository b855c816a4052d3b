//! What is said between `up`, the keeper, and those who ask it. Frames are as between orchestrator and agent
//! ([`tailbed_format::message`]); bytes of programs go in the same frames, with session 0.

use serde::{Deserialize, Serialize};
use tailbed_format::program::{Exit, Program, TerminalSize};
use tailbed_plan::plan::Run;

use crate::apply::Interface;

/// From `up` to the keeper it starts: everything it needs, so that it plans nothing itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    /// The experiment's name.
    pub(super) name: String,
    /// Its file.
    pub(super) file: String,
    /// The campaign's token.
    pub(super) token: String,
    /// What is brought up.
    pub(super) run: Run,
    /// It can only be made inside a user namespace.
    pub(super) user_namespace: bool,
}

/// From the keeper to `up`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Progress {
    /// So many steps of so many are done; what comes next.
    Step {
        /// Done.
        done: usize,
        /// All.
        all: usize,
        /// What comes next, a few words.
        next: String,
    },
    /// Everything is up.
    Up {
        /// What was asked for and not granted.
        downgrades: Vec<String>,
    },
    /// It failed; everything is taken back, or the text names what is left.
    Failed {
        /// The exit code.
        code: u8,
        /// The reason.
        text: String,
    },
}

/// From a command to the keeper, first thing on its connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// What is there? Answered by [`Answer::Listing`].
    List,
    /// Run a program in a node. Input, [`Ask`]s and output follow, then [`Answer::Exited`].
    Execute {
        /// The node.
        node: String,
        /// The program.
        program: Program,
    },
    /// The console of a virtual machine. Input and output follow, until either side has had enough.
    Console {
        /// The node.
        node: String,
    },
    /// Take everything down. Answered by [`Answer::Down`], and the end of the connection when the keeper is gone.
    Down,
}

/// From a command to the keeper while a program runs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// The terminal has another size now.
    Resize(TerminalSize),
    /// Send a signal to the program.
    Signal(i32),
}

/// From the keeper to a command.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// What is there.
    Listing(Listing),
    /// The program has ended, and all it printed was sent.
    Exited(Exit),
    /// The lab is down.
    Down {
        /// Steps taken back.
        taken_back: usize,
        /// What could not be taken back, each a sentence.
        left: Vec<String>,
        /// What went wrong with the nodes' own scripts and commands before that.
        failed: Option<String>,
    },
    /// It cannot be done: why, and the way out.
    Refused(String),
}

/// A lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Listing {
    /// The experiment's name.
    pub(super) name: String,
    /// The run whose environments are up.
    pub(super) run: String,
    /// The keeper's process id.
    pub(super) keeper: u32,
    /// Nodes in the order of the file; the generator comes last.
    pub(super) nodes: Vec<ListedNode>,
    /// What went wrong since it is up, each a sentence.
    pub(super) troubles: Vec<String>,
}

/// A node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ListedNode {
    /// Its name.
    pub(super) node: String,
    /// The kind of its environment.
    pub(super) environment: String,
    /// What its environment is called on the host; a process of the host has no name.
    pub(super) id: Option<String>,
    /// How it is.
    pub(super) state: State,
    /// Its interfaces; in a virtual machine those it was given.
    pub(super) interfaces: Vec<Interface>,
    /// The first process of its environment, as the host numbers it.
    pub(super) pid: Option<i32>,
    /// Cores its work is pinned to, in the host's numbering; empty when it is not.
    pub(super) cores: Vec<usize>,
    /// Memory it takes at present, bytes.
    pub(super) memory: Option<u64>,
}

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Its agent answers.
    Running,
    /// Its agent answers, but packets do not pass: why.
    NotForwarding(String),
    /// Its agent is gone: why.
    Dead(String),
}
