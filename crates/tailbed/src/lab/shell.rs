//! `tailbed shell`.

use tailbed_format::program::Exit;

use super::exec::{execute, status};
use super::terminal::Terminal;
use crate::failure::Failure;

/// Shells, in the order they are tried.
const SHELLS: [&[&str]; 2] = [&["/bin/sh"], &["busybox", "sh"]];

/// Opens a shell in a node at our own terminal.
pub(crate) fn shell(node: &str) -> Result<(), Failure> {
    if !Terminal::is_there() {
        let text = format!("error: a shell needs a terminal, and standard input is none; use `tailbed exec {node} -- sh`");
        return Err(Failure::File(text));
    }
    let mut reasons = Vec::new();
    for shell in SHELLS {
        let command = shell.iter().map(|&word| word.to_owned()).collect();
        let prompt = vec![("PS1".to_owned(), format!("{node}# "))];
        match execute(node, command, prompt, true)? {
            Exit::NotStarted(reason) => reasons.push(format!("{}: {reason}", shell.join(" "))),
            exit => return status(&exit),
        }
    }
    Err(anyhow::anyhow!(
        "error: there is no shell in {node} ({}); give the node an image that has one, or run its programs by `tailbed exec {node} -- …`",
        reasons.join("; ")
    )
    .into())
}
