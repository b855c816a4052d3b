//! Speaking with the engine, over its socket.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::runtime::Runtime;

use crate::probe::docker_socket;

/// How long the engine may take over one request that does not wait for anything, seconds.
const PATIENCE: u64 = 120;

/// A conversation with the engine; each request is waited for, on this thread.
pub(super) struct Engine {
    pub(super) docker: Docker,
    runtime: Runtime,
}

impl Engine {
    /// Connects to the engine and finds a version of its interface that both sides know.
    pub(super) fn connect() -> anyhow::Result<Self> {
        let socket = docker_socket().map_err(|missing| anyhow!("{}; {}", missing.reason, missing.way_out))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        let docker = runtime.block_on(hello(&socket)).with_context(|| {
            format!("the Docker engine does not answer at {}; is it running? systemctl start docker", socket.display())
        })?;
        Ok(Self { docker, runtime })
    }

    /// Waits for an answer.
    pub(super) fn wait<T>(&self, request: impl Future<Output = T>) -> T {
        self.runtime.block_on(request)
    }

    /// Waits for an answer, at most so long.
    pub(super) fn wait_at_most<T>(&self, patience: Duration, request: impl Future<Output = T>) -> Option<T> {
        self.runtime.block_on(async { tokio::time::timeout(patience, request).await.ok() })
    }
}

async fn hello(socket: &Path) -> anyhow::Result<Docker> {
    let path = socket.to_str().context("the path of the engine's socket is no text")?;
    let docker = Docker::connect_with_unix(path, PATIENCE, API_DEFAULT_VERSION).map_err(plain)?;
    docker.negotiate_version().await.map_err(plain)
}

/// An error in the engine's own words.
pub(super) fn plain(error: Error) -> anyhow::Error {
    match error {
        Error::DockerResponseServerError { message, .. } => anyhow!("{}", message.trim()),
        other => anyhow!(other),
    }
}

/// Whether the engine says that there is no such thing.
pub(super) fn is_absent(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}
