//! Why the program ends without success, and the exit code that says so.

use std::fmt;

/// Ends the program; the text is complete and ready to print.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The file or the command line is wrong; nothing was touched.
    File(String),
    /// This host cannot do what is asked; nothing was touched.
    Host(String),
    /// Something failed on the way; all was taken back, or the text names what is left.
    Failed(anyhow::Error),
    /// What was asked after was found wanting; nothing was touched.
    Gate(String),
    /// The user stopped it; all was taken back.
    Interrupted(String),
    /// A program in a node ended with this status, and has said itself what there was to say.
    Program(u8),
}

impl Failure {
    /// Exit code: 2 and 3 promise that nothing was touched; 130 is the shell's own for SIGINT (128 + 2).
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::File(_) => 2,
            Self::Host(_) => 3,
            Self::Gate(_) => 4,
            Self::Interrupted(_) => 130,
            Self::Program(status) => *status,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(text) | Self::Host(text) | Self::Gate(text) | Self::Interrupted(text) => f.write_str(text),
            Self::Program(status) => write!(f, "the program ended with status {status}"),
            Self::Failed(error) => write!(f, "{error:#}"),
        }
    }
}

/// What was asked for by name cannot be had on this host: trying again would change nothing, and nothing else takes its place.
#[derive(Debug)]
pub(crate) struct Refusal(String);

impl Refusal {
    /// With what is said, a sentence without its full stop.
    pub(crate) fn new(said: String) -> Self {
        Self(said)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}
