//! A container as the engine is told of it.

use std::path::{Path, PathBuf};

use bollard::models::{ContainerCreateBody, DeviceMapping, HostConfig, Mount, MountType, ResourcesUlimits};
use bollard::models::{MountVolumeOptions, MountVolumeOptionsDriverConfig};
use tailbed_plan::step::{DockerSpec, HugePageLimit, Seccomp};

use crate::apply::environment::hardware::{CPUS, Covers};

/// What the agent inside needs: packet sockets (where it opens any), real-time priority, locked memory (capabilities(7)).
const CAPABILITIES: [&str; 3] = ["CAP_NET_RAW", "CAP_SYS_NICE", "CAP_IPC_LOCK"];

/// Where the folder with the agent's socket is seen inside.
pub(super) const INSIDE: &str = "/.tailbed";

/// The socket in that folder.
pub(super) const SOCKET: &str = "agent";

/// The whole of it. It has no network but its own loopback interface: links are made by us, as everywhere.
pub(super) fn body(
    spec: &DockerSpec,
    image: String,
    binary: &Path,
    folder: &Path,
    devices: &[PathBuf],
    covers: &Covers,
) -> ContainerCreateBody {
    let confinement = &spec.confinement;
    let own = [mount(&binary.to_string_lossy(), "/tailbed", true), mount(&folder.to_string_lossy(), INSIDE, false)];
    // the engine takes no path that is relative, and would not know to what
    let absolute = |path: &str| std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string());
    let volumes = spec.volumes.iter().map(|volume| mount(&absolute(&volume.source), &volume.target, volume.read_only));
    let shown = covers.cores.iter().chain(&covers.pci);
    let shown = shown.map(|shown| mount(&shown.source.to_string_lossy(), &shown.target.to_string_lossy(), true));
    let pages = spec.hardware.hugepages.iter().enumerate().map(|(number, limit)| huge_pages(number, limit));
    // beneath what is shown of it, and read-only once that is there
    let covered = (!covers.cores.is_empty()).then(|| (CPUS.to_owned(), "ro,mode=755,size=1m".to_owned()));
    let device = |path: &PathBuf| DeviceMapping {
        path_on_host: Some(path.display().to_string()),
        path_in_container: Some(path.display().to_string()),
        cgroup_permissions: Some("rwm".to_owned()),
    };
    let unconfined = (confinement.seccomp == Seccomp::Unconfined).then(|| "seccomp=unconfined".to_owned());
    let profile = confinement.apparmor.as_ref().map(|profile| format!("apparmor={profile}"));
    let security: Vec<_> = unconfined.into_iter().chain(profile).collect();
    let bytes = spec.memory.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let cpus: Vec<_> = spec.cpus.iter().map(ToString::to_string).collect();
    let needed = CAPABILITIES.iter().filter(|name| !(confinement.no_raw && **name == "CAP_NET_RAW"));
    let kept = needed.map(|name| (*name).to_owned()).chain(confinement.capabilities.iter().cloned());
    let host = HostConfig {
        network_mode: Some("none".to_owned()),
        mounts: Some(own.into_iter().chain(volumes).chain(pages).chain(shown).collect()),
        tmpfs: covered.map(|(target, options)| [(target, options)].into()),
        devices: Some(devices.iter().map(device).collect()),
        cpuset_cpus: (!cpus.is_empty()).then(|| cpus.join(",")),
        memory: bytes,
        // with swap besides: as much as without
        memory_swap: bytes,
        // a privileged one has all of them; to drop any would take them back
        cap_drop: (!confinement.privileged).then(|| vec!["ALL".to_owned()]),
        cap_add: (!confinement.privileged).then(|| kept.collect()),
        privileged: Some(confinement.privileged),
        security_opt: (!security.is_empty()).then_some(security),
        ulimits: Some(confinement.rlimits.iter().map(|(name, limit)| ulimit(name, *limit)).collect()),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        hostname: Some(spec.id.rsplit('-').next().unwrap_or(&spec.id).to_owned()),
        image: Some(image),
        user: Some("0:0".to_owned()),
        working_dir: Some("/".to_owned()),
        entrypoint: Some(["/tailbed", "agent", "--socket"].map(str::to_owned).into_iter().chain([socket()]).collect()),
        cmd: Some(Vec::new()),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

fn socket() -> String {
    format!("{INSIDE}/{SOCKET}")
}

fn mount(source: &str, target: &str, read_only: bool) -> Mount {
    Mount {
        source: Some(source.to_owned()),
        target: Some(target.to_owned()),
        typ: Some(MountType::BIND),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

/// A hugetlbfs as a volume of the engine's own, which goes with the container. No more can be taken than its size (hugetlbpage.rst in the kernel's
/// documentation).
fn huge_pages(number: usize, limit: &HugePageLimit) -> Mount {
    let options = [("type", "hugetlbfs".to_owned()), ("device", "hugetlbfs".to_owned()), ("o", limit.mount_options())];
    let driver = MountVolumeOptionsDriverConfig {
        name: Some("local".to_owned()),
        options: Some(options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
    };
    // what an image has in that folder is not copied: pages are given to no write(2)
    let options = MountVolumeOptions { no_copy: Some(true), driver_config: Some(driver), ..MountVolumeOptions::default() };
    Mount { target: Some(limit.inside(number)), typ: Some(MountType::VOLUME), volume_options: Some(options), ..Mount::default() }
}

/// A limit, soft and hard; the greatest number there is means none, which the engine writes as -1.
fn ulimit(name: &str, limit: u64) -> ResourcesUlimits {
    let limit = i64::try_from(limit).unwrap_or(-1);
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(limit), hard: Some(limit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::environment::hardware::Shown;
    use tailbed_plan::step::{Confinement, Hardware, Masks};

    fn spec(confinement: Confinement) -> DockerSpec {
        DockerSpec {
            id: "tb-ab12-dut".to_owned(),
            image: None,
            cpus: vec![1, 2],
            memory: Some(64 << 20),
            hardware: Hardware {
                hugepages: vec![HugePageLimit { page: 2 << 20, limit: 4 << 20 }],
                masks: Some(Masks { cpus: vec![1, 2] }),
                ..Hardware::default()
            },
            volumes: Vec::new(),
            confinement,
            boot_timeout: 1,
        }
    }

    fn host(confinement: Confinement) -> HostConfig {
        let shown = |name: &str, target: &str| Shown { source: name.into(), target: target.into() };
        let covers = Covers { cores: vec![shown("/sys/x", "/sys/y")], pci: Some(shown("/run/pci", "/sys/bus/pci/devices")) };
        let (binary, folder) = (Path::new("/opt/tailbed"), Path::new("/run/tailbed/x"));
        let devices = [PathBuf::from("/dev/net/tun")];
        body(&spec(confinement), "x".to_owned(), binary, folder, &devices, &covers).host_config.unwrap()
    }

    #[test]
    fn huge_pages_are_a_volume_and_cores_are_shown_over_an_empty_folder() {
        let host = host(Confinement::default());
        let mounts = host.mounts.unwrap();
        let pages = mounts.iter().find(|mount| mount.target.as_deref() == Some("/dev/hugepages")).unwrap();
        let driver = pages.volume_options.clone().unwrap().driver_config.unwrap().options.unwrap();
        assert_eq!((pages.typ, driver["o"].as_str()), (Some(MountType::VOLUME), "pagesize=2097152,size=4194304"));
        assert_eq!(host.tmpfs.unwrap().keys().collect::<Vec<_>>(), [CPUS]);
        let shown: Vec<_> =
            mounts.iter().filter_map(|mount| mount.target.as_deref()).filter(|path| path.starts_with("/sys")).collect();
        assert_eq!(shown, ["/sys/y", "/sys/bus/pci/devices"]);
        assert_eq!(host.devices.unwrap()[0].path_on_host.as_deref(), Some("/dev/net/tun"));
    }

    #[test]
    fn everything_is_dropped_but_what_the_agent_needs_and_what_is_named() {
        let host = host(Confinement { capabilities: vec!["CAP_SYS_PTRACE".to_owned()], ..Confinement::default() });
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
        assert_eq!(host.cap_add.unwrap(), ["CAP_NET_RAW", "CAP_SYS_NICE", "CAP_IPC_LOCK", "CAP_SYS_PTRACE"]);
        assert_eq!((host.privileged, host.security_opt), (Some(false), None));
        assert_eq!((host.cpuset_cpus.as_deref(), host.memory, host.memory_swap), (Some("1,2"), Some(64 << 20), Some(64 << 20)));
        assert_eq!(host.network_mode.as_deref(), Some("none"));
    }

    #[test]
    fn confinement_is_lifted_only_as_written() {
        let lifted = host(Confinement {
            seccomp: Seccomp::Unconfined,
            apparmor: Some("mine".to_owned()),
            rlimits: [("memlock".to_owned(), u64::MAX)].into(),
            privileged: true,
            ..Confinement::default()
        });
        assert_eq!((lifted.privileged, lifted.cap_drop), (Some(true), None));
        assert_eq!(lifted.security_opt.unwrap(), ["seccomp=unconfined", "apparmor=mine"]);
        assert_eq!(lifted.ulimits.unwrap()[0].hard, Some(-1));
    }
}
