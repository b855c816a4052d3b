//! Engines: what environments and links of each kind need of this host, and whether it is there. One file a kind.
//!
//! Looked at before every plan, so it is cheap: files and sockets, and a process only to ask LXC and QEMU for their versions.

mod container;
pub(crate) mod docker;
mod link;
mod lxc;
pub(super) mod vm;

use tailbed_format::facts::{Engine, Missing, Privilege};

/// Looks for the engine of each kind that needs one.
pub(super) fn probe(privilege: Privilege) -> Vec<Engine> {
    let engine =
        |kind: &str, version: Option<String>, missing: Option<Missing>| Engine { kind: kind.to_owned(), version, missing };
    let mut engines = vec![
        engine("container", None, container::missing(privilege)),
        engine("lxc", lxc::version(), lxc::missing(privilege)),
        engine("docker", docker::version(), docker::missing(privilege)),
    ];
    engines.extend(vm::engines());
    engines.extend(link::engines(privilege));
    engines
}

fn missing(reason: impl Into<String>, way_out: impl Into<String>) -> Missing {
    Missing { reason: reason.into(), way_out: way_out.into() }
}

/// Only root can make this kind.
fn needs_root(what: &str) -> Missing {
    missing(format!("{what} needs root"), "run tailbed as root")
}
