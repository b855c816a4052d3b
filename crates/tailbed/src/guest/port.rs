//! The virtio serial port to the host (virtio 1.2, section 5.3), found by its name.

use std::fs::{self, File};

use anyhow::Context;

use super::wait_for;

/// The port's name.
pub(crate) const NAME: &str = "tailbed";

/// Where the kernel tells the names of ports (`name` in drivers/char/virtio_console.c).
const FOLDER: &str = "/sys/class/virtio-ports";

/// Opens it, once it is there.
pub(super) fn open() -> anyhow::Result<File> {
    let missing = || {
        format!(
            "there is no virtio port named {NAME}: the kernel lacks virtio_console or the bus it is on, or this is no guest of tailbed's"
        )
    };
    let device = wait_for(|| Ok(find()), missing)?;
    let path = format!("/dev/{device}");
    let open = || match File::options().read(true).write(true).open(&path) {
        Ok(port) => Ok(Some(port)),
        // the name appears before the node
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot open the port to the host {path}")),
    };
    wait_for(open, || format!("the port to the host has no node {path}"))
}

fn find() -> Option<String> {
    let ports = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let named = ports.filter(|port| fs::read_to_string(port.path().join("name")).is_ok_and(|name| name.trim() == NAME));
    named.map(|port| port.file_name().to_string_lossy().into_owned()).next()
}
