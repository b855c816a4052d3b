//! Programs run inside a root file system that is being made.
//!
//! Their mounts lie in a mount namespace and their processes in a process namespace of their own: when this process ends, however it
//! does, the kernel ends the first process inside, with it all others, and with them goes the last mount.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::steps::Steps;
use crate::image::unpack::Root;
use crate::show::quote::quote;

/// The path that Debian gives root, inside and outside.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Mounts what programs expect and goes in; the first argument is the root.
const ENTER: &str = "set -e
mount -t proc -o nosuid,nodev,noexec proc \"$1/proc\"
mount --rbind /dev \"$1/dev\"
exec chroot \"$@\"";

/// A program of the host in namespaces of its own; with it end all that it starts.
pub(super) fn apart(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.arg(program).env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8").env("HOME", "/root").current_dir("/");
    // a host behind a proxy is configured in these
    for name in ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// A program inside, with the host's network.
pub(super) fn inside(rootfs: &Path, arguments: &[&str]) -> Command {
    let mut command = apart("/bin/sh");
    command.args(["-c", ENTER, "sh"]).arg(rootfs).args(arguments);
    command
}

/// Runs the recipe's script.
pub(super) fn script(
    rootfs: &Path,
    work: &Path,
    text: &str,
    environment: &BTreeMap<String, String>,
    steps: &Steps,
) -> anyhow::Result<()> {
    let root = Root::open(rootfs)?;
    if root.resolve(Path::new("bin/sh")).is_err() {
        bail!("there is no /bin/sh in the image to run its script: bring one in [files], or begin with another base");
    }
    // set inside only: the image's PATH is not that of the programs that lead into it
    let exports = environment.iter().map(|(name, value)| format!("export {name}={}; ", quote(value)));
    let beginning = exports.collect::<String>() + "eval \"$0\"";
    with_network(rootfs, work, || {
        let mut command = inside(rootfs, &["/bin/sh", "-e", "-c", &beginning, text]);
        steps.run(&mut command, "the recipe's script")
    })
}

/// Does something while the image has the host's name servers, and what programs expect to be mounted on.
pub(super) fn with_network<T>(rootfs: &Path, work: &Path, action: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    super::contents::mount_points(rootfs)?;
    let path = rootfs.join("etc/resolv.conf");
    let is_folder = fs::symlink_metadata(rootfs.join("etc")).is_ok_and(|etc| etc.is_dir());
    let Ok(ours) = fs::read("/etc/resolv.conf") else { return action() };
    if !is_folder {
        return action();
    }
    let kept = work.join("resolv.conf");
    let was_there = match fs::rename(&path, &kept) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error).context("cannot set the image's /etc/resolv.conf aside"),
    };
    fs::write(&path, ours).context("cannot give the image the host's name servers")?;
    let done = action()?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context("cannot take the host's name servers out of the image");
        }
        _ => {}
    }
    if was_there {
        fs::rename(&kept, &path).context("cannot give the image its /etc/resolv.conf back")?;
    }
    Ok(done)
}
