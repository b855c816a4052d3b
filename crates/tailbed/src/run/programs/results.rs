//! Results folders: each node's is fetched by its agent's frames, the host's is in the run's folder from the start.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use tailbed_format::message::{Command, Frame, Reply};
use tailbed_format::program::Program;
use tailbed_format::results::{host_results, node_results};
use tailbed_plan::plan::NodePrograms;
use tailbed_traffic::program::RESULTS;

use super::Programs;
use crate::apply::Host;
use crate::run::answers::{PATIENCE, agent};

impl Programs<'_> {
    /// Fetches the files that a node's programs have left for us.
    pub(super) fn collect(&mut self, host: &mut Host, node: &NodePrograms) -> anyhow::Result<()> {
        let in_node = node.setup.is_some() || node.run.is_some() || node.teardown.is_some() || !node.command.is_empty();
        if !in_node {
            return Ok(());
        }
        let folder = self.folder.join(node_results(&node.node));
        agent(host, &node.node)?.send(&Command::Collect)?;
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            let frame = agent(host, &node.node)?.receive(Duration::from_millis(200))?;
            let frame = frame.map(|frame| self.hear(frame)).transpose()?.flatten();
            match frame {
                None if Instant::now() > deadline => bail!("the results of {} did not come in {PATIENCE:?}", node.node),
                None => continue,
                Some(Frame::File { name, bytes }) => keep(&folder, &name, &bytes)?,
                Some(Frame::Json(body)) => match serde_json::from_slice(&body)? {
                    Reply::Collected { left_out, .. } => {
                        for what in &left_out {
                            eprintln!("note: {}: not collected: {what}", node.node);
                        }
                        return Ok(());
                    }
                    // the answer to an order that an interrupt made us not wait for
                    _ => continue,
                },
                Some(other) => return Err(anyhow!("the agent of {} sent {other:?} for its results", node.node)),
            }
            deadline = Instant::now() + PATIENCE;
        }
    }

    /// Tells a script on the host where its node and its results are.
    pub(super) fn tell_host(&self, program: &mut Program, node: &NodePrograms, host: &mut Host) -> anyhow::Result<()> {
        let folder = self.folder.join(host_results(&node.node));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        program.environment.push((RESULTS.to_owned(), folder.to_string_lossy().into_owned()));
        if let Some(init) = agent(host, &node.node)?.init() {
            program.environment.push(("TAILBED_PID".to_owned(), init.pid.to_string()));
        }
        Ok(())
    }
}

/// Adds a part to a file; its name was looked at where it came in.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(name);
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        OpenOptions::new().append(true).create(true).open(&path)?.write_all(bytes)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
