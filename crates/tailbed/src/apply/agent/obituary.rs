//! What is said of agents that have gone or never spoke: how they ended, and why, where anybody knows.

use std::io;
use std::time::Duration;

use anyhow::anyhow;
use tailbed_plan::step::AgentEnvironment;

use super::{Agent, patience};
use crate::apply::environment::driver;
use crate::apply::process::{self, Process};

impl Agent {
    /// What to say of an agent whose words, given away, have ended.
    pub(crate) fn obituary(&mut self) -> String {
        self.gone(&io::Error::from(io::ErrorKind::UnexpectedEof)).to_string()
    }

    /// What to say of an agent that does not answer any more: its own last words, where it left some.
    pub(super) fn gone(&mut self, error: &io::Error) -> anyhow::Error {
        let words = self.log.as_ref().and_then(|log| std::fs::read_to_string(log).ok()).unwrap_or_default();
        let words = words.trim();
        let status = self.child.as_mut().and_then(|child| {
            // whoever has nothing to say any more is about to end
            process::wait(i32::try_from(child.id()).ok()?, PARTING).ok()?;
            child.try_wait().ok().flatten()
        });
        let status = status.map_or_else(String::new, |status| format!(" ({}{status})", whose(&self.environment)));
        let known = driver(&self.environment).last_words();
        // of a system container, whose agent is not the first process
        let ended = matches!(self.environment, AgentEnvironment::Lxc(_)) && self.init.as_ref().is_some_and(Process::is_ending);
        let init = ended.then_some("the container's init has ended, and all that ran in the container with it");
        let words: Vec<&str> = known.as_deref().into_iter().chain(init).chain((!words.is_empty()).then_some(words)).collect();
        let Self { node, .. } = self;
        match words.as_slice() {
            [] if status.is_empty() => anyhow!("the agent of {node} is gone: {error}"),
            [] => anyhow!("the agent of {node} is gone{status}"),
            words => anyhow!("the agent of {node} is gone{status}: {}", words.join("; ")),
        }
    }

    /// What to say of an agent whose first word has not come in time.
    pub(crate) fn silent(&self) -> anyhow::Error {
        let patience = patience(&self.environment);
        let known = driver(&self.environment).last_words().map_or_else(String::new, |words| format!(": {words}"));
        match self.environment {
            AgentEnvironment::Host | AgentEnvironment::Container(_) => {
                anyhow!("the agent of {} has not said a word in {patience:?}{known}", self.node)
            }
            _ => anyhow!(
                "{} has not come up within its boot_timeout of {patience:?}: its agent has not said a word{known}",
                self.node
            ),
        }
    }
}

/// How long the process that an agent hangs on may take to end after it, before nobody waits to hear how.
const PARTING: Duration = Duration::from_secs(1);

/// Whose exit status is known of an agent that is gone, where it is not the agent's own.
fn whose(environment: &AgentEnvironment) -> &'static str {
    match environment {
        AgentEnvironment::Host | AgentEnvironment::Docker(_) => "",
        AgentEnvironment::Container(_) => "the container's parent: ",
        AgentEnvironment::Lxc(_) => "lxc-attach: ",
        AgentEnvironment::Vm(_) => "the emulator: ",
    }
}
