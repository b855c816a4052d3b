//! Containers by the OCI runtime specification, run by libcontainer in a process of their own.
//!
//! libcontainer forks, which a threaded process must not; so this binary starts itself again as a shim that holds nothing but one
//! container: it makes its mounts in a mount namespace of its own, creates the container, starts it, waits for it. The container's standard
//! input and output are the shim's, so the agent inside is spoken to as any other; the first line, though, is the shim's.

mod bundle;
mod capabilities;
mod configuration;
mod devices;
mod huge_pages;
mod identity;
mod limits;
mod masks;
mod order;
mod pci;
mod profile;
mod root;
mod shim;

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, anyhow};

use tailbed_plan::step::{ContainerSpec, HugePageLimit};

use super::host::{myself, spawn};
use super::{Driver, Start, Started, folder};
use crate::apply::cgroup;
use crate::apply::process::Process;
use crate::image;

use self::bundle::Bundle;
use self::order::Order;

pub(super) use devices::{ALWAYS, named as device_nodes};
pub(super) use masks::pci as masked_pci;
pub(crate) use shim::run_as_shim;

impl Driver for ContainerSpec {
    fn check(&self) -> anyhow::Result<()> {
        self.image.as_deref().map_or(Ok(()), |image| image::look(Path::new(image)))?;
        // without root, what may be given is known only inside the user namespace that the run moves into
        if rustix::process::geteuid().is_root() { order::check(self) } else { Ok(()) }
    }

    fn provision(&self) -> anyhow::Result<()> {
        order::check(self)?;
        let image = self.image.as_deref().map(order::unpack).transpose()?;
        Bundle::of(&self.id).make(image.as_ref())
    }

    fn remove(&self) -> anyhow::Result<()> {
        // nothing is mounted in its folder here: all mounts are the shim's and the container's own
        fs::remove_dir(Bundle::of(&self.id).private_root()).ok();
        folder::remove(&self.id)
    }

    fn start(&self, start: &Start<'_>) -> anyhow::Result<Started> {
        if self.cgroup.is_some() {
            cgroup::get_ready_for_change();
        }
        let bundle = Bundle::of(&self.id);
        bundle.forget_last_start()?;
        Order::of(self, start.namespace, &bundle)?.write(&bundle)?;
        let mut command = myself();
        command.arg("container").arg("--id").arg(&self.id);
        let mut started = spawn(command, start)?;
        match first_line(&mut *started.output).and_then(|line| init(&line)) {
            Ok(init) => Ok(Started { init: Some(init), ..started }),
            Err(error) => {
                if let Some(mut child) = started.child.take() {
                    child.kill().ok();
                    child.wait().context("cannot wait for the container's parent")?;
                }
                Err(error)
            }
        }
    }

    fn stop(&self) -> anyhow::Result<()> {
        let bundle = Bundle::of(&self.id);
        if let Some(Process { pid, started }) = bundle.init().filter(|init| init.started.is_some()) {
            crate::apply::process::end(pid, started)?;
        }
        bundle.forget_last_start()
    }

    fn image_size(&self) -> Option<u64> {
        let image = Bundle::of(&self.id).image().ok()??;
        Some(folder::size(&image.rootfs))
    }

    fn out_of_memory(&self) -> Option<String> {
        self.cgroup.as_deref().and_then(cgroup::out_of_memory)
    }

    fn huge_pages(&self) -> Vec<(HugePageLimit, u64)> {
        let refused = |limit| self.cgroup.as_deref().map_or(0, |path| cgroup::huge_pages_refused(path, limit));
        self.hugepages.iter().map(|limit| (*limit, refused(limit))).collect()
    }
}

/// Reads the shim's line and not a byte more: what follows is the agent's.
fn first_line(output: &mut dyn Read) -> anyhow::Result<String> {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        match output.read(&mut byte) {
            Ok(0) => return Err(anyhow!("the container's parent went away without a word; its log may tell why")),
            Ok(_) if byte[0] == b'\n' => return Ok(String::from_utf8_lossy(&line).into_owned()),
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("cannot hear the container's parent"),
        }
    }
}

/// The line is the process id of the container's first process, or why there is none.
fn init(line: &str) -> anyhow::Result<Process> {
    line.parse().map(Process::of).map_err(|_| anyhow!("{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_taken_and_the_agents_bytes_are_left() {
        let mut output = b"4711\n\x05\0".as_slice();
        assert_eq!(first_line(&mut output).unwrap(), "4711");
        assert_eq!(output, [5, 0]);
        assert!(first_line(&mut b"".as_slice()).is_err());
        let said = init("cannot mount the image").unwrap_err().to_string();
        assert_eq!(said, "cannot mount the image");
    }
}
