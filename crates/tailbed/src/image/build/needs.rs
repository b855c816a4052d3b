//! What a build needs of the host: asked before anything is made.

use std::env;
use std::path::PathBuf;

use tailbed_plan::recipe::{Base, Recipe};

use crate::cli::Form;
use crate::failure::Failure;

/// Where a program lies; the administrator's programs are not on everybody's path.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Refuses what this host cannot build.
pub(super) fn check(recipe: &Recipe, forms: &[Form]) -> Result<(), Failure> {
    let debian = matches!(recipe.base, Base::Debian { .. });
    if (debian || !recipe.packages.is_empty()) && !rustix::process::geteuid().is_root() {
        return Err(Failure::Host(
            "error: installing Debian packages makes files of many users, which only root can\n  \
             = help: run as root; images of `scratch`, files and other images can be built by anyone"
                .to_owned(),
        ));
    }
    let inside = debian || !recipe.packages.is_empty() || recipe.script.is_some();
    let mut wanted = Vec::new();
    if debian {
        wanted.extend([("debootstrap", "debootstrap", None), ("apt-get", "apt", None)]);
    }
    if inside {
        wanted.extend([("setpriv", "util-linux", None), ("unshare", "util-linux", None), ("chroot", "coreutils", None)]);
    }
    for form in forms {
        match form {
            Form::Lxc => wanted.push(("xz", "xz-utils", Some("lxc"))),
            Form::Vm => wanted.extend([("mkfs.ext4", "e2fsprogs", Some("vm")), ("qemu-img", "qemu-utils", Some("vm"))]),
        }
    }
    let missing = wanted.into_iter().find(|(program, ..)| find(program).is_none());
    let Some((program, package, form)) = missing else { return Ok(()) };
    let leave_out = form.map_or_else(String::new, |form| format!(", or leave that form out with --without {form}"));
    Err(Failure::Host(format!(
        "error: the program {program} is not installed, and the image cannot be built without it\n  = help: install the package {package}{leave_out}"
    )))
}
