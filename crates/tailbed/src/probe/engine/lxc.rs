//! LXC: its commands.

use std::process::{Command, Stdio};

use tailbed_format::facts::{Cgroup, Missing, Privilege};

use crate::probe::{cgroup, program};

/// The commands that are used.
const COMMANDS: [&str; 5] = ["lxc-start", "lxc-attach", "lxc-info", "lxc-stop", "lxc-create"];

/// What system containers lack here.
pub(super) fn missing(privilege: Privilege) -> Option<Missing> {
    if let Some(command) = COMMANDS.iter().find(|command| program(command).is_none()) {
        return Some(super::missing(format!("{command} is not installed"), "install LXC: apt install lxc lxc-templates"));
    }
    if !privilege.root {
        return Some(super::needs_root("a system container of LXC"));
    }
    (cgroup() == Cgroup::None).then(|| {
        super::missing("no control groups are mounted that we may write to", "mount them: mount -t cgroup2 none /sys/fs/cgroup")
    })
}

/// The version, as lxc-start(1) says it.
pub(super) fn version() -> Option<String> {
    let said = Command::new(program("lxc-start")?).arg("--version").stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&said.stdout).trim().to_owned()).filter(|version| !version.is_empty())
}
