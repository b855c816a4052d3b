//! Containers by the OCI runtime specification, run by libcontainer in a process of their own.
//!
//! libcontainer forks, which a threaded process must not; so this binary starts itself again as a shim that holds nothing but one
//! container: it creates it, starts it, waits for it, deletes it. The container's standard input and output are the shim's, so the agent
//! inside is spoken to as any other. The root file system holds mount points and this binary, and is read-only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use rustix::process::{Pid, WaitOptions, waitpid};
use serde_json::{Value, json};

use tailbed_plan::step::ContainerSpec;

use super::host::{myself, spawn};
use super::{Driver, Start, Started};
use crate::apply::{cgroup, namespace, process};
use crate::user_namespace;

impl Driver for ContainerSpec {
    fn provision(&self) -> anyhow::Result<()> {
        make_bundle(&self.id).map(drop)
    }

    fn remove(&self) -> anyhow::Result<()> {
        remove_bundle(&self.id)
    }

    fn start(&self, start: &Start<'_>) -> anyhow::Result<Started> {
        let binary = std::env::current_exe().context("cannot find this program's own file")?;
        let bundle = Path::new(FOLDER).join(&self.id);
        let configuration = configuration(&self.id, &binary, start.namespace, self.cgroup.as_deref());
        let path = bundle.join("config.json");
        fs::write(&path, serde_json::to_vec_pretty(&configuration)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = myself();
        command.arg("container").arg("--bundle").arg(bundle).arg("--id").arg(&self.id);
        if self.cgroup.is_some() {
            command.arg("--control-groups");
        }
        spawn(command, start)
    }
}

/// Where bundles live: memory-backed and gone with the boot (file-hierarchy(7)).
const FOLDER: &str = "/run/tailbed";

/// What the agent inside needs: packet sockets, real-time priority, locked memory (capabilities(7)). Everything else is dropped.
const CAPABILITIES: [&str; 3] = ["CAP_NET_RAW", "CAP_SYS_NICE", "CAP_IPC_LOCK"];

/// Makes the bundle: root file system and a place for the runtime's state.
fn make_bundle(id: &str) -> anyhow::Result<PathBuf> {
    let bundle = Path::new(FOLDER).join(id);
    let root = bundle.join("rootfs");
    for folder in ["proc", "dev", "sys", "tmp"] {
        fs::create_dir_all(root.join(folder)).with_context(|| format!("cannot make {}", root.display()))?;
    }
    fs::create_dir_all(bundle.join("state"))?;
    fs::write(root.join("tailbed"), b"")?;
    Ok(bundle)
}

/// Removes the bundle. Nothing is mounted in it in this mount namespace: all mounts are the container's own.
fn remove_bundle(id: &str) -> anyhow::Result<()> {
    let bundle = Path::new(FOLDER).join(id);
    match fs::remove_dir_all(&bundle) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", bundle.display()));
        }
        _ => {}
    }
    fs::remove_dir(private_root(&bundle)).ok();
    // the last one takes the folder with it
    fs::remove_dir(FOLDER).ok();
    Ok(())
}

/// Where a container without control groups gets a root of its own to start from.
fn private_root(bundle: &Path) -> PathBuf {
    let mut name = bundle.as_os_str().to_owned();
    name.push(".root");
    name.into()
}

/// The configuration (OCI runtime specification 1.0.2, config.md and config-linux.md).
fn configuration(id: &str, binary: &Path, namespace: Option<&str>, cgroup: Option<&str>) -> Value {
    let mut namespaces: Vec<Value> = ["pid", "mount", "ipc", "uts"].iter().map(|kind| json!({ "type": kind })).collect();
    namespaces.push(match namespace {
        Some(name) => json!({ "type": "network", "path": namespace::path(name) }),
        None => json!({ "type": "network" }),
    });
    let capabilities: Value =
        ["bounding", "effective", "permitted"].iter().map(|set| ((*set).to_owned(), json!(CAPABILITIES))).collect();
    let tmpfs = |destination: &str, options: Value| json!({ "destination": destination, "type": "tmpfs", "source": "tmpfs", "options": options });
    let hostname = id.rsplit('-').next().unwrap_or(id);
    let mut linux = json!({
        "namespaces": namespaces,
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
        "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"],
    });
    if let (Some(cgroup), Some(linux)) = (cgroup, linux.as_object_mut()) {
        linux.insert("cgroupsPath".to_owned(), json!(format!("/{cgroup}")));
    }
    json!({
        "ociVersion": "1.0.2",
        "hostname": hostname,
        "root": { "path": "rootfs", "readonly": true },
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": ["/tailbed", "agent"],
            "env": ["PATH=/"],
            "cwd": "/",
            "capabilities": capabilities,
            "noNewPrivileges": true,
        },
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] },
            tmpfs("/dev", json!(["nosuid", "strictatime", "mode=755", "size=64k"])),
            tmpfs("/tmp", json!(["nosuid", "nodev", "size=16m"])),
            { "destination": "/tailbed", "type": "bind", "source": binary, "options": ["bind", "ro"] },
        ],
        "linux": linux,
    })
}

/// The program's life as a shim: one container from creation to deletion. Without root there are no control groups to put it in.
pub(crate) fn run_as_shim(bundle: &Path, id: &str, control_groups: bool, parent: i32) -> anyhow::Result<()> {
    process::follow(Some(parent))?;
    if !control_groups {
        let binary = std::env::current_exe().context("cannot find this program's own file")?;
        user_namespace::leave_control_groups_behind(&private_root(bundle), &[bundle, &binary, namespace::folder()])?;
    }
    let failed = |what: &str| {
        let what = format!("cannot {what} the container {id}");
        move |error: libcontainer::error::LibcontainerError| anyhow!(error).context(what)
    };
    let mut container = ContainerBuilder::new(id.to_owned(), SyscallType::default())
        .with_root_path(bundle.join("state"))
        .and_then(ContainerBuilder::validate_id)
        .map_err(failed("set up"))?
        .as_init(bundle)
        .with_systemd(false)
        .build()
        .map_err(failed("create"))?;
    let pid = container.pid().and_then(|pid| Pid::from_raw(pid.as_raw())).context("the container has no process")?;
    cgroup::keep_real_time_share(pid.as_raw_pid())?;
    container.start().map_err(failed("start"))?;
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the container's process"),
            Ok(_) => break,
        }
    }
    container.delete(true).map_err(failed("delete"))
}
