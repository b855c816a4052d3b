//! Settings of containers, and what Docker's have in common with them.

use std::collections::BTreeMap;

use super::{Environment, Place, huge_pages};
use crate::experiment;
use crate::setup::environment::beside;
use crate::step::{Confinement, ContainerSpec, Masks, Seccomp, Volume};
use crate::text::error::Fault;

/// A container cannot even start the agent with less.
const LEAST_MEMORY: u64 = 1 << 20;

/// Resource limits by the names of getrlimit(2), lower case and without `RLIMIT_`.
const LIMITS: [&str; 16] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

pub(super) fn resolve(settings: &experiment::Container, place: &Place<'_>) -> Result<Environment, Fault> {
    let memory = settings.memory.map(|memory| memory.0);
    memory_limit(memory, place)?;
    let confinement = Confinement {
        capabilities: capabilities(&settings.capabilities, place)?,
        seccomp: seccomp(settings.seccomp),
        apparmor: settings.apparmor.clone(),
        rlimits: rlimits(&settings.rlimits, place)?,
        privileged: settings.privileged,
        no_raw: false,
    };
    let spec = ContainerSpec {
        id: String::new(),
        cgroup: None,
        image: settings.image.as_deref().map(|image| beside(place.folder, image)),
        read_only: settings.read_only,
        user_namespace: settings.user_namespace,
        devices: devices(&settings.devices, place)?,
        volumes: volumes(&settings.volumes, place)?,
        hugepages: huge_pages::limits(&settings.hugepages, place)?,
        preferred_node: settings.preferred_node,
        masks: masks(settings).then(|| Masks { cpus: Vec::new() }),
        confinement,
    };
    Ok(Environment::Container { spec: Box::new(spec), memory })
}

/// Every mount takes time, and where there is nothing but the agent nobody looks into /sys.
fn masks(settings: &experiment::Container) -> bool {
    let holds_programs = settings.image.is_some() || !settings.volumes.is_empty();
    settings.masks.unwrap_or(holds_programs) && !settings.privileged
}

pub(super) fn memory_limit(memory: Option<u64>, place: &Place<'_>) -> Result<(), Fault> {
    match memory.filter(|memory| *memory < LEAST_MEMORY) {
        None => Ok(()),
        Some(memory) => Err(place
            .fault("memory", format!("{memory} bytes are too little memory for a container"), "at least 1MiB is needed")
            .help("write it like memory = \"256MiB\"")),
    }
}

pub(super) fn seccomp(setting: experiment::Seccomp) -> Seccomp {
    match setting {
        experiment::Seccomp::Default => Seccomp::Default,
        experiment::Seccomp::Unconfined => Seccomp::Unconfined,
    }
}

/// Names of capabilities(7); `NET_ADMIN` and `cap_net_admin` mean the same as `CAP_NET_ADMIN`.
pub(super) fn capabilities(names: &[String], place: &Place<'_>) -> Result<Vec<String>, Fault> {
    let name = |given: &String| {
        let upper = given.to_ascii_uppercase();
        let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
        if full.len() > 4 && full.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit()) {
            Ok(full)
        } else {
            Err(place
                .fault("capabilities", format!("`{given}` is not the name of a capability"), "not a name")
                .help("write it like capabilities = [\"CAP_NET_ADMIN\"]; capabilities(7) lists them"))
        }
    };
    names.iter().map(name).collect()
}

pub(super) fn rlimits(limits: &BTreeMap<String, u64>, place: &Place<'_>) -> Result<BTreeMap<String, u64>, Fault> {
    match limits.keys().find(|name| !LIMITS.contains(&name.as_str())) {
        None => Ok(limits.clone()),
        Some(unknown) => Err(place
            .fault("rlimits", format!("there is no resource limit `{unknown}`"), "an unknown name")
            .help(format!("known are {}", LIMITS.join(", ")))),
    }
}

/// Paths below /dev, and addresses of PCI devices.
pub(super) fn devices(devices: &[String], place: &Place<'_>) -> Result<Vec<String>, Fault> {
    let is_path = |device: &str| device.starts_with("/dev/") && !device.split('/').any(|part| part == "..");
    match devices.iter().find(|device| !is_path(device) && !is_pci(device)) {
        None => Ok(devices.to_vec()),
        Some(device) => Err(place
            .fault(
                "devices",
                format!("`{device}` is not the path of a device node"),
                "neither below /dev nor the address of a PCI device",
            )
            .help("write it like devices = [\"/dev/net/tun\"], or devices = [\"0000:01:00.0\"]")),
    }
}

/// An address as the kernel writes it, `0000:01:00.0`: domain, bus, device, function (Documentation/PCI/sysfs-pci.rst).
fn is_pci(text: &str) -> bool {
    let fits = |(wanted, found): (u8, u8)| match wanted {
        b'x' => found.is_ascii_digit() || (b'a'..=b'f').contains(&found),
        b'7' => (b'0'..=b'7').contains(&found),
        separator => found == separator,
    };
    let form = "xxxx:xx:xx.7";
    text.len() == form.len() && form.bytes().zip(text.bytes()).all(fits)
}

/// `/on/the/host:/inside` with `:ro` or `:rw`; what lies on the host may be relative to the experiment file.
pub(super) fn volumes(volumes: &[String], place: &Place<'_>) -> Result<Vec<Volume>, Fault> {
    let volume = |text: &String| {
        let mut parts = text.split(':');
        let (source, target, mode) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
        let read_only = match mode {
            Some("ro") => true,
            None | Some("rw") => false,
            Some(_) => return None,
        };
        let right = !source.is_empty() && target.len() > 1 && target.starts_with('/') && parts.next().is_none();
        let inside = !target.split('/').any(|part| part == "..");
        let volume = || Volume { source: beside(place.folder, source), target: target.to_owned(), read_only, made: false };
        (right && inside).then(volume)
    };
    volumes
        .iter()
        .map(|text| {
            volume(text).ok_or_else(|| {
                place
                    .fault("volumes", format!("`{text}` is not a volume"), "wanted is /on/the/host:/inside")
                    .help("add :ro to have it read-only: volumes = [\"/srv/data:/data:ro\"]")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_pci;

    #[test]
    fn pci_devices_are_known_by_their_addresses() {
        assert!(is_pci("0000:01:00.0") && is_pci("10af:ff:1f.7"));
        for other in ["01:00.0", "0000:01:00:0", "0000.01.00.0", "0000:01:00.8", "0000:01:0g.0", "0000:01:00.0 ", "vfio"] {
            assert!(!is_pci(other), "{other}");
        }
    }
}
