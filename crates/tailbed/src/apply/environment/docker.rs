//! Environments of the kind `docker`.

use anyhow::bail;
use tailbed_plan::step::DockerSpec;

use super::{Driver, Start, Started};

impl Driver for DockerSpec {
    fn start(&self, _start: &Start<'_>) -> anyhow::Result<Started> {
        bail!("not built yet")
    }
}
