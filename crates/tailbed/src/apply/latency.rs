//! How soon processors must be awake: a request that lasts as long as its file is open.

use std::fs::File;
use std::io::{Read, Write};

use anyhow::Context;

use super::NotHeld;

/// The file that takes requests (Documentation/power/pm_qos_interface.rst).
pub(super) const FILE: &str = "/dev/cpu_dma_latency";

/// Makes the request; it ends when the file is closed.
pub(super) fn hold(knob: &str, microseconds: u32) -> anyhow::Result<File> {
    let wanted = format!("{microseconds} µs");
    let refused = |error: std::io::Error| NotHeld::because(knob, FILE, &wanted, &error);
    let mut file = File::options().read(true).write(true).open(FILE).map_err(refused)?;
    let value = i32::try_from(microseconds).context("the kernel takes 31 bits of microseconds")?;
    file.write_all(&value.to_ne_bytes()).map_err(refused)?;
    let now = read()?;
    if now > value {
        return Err(NotHeld::of(knob, FILE, &wanted, &format!("{now} µs")).into());
    }
    Ok(file)
}

/// The least of all requests, µs.
pub(super) fn read() -> anyhow::Result<i32> {
    let mut bytes = [0; 4];
    let read = File::open(FILE).and_then(|mut file| file.read_exact(&mut bytes));
    read.with_context(|| format!("cannot read {FILE}"))?;
    Ok(i32::from_ne_bytes(bytes))
}
