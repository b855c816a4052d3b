//! Containers of the Docker engine, through its interface.
//!
//! The agent is the container's first process and connects to a socket in a folder that is bound into the container. The container comes
//! with a network namespace of its own, which is given a name, so that links are made into it as into any other.

mod body;
mod engine;
mod image;
mod removal;

use std::fs;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bollard::errors::Error;
use bollard::models::ContainerStateStatusEnum;
use bollard::query_parameters::{CreateContainerOptionsBuilder, LogsOptionsBuilder};
use bollard::query_parameters::{KillContainerOptions, StartContainerOptions, WaitContainerOptions};
use futures_util::future::{Either, select};
use futures_util::{StreamExt, TryStreamExt};
use tailbed_plan::step::{DockerSpec, HugePageLimit};

use self::engine::{Engine, is_absent, plain};
use super::container::device_nodes;
use super::folder::folder;
use super::{Driver, Start, Started, hardware};
use crate::apply::cgroup;
use crate::apply::process::Process;

impl Driver for DockerSpec {
    fn check(&self) -> anyhow::Result<()> {
        hardware::check(&self.hardware)
    }

    fn provision(&self) -> anyhow::Result<()> {
        let engine = Engine::connect()?;
        let folder = folder(&self.id);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let image = image::find(&engine, self.image.as_deref())?;
        let binary = std::env::current_exe().context("cannot find this program's own file")?;
        let options = CreateContainerOptionsBuilder::default().name(&self.id).build();
        let covers = hardware::covers(&self.hardware, &folder)?;
        let devices: Vec<_> = device_nodes(&self.hardware.devices)?.into_iter().map(|node| node.path).collect();
        let body = body::body(self, image, &binary, &folder, &devices, &covers);
        let asked = folder.join(ASKED);
        fs::write(&asked, "").with_context(|| format!("cannot write {}", asked.display()))?;
        let created = engine.wait(engine.docker.create_container(Some(options), body));
        if matches!(created, Ok(_) | Err(Error::DockerResponseServerError { .. })) {
            // it has answered, and makes nothing more
            fs::remove_file(&asked).with_context(|| format!("cannot remove {}", asked.display()))?;
        }
        created.map_err(plain).context("the Docker engine does not create the container")?;
        Ok(())
    }

    fn remove(&self) -> anyhow::Result<()> {
        // its folder is made before the engine is asked for anything
        if folder(&self.id).exists() {
            let engine = Engine::connect()?;
            if !removal::remove(&engine, &self.id)? && folder(&self.id).join(ASKED).exists() {
                removal::outlast_creation(&engine, &self.id)?;
            }
        }
        super::folder::remove(&self.id)
    }

    fn start(&self, _start: &Start<'_>) -> anyhow::Result<Started> {
        let deadline = Instant::now() + Duration::from_nanos(self.boot_timeout);
        let engine = Engine::connect()?;
        let socket = folder(&self.id).join(body::SOCKET);
        let listener = UnixListener::bind(&socket).with_context(|| format!("cannot listen at {}", socket.display()))?;
        let started = engine.docker.start_container(&self.id, None::<StartContainerOptions>);
        engine.wait(started).map_err(plain).context("the Docker engine does not start the container")?;
        let left = deadline.saturating_duration_since(Instant::now());
        let stream = first_connection(&engine, &self.id, listener, left)?;
        let state = engine.wait(engine.docker.inspect_container(&self.id, None)).map_err(plain)?.state.unwrap_or_default();
        let pid = state.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
        let init = Process::of(pid.context("the container has ended already")?);
        cgroup::keep_real_time_share(init.pid)?;
        hardware::count_huge_pages(&self.hardware, init.pid)?;
        let output = stream.try_clone().context("cannot open a socket twice")?;
        Ok(Started { input: Box::new(stream), output: Box::new(output), child: None, init: Some(init) })
    }

    fn stop(&self) -> anyhow::Result<()> {
        if !folder(&self.id).exists() {
            return Ok(());
        }
        let engine = Engine::connect()?;
        match engine.wait(engine.docker.kill_container(&self.id, None::<KillContainerOptions>)) {
            // 404: there is none; 409: it does not run
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => {}
            Err(error) => return Err(plain(error).context("the Docker engine does not end the container")),
        }
        if engine.wait_at_most(PATIENCE, end_of(&engine, &self.id)).is_none() {
            bail!("the container {} does not end", self.id);
        }
        // another start listens anew
        fs::remove_file(folder(&self.id).join(body::SOCKET)).ok();
        Ok(())
    }

    fn image_size(&self) -> Option<u64> {
        let engine = Engine::connect().ok()?;
        let image = engine.wait(engine.docker.inspect_container(&self.id, None)).ok()?.image?;
        u64::try_from(engine.wait(engine.docker.inspect_image(&image)).ok()?.size?).ok()
    }

    fn out_of_memory(&self) -> Option<String> {
        let engine = Engine::connect().ok()?;
        let state = engine.wait(engine.docker.inspect_container(&self.id, None)).ok()?.state?;
        // the group goes with the container, and the engine keeps what it saw of it
        let killed = state.oom_killed == Some(true);
        let group = state.pid.filter(|&pid| pid > 0).and_then(cgroup::out_of_memory_around);
        if killed { Some(cgroup::ran_out(self.memory)) } else { group }
    }

    fn huge_pages(&self) -> Vec<(HugePageLimit, u64)> {
        hardware::refused(&self.hardware, None)
    }

    fn last_words(&self) -> Option<String> {
        let engine = match Engine::connect() {
            Ok(engine) => engine,
            Err(error) => return Some(format!("{error:#}")),
        };
        engine.wait_at_most(LAST_WORDS, end_of(&engine, &self.id))?;
        let removed = || Some("the container was taken from the Docker engine: somebody has removed it".to_owned());
        let state = match engine.wait(engine.docker.inspect_container(&self.id, None)) {
            Ok(container) => container.state?,
            Err(error) if is_absent(&error) => return removed(),
            Err(_) => return None,
        };
        if state.status == Some(ContainerStateStatusEnum::REMOVING) {
            return removed();
        }
        if state.oom_killed == Some(true) {
            return Some(cgroup::ran_out(self.memory));
        }
        let status = state.exit_code.map(|status| format!("the container's first process ended with status {status}"));
        let words: Vec<_> = status.into_iter().chain(said(&engine, &self.id)).collect();
        (!words.is_empty()).then(|| words.join(": "))
    }
}

/// How long a container that was killed may take to go, or one that nobody waits for any more to come. The engine starts several programs
/// for either, and writes to its disk, which others may keep busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A file in a node's folder for as long as the engine owes an answer to the request for its container.
const ASKED: &str = "asked";

/// How long to wait for a container's end before it is asked how it came: one that goes on has nothing to say.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Waits for the agent to connect, or the container to end, at most so long.
fn first_connection(engine: &Engine, id: &str, listener: UnixListener, patience: Duration) -> anyhow::Result<UnixStream> {
    let connection = async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let accepted = std::pin::pin!(listener.accept());
        let ended = std::pin::pin!(end_of(engine, id));
        match select(accepted, ended).await {
            Either::Left((accepted, _)) => Ok(Some(accepted?.0.into_std()?)),
            Either::Right(_) => Ok::<_, io::Error>(None),
        }
    };
    let Some(connection) = engine.wait_at_most(patience, connection) else { bail!("the agent did not speak in time") };
    let Some(stream) = connection.context("cannot listen for the agent")? else {
        let words = said(engine, id).map_or(String::new(), |words| format!(": {words}"));
        bail!("the container ended before its agent spoke{words}");
    };
    stream.set_nonblocking(false).context("cannot wait on a socket")?;
    Ok(stream)
}

/// Waits until a container does not run; one that is not there does not.
async fn end_of(engine: &Engine, id: &str) {
    // how it ended does not matter here
    engine.docker.wait_container(id, None::<WaitContainerOptions>).for_each(|_| std::future::ready(())).await;
}

/// What a container's processes wrote on their standard error.
fn said(engine: &Engine, id: &str) -> Option<String> {
    let options = LogsOptionsBuilder::default().stderr(true).tail("20").build();
    let parts: Vec<_> = engine.wait(engine.docker.logs(id, Some(options)).try_collect()).ok()?;
    let text: Vec<u8> = parts.into_iter().flat_map(|part| part.into_bytes().to_vec()).collect();
    Some(String::from_utf8_lossy(&text).trim().to_owned()).filter(|text| !text.is_empty())
}
