//! Stopping in order when the user or the system asks for it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// A flag that is set by SIGINT, SIGTERM and SIGHUP. A second signal while things are being taken back changes nothing: stopping in the
/// middle of that would leave them behind.
pub(crate) fn watch() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag)).context("cannot watch for signals")?;
    }
    Ok(flag)
}
