//! `tailbed console`.

use std::process::Command;

use anyhow::Context;

use super::attached::{Attachment, attach};
use super::client;
use super::protocol::{Answer, Request};
use super::terminal::Terminal;
use crate::apply::FOLDER;
use crate::failure::Failure;

/// Ctrl-], as in telnet(1) and virsh(1).
const ESCAPE: u8 = 0x1d;

/// Opens the console of a node at our own terminal.
pub(crate) fn console(node: &str) -> Result<(), Failure> {
    let listing = client::list()?;
    let Some(listed) = listing.nodes.iter().find(|listed| listed.node == node) else {
        let names: Vec<_> = listing.nodes.iter().map(|listed| listed.node.as_str()).collect();
        let text = format!("error: there is no node `{node}` in this lab; there are {}", names.join(", "));
        return Err(Failure::File(text));
    };
    match (listed.environment.as_str(), &listed.id) {
        ("vm", _) => at_machine(node),
        ("lxc", Some(id)) => at_container(id),
        (kind, _) => Err(Failure::File(format!(
            "error: {node} is a {kind} node, which has no console of its own; use `tailbed shell {node}`"
        ))),
    }
}

fn at_machine(node: &str) -> Result<(), Failure> {
    if !Terminal::is_there() {
        return Err(Failure::File("error: a console needs a terminal, and standard input is none".to_owned()));
    }
    let stream = client::ask(&Request::Console { node: node.to_owned() })?;
    eprintln!("at the console of {node}; Ctrl-] leaves it");
    match attach(&stream, Attachment { terminal: true, escape: Some(ESCAPE) })? {
        None => {
            eprintln!();
            Ok(())
        }
        Some(Answer::Refused(reason)) => Err(anyhow::anyhow!("error: {reason}").into()),
        Some(_) => Err(client::unexpected()),
    }
}

/// LXC has a command of its own for it.
fn at_container(id: &str) -> Result<(), Failure> {
    let status = Command::new("lxc-console")
        .args(["-P", FOLDER, "-n", id])
        .status()
        .context("cannot start lxc-console, which opens the console of a system container")?;
    if status.success() { Ok(()) } else { Err(anyhow::anyhow!("lxc-console {status}").into()) }
}
