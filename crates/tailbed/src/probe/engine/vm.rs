//! What virtual machines take: the emulator, and a kernel for those that are to boot the newest there is.

use std::path::Path;
use std::process::{Command, Stdio};

use tailbed_format::facts::{Engine, Missing};
use tailbed_plan::step::Kernel;

use crate::apply::vm::{PACKAGE, PROGRAM, ROOT, find_kernel};

/// The emulator and the kernel, each with what is missing.
pub(crate) fn engines() -> [Engine; 2] {
    let version = version();
    let missing = version
        .is_none()
        .then(|| Missing { reason: format!("{PROGRAM} is not installed"), way_out: "apt install qemu-system-x86".to_owned() });
    let kernel = find_kernel(&Kernel::Newest, Path::new(ROOT));
    let kernel = Engine {
        kind: "kernel".to_owned(),
        version: kernel.as_ref().ok().map(|kernel| kernel.release.clone()),
        missing: kernel.err().map(|_| Missing {
            reason: "there is no kernel image in /boot for a virtual machine to boot".to_owned(),
            way_out: format!("apt install {PACKAGE}, or name one: kernel = \"/path/of/vmlinuz\""),
        }),
    };
    [Engine { kind: "vm".to_owned(), version, missing }, kernel]
}

/// The emulator's version, by which it is told whether it has changed; `None` when it is not installed.
pub(in crate::probe) fn version() -> Option<String> {
    let output = Command::new(PROGRAM).arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?.trim();
    Some(line.strip_prefix("QEMU emulator version ").unwrap_or(line).to_owned())
}
