//! System containers of LXC, through its commands.
//!
//! A container has an init of its own, and the agent is attached to it. Its root file system is an overlay over one that is never written
//! to; it starts in a network namespace made before, as every other environment. All it has lies in one folder below /run, where the
//! commands are sent, so that the user's own containers are out of reach.

mod attach;
mod config;
mod hardware;
mod left;
mod source;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tailbed_plan::step::{HugePageLimit, LxcSpec};

use self::config::{Places, UPPER};

pub(crate) use self::config::SECCOMP;
use self::tools::{failed, run, succeed, tool};
use super::{Driver, FOLDER, Start, Started, folder};
use crate::apply::follower::following;
use crate::apply::process::Process;
use crate::apply::{cgroup, namespace};
use crate::probe;

impl Driver for LxcSpec {
    fn check(&self) -> anyhow::Result<()> {
        super::hardware::check(&self.hardware)?;
        source::look(&self.source)
    }

    fn provision(&self) -> anyhow::Result<()> {
        if probe::program("lxc-start").is_none() {
            bail!("lxc-start is not installed; Debian's package lxc has it");
        }
        let folder = folder(&self.id);
        fs::create_dir_all(folder.join(UPPER)).with_context(|| format!("cannot make {}", folder.display()))?;
        let base = source::base(&self.source, &folder)?;
        let path = folder.join(BASE);
        let text = serde_json::to_vec(&(&base.rootfs, &base.config))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The root file system below is shared; what the other one has written is copied. lxc-copy(1) would do the same, but only where
    /// rsync is installed.
    fn clone_from(&self, from: &str) -> anyhow::Result<()> {
        let (from, folder) = (folder(from), folder(&self.id));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut command = following("cp");
        command.arg("--archive").arg(from.join(UPPER)).arg(from.join(BASE)).arg(&folder);
        succeed(command, "cp", &folder, COPY).map(drop)
    }

    fn remove(&self) -> anyhow::Result<()> {
        // it may have been killed while a template was being made, or while it started
        left::end_all(&self.id)?;
        left::remove_locks(Path::new(FOLDER), &self.id);
        super::folder::remove(&self.id)
    }

    fn start(&self, start: &Start<'_>) -> anyhow::Result<Started> {
        let deadline = Instant::now() + Duration::from_nanos(self.boot_timeout);
        let left = || deadline.saturating_duration_since(Instant::now());
        let folder = folder(&self.id);
        configure(self, start, &folder)?;
        let mut command = tool("lxc-start", &self.id);
        // comes back once the container's init has been started, and says whether it was
        command.arg("--daemon").env(left::MARK, &self.id);
        // stopping would wait for what has not come to an end of starting
        let started = run(command, "lxc-start", &folder, left()).or_else(|error| left::end_all(&self.id).and(Err(error)))?;
        if !started.status.success() {
            let log = fs::read_to_string(folder.join(LOG)).unwrap_or_default();
            let said = left::reason(&log).unwrap_or(started.said);
            return Err(failed("lxc-start", started.status, &said));
        }
        let mut command = tool("lxc-info", &self.id);
        command.args(["--pid", "--no-humanize"]);
        let pid = succeed(command, "lxc-info", &folder, left())?;
        let init = pid.parse().with_context(|| format!("lxc-info told no process id but `{pid}`"))?;
        let init = Process::of(init);
        if self.hardware.cgroup.is_some() {
            super::hardware::count_huge_pages(&self.hardware, init.pid)?;
        }
        let agent = attach::agent(&self.id, start, left(), self.hardware.cgroup.as_deref())?;
        Ok(Started { init: Some(init), ..agent })
    }

    fn stop(&self) -> anyhow::Result<()> {
        let folder = folder(&self.id);
        if folder.join("config").exists() && probe::program("lxc-stop").is_some() {
            let mut command = tool("lxc-stop", &self.id);
            command.arg("--kill");
            // it fails when the container does not run, which is what is wanted
            run(command, "lxc-stop", &folder, STOP).ok();
        }
        left::end_all(&self.id)?;
        left::remove_groups(&self.id)
    }

    fn image_size(&self) -> Option<u64> {
        Some(super::folder::size(&base(&folder(&self.id)).ok()?.0))
    }

    fn huge_pages(&self) -> Vec<(HugePageLimit, u64)> {
        super::hardware::refused(&self.hardware, Some(&self.id))
    }

    fn out_of_memory(&self) -> Option<String> {
        // the container's group is named after it
        cgroup::out_of_memory(&self.id)
    }
}

/// What provisioning tells starting: the root file system and what its maker says of its configuration.
const BASE: &str = "base";

/// LXC's own log of the container.
const LOG: &str = "log";

/// How long copying what a container has written may take.
const COPY: Duration = Duration::from_mins(10);

/// How long stopping may take before its processes are ended one by one.
const STOP: Duration = Duration::from_secs(10);

/// The root file system that a container was provisioned with, and what its maker says of its configuration.
fn base(folder: &Path) -> anyhow::Result<(PathBuf, Vec<String>)> {
    let path = folder.join(BASE);
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

/// Writes the container's configuration.
fn configure(spec: &LxcSpec, start: &Start<'_>, folder: &Path) -> anyhow::Result<()> {
    let (rootfs, base) = base(folder)?;
    let binary = std::env::current_exe().context("cannot find this program's own file")?;
    let namespace = start.namespace.map(namespace::path);
    let console = start.logs.map(|logs| std::path::absolute(logs.join(format!("console-{}.log", start.node)))).transpose()?;
    let covers = super::hardware::covers(&spec.hardware, folder)?;
    let hardware = hardware::lines(&spec.hardware, &covers, &probe::cgroup(), folder)?;
    let places = Places {
        rootfs: &rootfs,
        folder,
        binary: &binary,
        seccomp: Some(Path::new(SECCOMP)).filter(|list| list.exists()),
        namespace: namespace.as_deref(),
        console: console.as_deref(),
        hardware: &hardware,
    };
    let path = folder.join("config");
    fs::write(&path, config::text(spec, &base, &probe::cgroup(), &places))
        .with_context(|| format!("cannot write {}", path.display()))
}
