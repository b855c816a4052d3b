//! Environments of the kind `vm`.

use anyhow::bail;
use tailbed_plan::step::VmSpec;

use super::{Driver, Start, Started};

impl Driver for VmSpec {
    fn start(&self, _start: &Start<'_>) -> anyhow::Result<Started> {
        bail!("not built yet")
    }
}
