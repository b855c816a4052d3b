//! A node's scripts and its command.

use tailbed_format::unit::Time;

use crate::experiment;
use crate::plan::ScriptSource;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// What runs in a node, and on the host for it, besides its agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scripts {
    pub(crate) setup: Option<ScriptSource>,
    pub(crate) run: Option<ScriptSource>,
    pub(crate) teardown: Option<ScriptSource>,
    pub(crate) host_setup: Option<ScriptSource>,
    pub(crate) host_teardown: Option<ScriptSource>,
    /// In place of a network function; empty when the agent forwards.
    pub(crate) command: Vec<String>,
    /// What the command prints once it forwards.
    pub(crate) ready: Option<String>,
    /// ns.
    pub(crate) timeout: u64,
}

impl Scripts {
    /// Whether there is anything to run.
    pub(crate) fn any(&self) -> bool {
        let scripts = [&self.setup, &self.run, &self.teardown, &self.host_setup, &self.host_teardown];
        !self.command.is_empty() || scripts.iter().any(|script| script.is_some())
    }
}

/// Reads a node's scripts; `folder` is that of the experiment file.
pub(super) fn of_node(name: &str, node: &experiment::Node, folder: &str, tree: &Table<'_>) -> Result<Scripts, Fault> {
    let source = |key: &str, text: &Option<String>| match text.as_deref() {
        None => Ok(None),
        Some(text) if text.trim().is_empty() => Err(Fault::file(format!("`{key}` of node `{name}` is empty"))
            .at(tree::span(tree, &["nodes", name, key]), "no script")
            .help("give the path of a script, or its text with `#!` at the beginning")),
        Some(text) if text.starts_with("#!") => Ok(Some(ScriptSource::Text(text.to_owned()))),
        Some(path) => Ok(Some(ScriptSource::File(super::environment::beside(folder, path)))),
    };
    if node.script_timeout == Time(0) {
        return Err(Fault::file(format!("the scripts of node `{name}` have no time at all"))
            .at(tree::span(tree, &["nodes", name, "script_timeout"]), "too short")
            .help("write it like script_timeout = \"60s\""));
    }
    if node.command.first().is_some_and(String::is_empty) {
        return Err(Fault::file(format!("the command of node `{name}` has no program"))
            .at(tree::span(tree, &["nodes", name, "command"]), "the first entry is empty")
            .help("write it like command = [\"dpdk-testpmd\", \"--no-pci\"]"));
    }
    if node.ready.is_some() && tree::get(tree, &["nodes", name, "command"]).is_none() {
        return Err(Fault::file(format!("node `{name}` has no command that could be ready"))
            .at(tree::span(tree, &["nodes", name, "ready"]), "of what?")
            .help("leave `ready` out, or add command = [\"dpdk-testpmd\", \"--no-pci\"]"));
    }
    if node.ready.as_ref().is_some_and(|text| text.is_empty() || text.contains('\n')) {
        return Err(Fault::file(format!("`ready` of node `{name}` is not a part of one line"))
            .at(tree::span(tree, &["nodes", name, "ready"]), "wanted is what the command prints once it forwards")
            .help("write it like ready = \"Press enter to exit\""));
    }
    Ok(Scripts {
        setup: source("setup", &node.setup)?,
        run: source("run", &node.run)?,
        teardown: source("teardown", &node.teardown)?,
        host_setup: source("host_setup", &node.host_setup)?,
        host_teardown: source("host_teardown", &node.host_teardown)?,
        command: node.command.clone(),
        ready: node.ready.clone(),
        timeout: node.script_timeout.0,
    })
}
