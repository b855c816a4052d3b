//! Which mechanisms keep an environment apart from the host.

use std::path::Path;

use serde_json::Value;

use super::seen::Seen;
use super::{Answer, Feature};
use crate::apply::LXC_SECCOMP;

/// A guest is kept apart by the emulator, which is a process with rights of its own.
fn emulator() -> Answer {
    Answer::other("the guest's", "the guest has a kernel of its own; the emulator runs with our rights")
}

fn process() -> Answer {
    Answer::no("a process of the host, with our rights")
}

/// Whether root inside is nobody outside.
pub(super) fn user_namespace(seen: &Seen) -> Feature {
    let off = || (!seen.user_namespaces).then(|| "the kernel makes no user namespaces (user.max_user_namespaces)".to_owned());
    let root = seen.facts.privilege.root;
    let container = match (off(), root) {
        _ if seen.missing("container").is_some() => seen.of("container", None, ""),
        (Some(off), _) => Answer::no(off),
        (None, true) => Answer::other("when asked", "user_namespace = true in the node's table"),
        (None, false) => Answer::yes("without root everything runs in one"),
    };
    let docker = if has_security(seen.docker.as_ref(), "userns") {
        None
    } else {
        Some("the engine was not started with userns-remap".to_owned())
    };
    let docker = seen.of("docker", docker, "the engine maps users (userns-remap)");
    let lxc =
        seen.of("lxc", Some("its root file system is an overlay that root mounts, and a mapped root may not".to_owned()), "");
    let host = if root { process() } else { Answer::yes("without root everything runs in one") };
    Feature { name: "user namespace", answers: [host, container, lxc, docker, emulator()] }
}

/// Whether capabilities are taken away.
pub(super) fn capabilities(seen: &Seen) -> Feature {
    let kept = "all are dropped but CAP_NET_RAW, CAP_SYS_NICE, CAP_IPC_LOCK and those named";
    let of = |kind: &str, why: &str| seen.of(kind, None, why);
    Feature {
        name: "capabilities dropped",
        answers: [
            process(),
            of("container", kept),
            of("lxc", "those that its template or image drops (lxc.cap.drop)"),
            of("docker", kept),
            emulator(),
        ],
    }
}

/// Whether system calls are filtered.
pub(super) fn seccomp(seen: &Seen) -> Feature {
    let off = || (!seen.seccomp).then(|| "the kernel filters no system calls (CONFIG_SECCOMP_FILTER)".to_owned());
    let list = Path::new(LXC_SECCOMP);
    let none = || (!list.exists()).then(|| format!("LXC brings no list at {}", list.display()));
    let unused = || (!has_security(seen.docker.as_ref(), "seccomp")).then(|| "the engine says that it has no seccomp".to_owned());
    Feature {
        name: "system calls filtered",
        answers: [
            process(),
            seen.of("container", off(), "the list that ships with tailbed"),
            seen.of("lxc", off().or_else(none), format!("{}, unless its template or image names another list", list.display())),
            seen.of("docker", off().or_else(unused), "the engine's default profile"),
            emulator(),
        ],
    }
}

/// Whether a security module confines it.
pub(super) fn mandatory_access(seen: &Seen) -> Feature {
    let none = || seen.access_control.is_empty().then(|| "the kernel has neither AppArmor nor SELinux switched on".to_owned());
    let active = seen.access_control.join(", ");
    let of = |kind: &str, why: &str| seen.of(kind, none(), format!("{active}: {why}"));
    let used = ["apparmor", "selinux"].iter().any(|name| has_security(seen.docker.as_ref(), name));
    let unused = || (!used).then(|| format!("{active} is on, and the engine does not use it"));
    Feature {
        name: "AppArmor or SELinux",
        answers: [
            none().map_or_else(process, Answer::no),
            of("container", "the profile that is named"),
            of("lxc", "LXC's profile, or the one named (lxc.apparmor.profile)"),
            seen.of("docker", none().or_else(unused), format!("{active}: the engine's default profile")),
            none().map_or_else(emulator, Answer::no),
        ],
    }
}

/// Which control groups limit it.
pub(super) fn control_groups(seen: &Seen) -> Feature {
    let missing = || seen.no_controller("cpuset").or_else(|| seen.no_controller("memory"));
    let of = |kind: &str| seen.of(kind, missing(), seen.cgroup());
    Feature {
        name: "control groups",
        answers: [
            Answer::no("its cores are given by sched_setaffinity(2), its memory is not limited"),
            of("container"),
            of("lxc"),
            of("docker"),
            Answer::no("its cores are given by sched_setaffinity(2), its memory is what the guest has"),
        ],
    }
}

/// Whether the Docker engine lists a mechanism among its own (`name=seccomp,profile=default`).
fn has_security(info: Option<&Value>, name: &str) -> bool {
    let options = info.and_then(|info| info["SecurityOptions"].as_array());
    options.is_some_and(|options| {
        let texts = options.iter().filter_map(Value::as_str);
        texts.flat_map(|text| text.split(',')).any(|part| part.strip_prefix("name=") == Some(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_lists_what_it_uses() {
        let info = serde_json::json!({ "SecurityOptions": ["name=seccomp,profile=default", "name=userns"] });
        assert!(has_security(Some(&info), "seccomp") && has_security(Some(&info), "userns"));
        assert!(!has_security(Some(&info), "apparmor"));
        assert!(!has_security(None, "seccomp"));
    }
}
