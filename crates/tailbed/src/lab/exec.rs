//! `tailbed exec`.

use tailbed_format::program::{Exit, Program};

use super::attached::{Attachment, attach};
use super::client;
use super::protocol::{Answer, Request};
use super::terminal;
use crate::failure::Failure;

/// The exit status of a program that could not be started, as shells have it.
const NOT_STARTED: u8 = 127;

/// Runs a program in a node; its exit status becomes ours.
pub(crate) fn exec(node: &str, command: Vec<String>, terminal: bool) -> Result<(), Failure> {
    let name = command.first().cloned().unwrap_or_default();
    match execute(node, command, Vec::new(), terminal)? {
        Exit::NotStarted(reason) => {
            eprintln!("error: {name} could not be started in {node}: {reason}");
            Err(Failure::Program(NOT_STARTED))
        }
        exit => status(&exit),
    }
}

/// Runs a program in a node, attached to our own input and outputs.
pub(super) fn execute(
    node: &str,
    command: Vec<String>,
    mut environment: Vec<(String, String)>,
    terminal: bool,
) -> Result<Exit, Failure> {
    if terminal {
        environment.extend(std::env::var("TERM").ok().map(|kind| ("TERM".to_owned(), kind)));
    }
    let size = terminal.then(terminal::size);
    let program = Program { command, script: None, environment, timeout: None, terminal: size, cpus: Vec::new() };
    let stream = client::ask(&Request::Execute { node: node.to_owned(), program })?;
    match attach(&stream, Attachment { terminal, escape: None })? {
        Some(Answer::Exited(exit)) => Ok(exit),
        Some(Answer::Refused(reason)) => Err(anyhow::anyhow!("error: {reason}").into()),
        _ => Err(client::unexpected()),
    }
}

/// A program's end as our own exit status, signals as shells have them.
pub(super) fn status(exit: &Exit) -> Result<(), Failure> {
    match exit {
        Exit::Code(0) => Ok(()),
        Exit::Code(code) => Err(Failure::Program(u8::try_from(code & 0xff).unwrap_or(1))),
        Exit::Signal(signal) => Err(Failure::Program(u8::try_from(128 + signal).unwrap_or(1))),
        Exit::TimedOut | Exit::NotStarted(_) => Err(Failure::Program(NOT_STARTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_end_is_ours() {
        let code = |exit| status(&exit).map_err(|failure| failure.exit_code());
        assert_eq!(code(Exit::Code(0)), Ok(()));
        assert_eq!(code(Exit::Code(7)), Err(7));
        assert_eq!(code(Exit::Signal(9)), Err(137));
        assert_eq!(code(Exit::NotStarted("no".to_owned())), Err(127));
    }
}
