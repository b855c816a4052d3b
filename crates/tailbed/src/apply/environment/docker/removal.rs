//! Removing a container, also one that is yet to come.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, WaitContainerOptionsBuilder};
use futures_util::StreamExt;

use super::engine::{Engine, is_absent, plain};
use super::{PATIENCE, image};

/// Removes a container, running or not; whether there was one.
pub(super) fn remove(engine: &Engine, id: &str) -> anyhow::Result<bool> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match engine.wait(engine.docker.remove_container(id, Some(options))) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        // somebody else is removing it
        Err(error) if is_conflict(&error) && engine.wait_at_most(PATIENCE, removal_of(engine, id)).is_some() => Ok(true),
        Err(error) => Err(plain(error).context("the Docker engine does not remove the container")),
    }
}

/// Between two looks at a container that is being made.
const LOOK: Duration = Duration::from_millis(20);

/// Sees to it that no container of this name comes any more. The engine goes on with what it was asked for when the one that asked is
/// killed, and shows a container only once it is made; its name is taken once its image was found. So one of this name is made, of the empty
/// image, and removed: where that is refused, the other is on its way, and is waited for and removed. A request that the engine has not got as
/// far with is not seen.
pub(super) fn outlast_creation(engine: &Engine, id: &str) -> anyhow::Result<()> {
    let unknown = || format!("cannot find out whether a container {id} is being made");
    let image = image::find(engine, None).with_context(unknown)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let body = ContainerCreateBody { image: Some(image.clone()), cmd: Some(vec!["/none".to_owned()]), ..Default::default() };
        let options = CreateContainerOptionsBuilder::default().name(id).build();
        let refused = match engine.wait(engine.docker.create_container(Some(options), body)) {
            Ok(_) => None,
            Err(error) if is_conflict(&error) => Some(error),
            Err(error) => return Err(plain(error).context(unknown())),
        };
        if remove(engine, id)? {
            return Ok(());
        }
        if let Some(error) = refused.filter(|_| Instant::now() >= deadline) {
            bail!("the Docker engine keeps the name of the container {id}, and has none of that name: {}", plain(error));
        }
        std::thread::sleep(LOOK);
    }
}

/// Waits until a container is removed.
async fn removal_of(engine: &Engine, id: &str) {
    let options = WaitContainerOptionsBuilder::default().condition("removed").build();
    engine.docker.wait_container(id, Some(options)).for_each(|_| std::future::ready(())).await;
}

/// Whether the engine says that what is asked for cannot be as things stand.
fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 409, .. })
}
