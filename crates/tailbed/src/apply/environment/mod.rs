//! Environments: each kind makes what it needs, starts with an agent inside, ends, and is removed. One file a kind.

mod container;
mod docker;
mod folder;
mod hardware;
mod host;
mod lxc;
pub(crate) mod vm;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::Context;
use tailbed_plan::step::{AgentEnvironment, HugePageLimit};

use super::process::Process;

pub(crate) use container::run_as_shim;
pub(crate) use folder::{FOLDER, folder};
pub(crate) use lxc::SECCOMP as LXC_SECCOMP;
pub(crate) use vm::run_as_emulator;

/// What a kind of environment does. Taking back works from the specification alone, so that it can be done by another process than the
/// one that made the thing; it is no failure when there is nothing to take back, or only half of it.
pub(super) trait Driver {
    /// Whether this host has what the specification names, as far as looking tells: asked before anything is touched.
    fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Makes what the environment needs to start and what stays when it stops. When it fails, [`Self::remove`] is called.
    fn provision(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Makes the same out of another environment of this specification that runs, by that one's name on the host. Where all that the
    /// other has is shared already (an image below an overlay of its own) there is nothing to be made out of it.
    fn clone_from(&self, _from: &str) -> anyhow::Result<()> {
        self.provision()
    }

    /// Removes what [`Self::provision`] or [`Self::clone_from`] made.
    fn remove(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Starts the environment with an agent in it; comes back once its first process runs and the agent can be spoken to, not
    /// necessarily once it answers. When it fails, [`Self::stop`] is called.
    fn start(&self, start: &Start<'_>) -> anyhow::Result<Started>;

    /// Ends whatever of the environment still runs, after its agent was asked to leave and the process that stands for it is gone.
    fn stop(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Bytes on disk of what it shares with others of its specification, its image or kernel; `None` where it has none.
    fn image_size(&self) -> Option<u64> {
        None
    }

    /// What the control group, the engine or the guest's kernel says of a process in it that was killed because memory ran out; `None`
    /// when none was.
    fn out_of_memory(&self) -> Option<String> {
        None
    }

    /// The huge pages that it may have, each size with how often the control group has refused it more.
    fn huge_pages(&self) -> Vec<(HugePageLimit, u64)> {
        Vec::new()
    }

    /// Why an environment that does not answer any more may have died, where that can be known: out of memory, a kernel panic.
    fn last_words(&self) -> Option<String> {
        self.out_of_memory()
    }
}

/// What a start is told besides the specification.
pub(super) struct Start<'a> {
    /// The node.
    pub(super) node: &'a str,
    /// The network namespace by its name; `None` for the host's own. It exists, unless the environment brings its own.
    pub(super) namespace: Option<&'a str>,
    /// Where logs go; `None` when nobody keeps them.
    pub(super) logs: Option<&'a Path>,
}

impl Start<'_> {
    /// Where the agent's error output goes.
    pub(super) fn log(&self) -> Option<PathBuf> {
        self.logs.map(|folder| folder.join(format!("agent-{}.log", self.node)))
    }

    /// Opens the log for a child's standard error; without a folder that is our own.
    fn errors(&self) -> anyhow::Result<std::process::Stdio> {
        let log = self.log().map(File::create).transpose().context("cannot make the agent's log")?;
        Ok(log.map_or_else(std::process::Stdio::inherit, std::process::Stdio::from))
    }
}

/// A started environment.
pub(super) struct Started {
    /// What the agent hears.
    pub(super) input: Box<dyn Write + Send>,
    /// What it says.
    pub(super) output: Box<dyn Read + Send>,
    /// Our own child that the environment's life hangs on: the agent itself, a container's parent, the emulator; killing it ends the
    /// environment, or at least the agent.
    pub(super) child: Option<Child>,
    /// The first process of the environment as the host numbers it, where it has one: the network namespace that an environment brings
    /// is that process's.
    pub(super) init: Option<Process>,
}

/// Bytes of what was provisioned for an environment alone.
pub(super) fn own_size(environment: &AgentEnvironment) -> u64 {
    environment.id().map_or(0, |id| folder::size(&folder(id)))
}

/// Who does it.
pub(super) fn driver(environment: &AgentEnvironment) -> &dyn Driver {
    match environment {
        AgentEnvironment::Host => &host::HostProcess,
        AgentEnvironment::Container(spec) => spec,
        AgentEnvironment::Lxc(spec) => spec,
        AgentEnvironment::Docker(spec) => spec,
        AgentEnvironment::Vm(spec) => spec,
    }
}
