//! What an environment is: its kernel and init, its cores while it runs, copies and saved states of it.

use super::seen::Seen;
use super::{Answer, Feature};

/// Whether it has a kernel of its own.
pub(super) fn kernel(seen: &Seen) -> Feature {
    let shared = || Answer::no(format!("the host's: {}", seen.release));
    let guest = seen.of("vm", None, "any that is given, by default the newest of the host's /boot");
    Feature { name: "own kernel", answers: [shared(), shared(), shared(), shared(), guest] }
}

/// Whether it has an init of its own.
pub(super) fn init(seen: &Seen) -> Feature {
    let agent = || Answer::no("the agent is the first process inside");
    Feature {
        name: "own init",
        answers: [
            Answer::no("the agent is a process beside all others"),
            agent(),
            seen.of("lxc", None, "the init of its template or image"),
            agent(),
            seen.of("vm", None, "of a disk image; booted directly, the agent is the init"),
        ],
    }
}

/// Whether its cores can be changed while it runs.
pub(super) fn cores(seen: &Seen) -> Feature {
    let group = |kind: &str| seen.of(kind, seen.no_controller("cpuset"), "its cpuset can be written");
    Feature {
        name: "other cores while it runs",
        answers: [
            Answer::yes("sched_setaffinity(2) on its threads"),
            group("container"),
            group("lxc"),
            group("docker"),
            seen.of("vm", None, "sched_setaffinity(2) on the threads of its virtual CPUs; their number stays"),
        ],
    }
}

/// Whether it can be cloned.
pub(super) fn cloned(seen: &Seen) -> Feature {
    let no_overlay = || (!seen.overlay).then(|| "the kernel has no overlay file system (not in /proc/filesystems)".to_owned());
    let driver = seen.docker.as_ref().and_then(|info| info["Driver"].as_str()).unwrap_or("unknown");
    Feature {
        name: "clone",
        answers: [
            Answer::no("there is only one host"),
            seen.of("container", no_overlay(), "an overlay of its own over the same root file system"),
            seen.of("lxc", no_overlay(), "the same root file system below a copy of what was written over it"),
            seen.of("docker", None, format!("another container of the same image; storage driver {driver}")),
            seen.of("vm", None, "the running one's state, as for a migration; with a disk image, a layer of its own over it"),
        ],
    }
}

/// Whether its running state can be saved and gone on from.
pub(super) fn checkpoint(seen: &Seen) -> Feature {
    let no_criu = || (!seen.has("criu")).then(|| "criu is not installed".to_owned());
    let no_command = || (!seen.has("lxc-checkpoint")).then(|| "lxc-checkpoint is not installed".to_owned());
    let experimental = seen.docker.as_ref().is_some_and(|info| info["ExperimentalBuild"] == true);
    let no_experiments =
        || (!experimental).then(|| "the engine's experimental features are off (dockerd --experimental)".to_owned());
    Feature {
        name: "checkpoint",
        answers: [
            Answer::unless(no_criu(), "criu dump of the process"),
            Answer::no("the runtime that is part of tailbed is built without it"),
            seen.of("lxc", no_command().or_else(no_criu), "lxc-checkpoint with criu"),
            seen.of("docker", no_criu().or_else(no_experiments), "docker checkpoint with criu"),
            seen.of("vm", None, "QEMU's savevm and migration to a file"),
        ],
    }
}
