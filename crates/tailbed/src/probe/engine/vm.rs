//! Virtual machines: the emulator, and a kernel to boot.

use std::fs;
use std::path::Path;

use tailbed_format::facts::{Missing, Privilege};

use crate::probe::program;

/// What virtual machines lack here.
pub(super) fn missing(privilege: Privilege) -> Option<Missing> {
    if program("qemu-system-x86_64").is_none() {
        return Some(super::missing("qemu-system-x86_64 is not installed", "install it: apt install qemu-system-x86"));
    }
    if !has_kernel(Path::new("/boot"), Path::new("/lib/modules")) {
        return Some(super::missing(
            "there is no kernel with its modules to boot a guest with",
            "install one: apt install linux-image-cloud-amd64",
        ));
    }
    // taps can be made in a user namespace of our own
    (!privilege.root && !privilege.user_namespaces).then(|| super::needs_root("a virtual machine on our links"))
}

/// Whether a kernel image has the folder of its modules.
fn has_kernel(boot: &Path, modules: &Path) -> bool {
    let images = fs::read_dir(boot).into_iter().flatten().flatten();
    images
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("vmlinuz-").map(str::to_owned))
        .any(|release| modules.join(release).is_dir())
}
