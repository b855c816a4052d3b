//! Environments of the kind `lxc`.

use anyhow::bail;
use tailbed_plan::step::LxcSpec;

use super::{Driver, Start, Started};

impl Driver for LxcSpec {
    fn start(&self, _start: &Start<'_>) -> anyhow::Result<Started> {
        bail!("not built yet")
    }
}
