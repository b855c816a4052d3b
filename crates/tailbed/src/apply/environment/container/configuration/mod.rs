//! The configuration that the runtime reads (OCI runtime specification 1.0.2, config.md and config-linux.md).

use std::path::Path;

use serde_json::{Value, json};

use tailbed_plan::step::Seccomp;

use super::identity::Mapping;
use super::order::Order;
use super::root::Root;

/// What is found out on the host for a configuration.
pub(super) struct Found {
    /// The root file system with what is passed into it.
    pub(super) root: Root,
    /// Capabilities by name.
    pub(super) capabilities: Vec<String>,
    /// Resource limits.
    pub(super) limits: Vec<Value>,
    /// Device nodes.
    pub(super) devices: Vec<Value>,
    /// What the control group allows of devices; `None` for all, or where there is no control group.
    pub(super) device_rules: Option<Vec<Value>>,
    /// AppArmor profile.
    pub(super) apparmor: Option<String>,
    /// Ids of its user namespace, where it has one of its own.
    pub(super) mapping: Option<Mapping>,
}

/// What tells of the host's hardware and kernel, or lets a container disturb it.
const MASKED: [&str; 11] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// What may be read and not written.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Where programs are looked for in an image that does not say.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The configuration of a container.
pub(super) fn configuration(order: &Order, found: &Found) -> Value {
    let spec = &order.spec;
    let privileged = spec.confinement.privileged;
    let sets = ["bounding", "effective", "permitted"].map(|set| (set.to_owned(), json!(found.capabilities)));
    let none = ["inheritable", "ambient"].map(|set| (set.to_owned(), json!([])));
    let capabilities: Value = sets.into_iter().chain(none).collect();
    let mut process = json!({
        "terminal": false,
        "user": { "uid": 0, "gid": 0 },
        "args": arguments(order),
        "env": environment(order),
        "cwd": found.root.working_directory,
        "capabilities": capabilities,
        "rlimits": found.limits,
        "noNewPrivileges": !privileged,
    });
    insert(&mut process, "apparmorProfile", found.apparmor.as_ref().map(|profile| json!(profile)));
    json!({
        "ociVersion": "1.0.2",
        "hostname": spec.id.rsplit('-').next().unwrap_or(&spec.id),
        "root": { "path": found.root.path, "readonly": spec.read_only },
        "process": process,
        "mounts": mounts(order, found),
        "linux": linux(order, found),
    })
}

fn insert(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(key.to_owned(), value);
    }
}

fn arguments(order: &Order) -> Vec<&'static str> {
    let confined = order.spec.confinement.seccomp == Seccomp::Default && !order.spec.confinement.privileged;
    ["/tailbed", "agent"].into_iter().chain(confined.then_some("--seccomp")).collect()
}

fn environment(order: &Order) -> Vec<String> {
    let Some(image) = &order.image else { return vec!["PATH=/".to_owned()] };
    let says_path = image.environment.iter().any(|variable| variable.starts_with("PATH="));
    (!says_path).then(|| PATH.to_owned()).into_iter().chain(image.environment.iter().cloned()).collect()
}

fn linux(order: &Order, found: &Found) -> Value {
    let spec = &order.spec;
    let mut namespaces: Vec<Value> = ["pid", "mount", "ipc", "uts"].iter().map(|kind| json!({ "type": kind })).collect();
    namespaces.push(match &order.namespace {
        Some(path) => json!({ "type": "network", "path": path }),
        None => json!({ "type": "network" }),
    });
    let mut linux = json!({ "devices": found.devices });
    if let Some(Mapping { first, count }) = found.mapping {
        namespaces.push(json!({ "type": "user" }));
        let mappings = json!([{ "containerID": 0, "hostID": first, "size": count }]);
        insert(&mut linux, "uidMappings", Some(mappings.clone()));
        insert(&mut linux, "gidMappings", Some(mappings));
    }
    insert(&mut linux, "namespaces", Some(namespaces.into()));
    if !spec.confinement.privileged {
        insert(&mut linux, "maskedPaths", Some(json!(MASKED)));
        insert(&mut linux, "readonlyPaths", Some(json!(READ_ONLY)));
    }
    let prefer = |node: usize| json!({ "mode": "MPOL_PREFERRED", "nodes": node.to_string() });
    insert(&mut linux, "memoryPolicy", spec.preferred_node.map(prefer));
    if let Some(cgroup) = &spec.cgroup {
        insert(&mut linux, "cgroupsPath", Some(json!(format!("/{cgroup}"))));
        insert(&mut linux, "resources", found.device_rules.as_ref().map(|rules| json!({ "devices": rules })));
    }
    linux
}

fn mount(destination: &str, kind: &str, options: &[&str]) -> Value {
    json!({ "destination": destination, "type": kind, "source": kind, "options": options })
}

/// What is mounted in every container (config-linux.md, "Default Filesystems"), then what is passed in.
fn mounts(order: &Order, found: &Found) -> Vec<Value> {
    let image = order.image.is_some();
    let mut mounts = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=64k"]),
        mount("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
        mount("/tmp", "tmpfs", &["nosuid", "nodev", "mode=1777", if image { "size=50%" } else { "size=16m" }]),
    ];
    // every mount costs time, and without an image there is nobody inside who would use these
    if image {
        mounts.push(mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=64m"]));
        mounts.push(mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]));
    }
    // a container started without root sees no mount of the host's, and the kernel then refuses it one of its own (mount_namespaces(7))
    if order.spec.cgroup.is_some() {
        let writable = if order.spec.confinement.privileged { "rw" } else { "ro" };
        mounts.push(mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", writable]));
    }
    let bind = |source: &Path, destination: &str, options: &[&str]| json!({ "destination": destination, "type": "bind", "source": source, "options": options });
    mounts.push(bind(&found.root.binary, "/tailbed", &["bind", "ro", "nosuid", "nodev"]));
    for passed in &found.root.passed {
        let options: &[&str] =
            if passed.read_only { &["rbind", "ro", "rro", "nosuid", "nodev"] } else { &["rbind", "nosuid", "nodev"] };
        mounts.push(bind(&passed.source, &passed.target, options));
    }
    mounts
}

#[cfg(test)]
mod tests;
