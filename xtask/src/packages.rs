//! System packages that the tests need.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// Packages, in the order in which they are installed, each with how it is known that it is there. An emulator of the distribution's own
/// version may have to take the place of newer tools that came another way, so those tools are asked for after it.
const NEEDED: [(&str, Sign); 21] = [
    ("iproute2", Sign::Program("ip")),
    ("gcc", Sign::Program("cc")),
    ("util-linux", Sign::Program("unshare")),
    ("lxc", Sign::Program("lxc-start")),
    ("docker.io", Sign::Program("dockerd")),
    ("runc", Sign::Program("runc")),
    ("busybox-static", Sign::Program("busybox")),
    ("e2fsprogs", Sign::Program("mkfs.ext4")),
    ("xz-utils", Sign::Program("xz")),
    ("iptables", Sign::Program("iptables")),
    ("tcpdump", Sign::Program("tcpdump")),
    ("syslinux", Sign::Program("syslinux")),
    ("mtools", Sign::Program("mcopy")),
    ("tshark", Sign::Program("tshark")),
    ("python3-scapy", Sign::Python("scapy")),
    ("qemu-system-x86", Sign::Program("qemu-system-x86_64")),
    ("dpdk-dev", Sign::Program("dpdk-testpmd")),
    ("procps", Sign::Program("pgrep")),
    ("qemu-utils", Sign::Program("qemu-img")),
    ("linux-image-cloud-amd64", Sign::Kernel("cloud")),
    ("chromium", Sign::Program("chromium")),
];

/// How a package is known to be there, whoever installed it.
#[derive(Clone, Copy)]
enum Sign {
    /// A program of this name can be run.
    Program(&'static str),
    /// Debian's own Python can import it.
    Python(&'static str),
    /// A kernel whose release holds this word lies in /boot, with its modules.
    Kernel(&'static str),
}

impl Sign {
    fn is_seen(self) -> bool {
        match self {
            Self::Program(program) => installed(program),
            Self::Python(module) => {
                let mut import = Command::new("/usr/bin/python3");
                import
                    .args(["-c", &format!("import {module}")])
                    .stderr(Stdio::null())
                    .status()
                    .is_ok_and(|status| status.success())
            }
            Self::Kernel(word) => {
                let modules = std::fs::read_dir("/lib/modules").into_iter().flatten().flatten();
                let releases = modules.map(|entry| entry.file_name().to_string_lossy().into_owned());
                releases
                    .into_iter()
                    .any(|release| release.contains(word) && std::path::Path::new(&format!("/boot/vmlinuz-{release}")).exists())
            }
        }
    }
}

/// What is still to be installed.
pub(crate) struct Missing {
    packages: Vec<&'static str>,
    /// What installs them.
    line: String,
}

/// Looks for what is missing.
///
/// # Errors
/// Where something is and cannot be installed from here: the line that does it is said.
pub(crate) fn missing() -> anyhow::Result<Missing> {
    let packages: Vec<&str> = NEEDED.iter().filter(|(_, sign)| !sign.is_seen()).map(|(package, _)| *package).collect();
    let (tools, others): (Vec<&str>, Vec<&str>) = packages.iter().partition(|package| **package == "qemu-utils");
    let install = |packages: &[&str]| format!("apt-get install --yes --no-install-recommends {}", packages.join(" "));
    let steps = [others, tools].into_iter().filter(|packages| !packages.is_empty());
    let line = std::iter::once("apt-get update".to_owned()).chain(steps.map(|packages| install(&packages)));
    let line = line.collect::<Vec<_>>().join(" && ");
    if !packages.is_empty() && (!is_root() || !installed("apt-get")) {
        bail!("some packages are missing; as root, run: {line}");
    }
    Ok(Missing { packages, line })
}

impl Missing {
    /// Installs them, as root on a Debian system.
    pub(crate) fn install(self) -> anyhow::Result<()> {
        if self.packages.is_empty() {
            return Ok(());
        }
        println!("installing {}", self.packages.join(" "));
        // a service that starts by itself would change the host's packet filter under the tests
        let mut command = Command::new("sh");
        command.args(["-c", &self.line]).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        let status = command.status().context("cannot run sh")?;
        if !status.success() {
            bail!("the packages could not be installed; the line was: {}", self.line);
        }
        Ok(())
    }
}

/// Whether a program is on the path, or where the administrator's programs are.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).any(|folder| folder.join(program).is_file())
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
