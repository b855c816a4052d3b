//! The program's life in a virtual machine.
//!
//! As the guest's first process it brings the kernel up far enough for an agent, starts itself again as that, and takes care of the
//! processes that lose their parent. In a guest that boots a system of its own only the second half runs.

mod interfaces;
mod modules;
mod mounts;
mod port;
mod root;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use rustix::process::{WaitOptions, wait};
use rustix::system::{RebootCommand, reboot};

pub(crate) use modules::FOLDER as MODULES;
pub(crate) use port::NAME as PORT;
pub(crate) use root::SERIAL as ROOT_DISK;

/// Whether this process is the first of a guest that we gave its initial RAM file system; a container's first is called otherwise.
pub(crate) fn is_first() -> bool {
    std::process::id() == 1 && std::env::args_os().next().is_some_and(|name| name == "/init")
}

/// The life of a guest's first process. The guest ends with it.
pub(crate) fn run_as_first() -> ! {
    if let Err(error) = first() {
        eprintln!("tailbed: {error:#}");
    }
    power_off();
    // the kernel has refused to end the guest: to leave now would make it panic, which ends it as well
    std::process::exit(1)
}

fn first() -> anyhow::Result<()> {
    mounts::mount_all()?;
    modules::load_all()?;
    // of all that the kernel's command line leaves over, only what follows our own word is for the agent
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (before, arguments) = words.split_at(words.iter().position(|word| word == "guest").unwrap_or(words.len()));
    if before.iter().any(|word| word == ROOT_DISK) {
        root::switch()?;
    }
    let mut command = Command::new("/proc/self/exe");
    command
        .args(arguments)
        .arg0("tailbed")
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/");
    let agent = command.spawn().context("cannot start the agent")?;
    let agent = i32::try_from(agent.id()).unwrap_or(0);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_pid() == agent => match status.terminating_signal() {
                Some(signal) => bail!("the agent was ended by signal {signal}"),
                // it has said itself why, if there was something to say
                None => return Ok(()),
            },
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the agent"),
        }
    }
}

/// The life of a guest's agent. When it has come to speak to the host, the guest ends with it: what a guest has written is not kept.
/// The host finds errors on the console by the word they begin with.
pub(crate) fn run_as_guest(interfaces: &[String]) -> anyhow::Result<()> {
    speak(interfaces).map_err(|error| anyhow!("tailbed: {error:#}"))
}

fn speak(interfaces: &[String]) -> anyhow::Result<()> {
    let port = port::open()?;
    let input = port.try_clone().context("cannot share the port to the host")?;
    interfaces::set_up(interfaces)?;
    let agent = tailbed_traffic::agent::agent(input, port);
    if let Err(error) = &agent {
        eprintln!("tailbed: {error}");
    }
    power_off();
    Ok(agent?)
}

fn power_off() {
    rustix::fs::sync();
    if let Err(error) = reboot(RebootCommand::PowerOff) {
        eprintln!("tailbed: cannot end the guest: {error}");
    }
}

/// How long the kernel may take to find the devices it has drivers for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until something is there: devices appear some time after their driver.
fn wait_for<T>(mut there: impl FnMut() -> anyhow::Result<Option<T>>, missing: impl FnOnce() -> String) -> anyhow::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = there()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!(missing());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
