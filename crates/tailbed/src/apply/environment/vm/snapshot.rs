//! A virtual machine made out of another that runs: the other one's state, written as for a migration (QEMU, docs/devel/migration.rst),
//! is what this one starts from.

use std::fs;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::bundle::Bundle;
use super::qmp::{Monitor, PATIENCE};

/// Bytes a second that the state may be written with: no limit, for the machine stands still meanwhile.
const BANDWIDTH: u64 = 1 << 40;

/// Puts the state of a running machine into the folder of another, which is made.
pub(super) fn take(from: &Bundle, to: &Bundle) -> anyhow::Result<()> {
    to.make()?;
    // QEMU reads it again, though the state holds it too
    let initramfs = to.initramfs();
    fs::hard_link(from.initramfs(), &initramfs).with_context(|| format!("cannot make {}", initramfs.display()))?;
    let socket = from.monitor_socket();
    let monitor = UnixStream::connect(&socket).with_context(|| format!("no monitor listens at {}", socket.display()))?;
    let mut monitor = Monitor::greet(monitor)?;
    tell_of_migration(&mut monitor)?;
    monitor.execute_with("migrate-set-parameters", &json!({ "max-bandwidth": BANDWIDTH }))?;
    monitor.execute("stop")?;
    let uri = format!("exec:cat > {}", to.state().display());
    let written = monitor.execute_with("migrate", &json!({ "uri": uri })).and_then(|_| ended(&mut monitor));
    finalized(&mut monitor)?;
    // whatever came of it, the other one goes on
    monitor.execute("cont").map(drop).and(written).context("the state of the running machine cannot be written")
}

/// Reads the state that a machine goes on from; one that was started to wait for it.
pub(super) fn restore(monitor: &mut Monitor, bundle: &Bundle) -> anyhow::Result<()> {
    tell_of_migration(monitor)?;
    let uri = format!("exec:cat {}", bundle.state().display());
    let read = monitor.execute_with("migrate-incoming", &json!({ "uri": uri })).and_then(|_| ended(monitor));
    read.context("the state it was to go on from cannot be read")
}

/// Has the monitor tell how a migration goes.
fn tell_of_migration(monitor: &mut Monitor) -> anyhow::Result<()> {
    let events = json!({ "capabilities": [{ "capability": "events", "state": true }] });
    monitor.execute_with("migrate-set-capabilities", &events).map(drop)
}

/// Waits until the machine can go on: its migration is told to be over some moments before it is put away (`migration_completion` and
/// `migration_iteration_finish` in migration/migration.c), and no event tells of that.
fn finalized(monitor: &mut Monitor) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while monitor.execute("query-status")?.get("status").and_then(Value::as_str) == Some("finish-migrate") {
        if Instant::now() > deadline {
            bail!("the migration that writes its state is not finalized after {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Waits until it has ended.
fn ended(monitor: &mut Monitor) -> anyhow::Result<()> {
    let ended = |data: &Value| {
        let status = data.get("status")?.as_str()?;
        matches!(status, "completed" | "failed" | "cancelled").then(|| status == "completed")
    };
    if monitor.await_event("MIGRATION", ended)? {
        return Ok(());
    }
    let told = monitor.execute("query-migrate")?;
    bail!("{}", told.get("error-desc").and_then(Value::as_str).unwrap_or("no reason given"))
}
