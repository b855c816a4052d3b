//! Environments as the shell lines a person would type.

use tailbed_format::facts::Accelerator;

use super::{list, variable};
use crate::step::{
    AgentEnvironment, Boot, ContainerSpec, Hardware, HugePageLimit, Kernel, LxcSource, LxcSpec, Machine, Masks, VmSpec,
};

/// Making what stays when the environment stops.
pub(super) fn provision(node: &str, environment: &AgentEnvironment) -> Vec<String> {
    match environment {
        AgentEnvironment::Host => Vec::new(),
        AgentEnvironment::Container(spec) => {
            let root = spec.image.as_ref().map_or("tailbed alone".to_owned(), |image| format!("{image} with tailbed"));
            vec![format!("mkdir -p /run/tailbed/{}  # bundle of {node}; root: {root}", spec.id)]
        }
        AgentEnvironment::Lxc(spec) => vec![lxc_create(spec)],
        AgentEnvironment::Docker(spec) => {
            let image = spec.image.as_deref().unwrap_or("tailbed");
            vec![format!("docker create --name {} --network none {image} tailbed agent", spec.id)]
        }
        AgentEnvironment::Vm(spec) => match &spec.boot {
            Boot::Kernel { .. } => {
                vec![format!("cpio -o -H newc > {}.initramfs  # tailbed as /init, and the kernel's modules", spec.id)]
            }
            Boot::Disk { .. } => {
                vec![format!("mkdir -p {0}.seed && cp tailbed {0}.seed  # cloud-init's NoCloud seed with the agent", spec.id)]
            }
        },
    }
}

fn lxc_create(spec: &LxcSpec) -> String {
    match &spec.source {
        LxcSource::Template { name, options } => {
            let options = if options.is_empty() { String::new() } else { format!(" -- {}", options.join(" ")) };
            format!("lxc-create --name {} --template {name}{options}", spec.id)
        }
        LxcSource::Image(image) => format!("lxc-create --name {} --template none  # root: {image}", spec.id),
    }
}

/// Making it out of another.
pub(super) fn clone(node: &str, environment: &AgentEnvironment, from: &str) -> Vec<String> {
    match environment {
        AgentEnvironment::Lxc(LxcSpec { id, .. }) => {
            vec![format!("cp --archive /run/tailbed/{from}/written /run/tailbed/{id}  # the root file system below is shared")]
        }
        AgentEnvironment::Vm(VmSpec { id, boot: Boot::Kernel { .. }, .. }) => {
            let migrate = format!("migrate \"exec:cat > /run/tailbed/{id}/state\"");
            let commands = format!("printf 'stop\\n{migrate}\\ncont\\n'");
            vec![format!("{commands} | qmp-shell -H /run/tailbed/{from}/monitor.sock  # started below with -incoming")]
        }
        _ => provision(node, environment),
    }
}

/// Starting the environment with the agent in it.
pub(super) fn start(node: &str, namespace: Option<&str>, environment: &AgentEnvironment) -> Vec<String> {
    let inside = namespace.map_or(String::new(), |namespace| format!("ip netns exec {namespace} "));
    let adopt = |pid: &str| namespace.map(|namespace| format!("ip netns attach {namespace} {pid}"));
    match environment {
        AgentEnvironment::Host => vec![format!("{inside}tailbed agent & {}=$!", variable(node))],
        AgentEnvironment::Container(spec) => {
            let id = &spec.id;
            let network = match namespace {
                Some(namespace) if !environment.brings_namespace() => format!("/run/netns/{namespace}"),
                Some(_) => "a network of its own".to_owned(),
                None => "the host's network".to_owned(),
            };
            let group = spec.cgroup.as_ref().map_or(String::new(), |path| format!(", control group /{path}"));
            let prefer = spec.preferred_node.map_or(String::new(), |node| format!("numactl --preferred={node} "));
            let masks = spec.masks.as_ref().map_or(String::new(), |masks| masked(masks, &spec.devices));
            let run = format!(
                "{prefer}runc run --detach --bundle /run/tailbed/{id} {id}  # runs: tailbed agent; {network}{group}{masks}"
            );
            let pid = format!("$(runc state {id} | jq .pid)");
            huge_pages(spec).chain([run]).chain(adopt(&pid).filter(|_| environment.brings_namespace())).collect()
        }
        AgentEnvironment::Lxc(spec) => {
            let id = &spec.id;
            let hardware = hardware(&spec.hardware);
            vec![format!("lxc-start --name {id}{hardware}"), format!("lxc-attach --name {id} -- /tailbed agent &")]
        }
        AgentEnvironment::Docker(spec) => {
            let id = &spec.id;
            let pid = format!("$(docker inspect --format '{{{{.State.Pid}}}}' {id})");
            [format!("docker start {id}{}", hardware(&spec.hardware))].into_iter().chain(adopt(&pid)).collect()
        }
        AgentEnvironment::Vm(spec) => vec![qemu(spec)],
    }
}

/// Each size's hugetlbfs, in a mount namespace that goes with the container.
fn huge_pages(spec: &ContainerSpec) -> impl Iterator<Item = String> {
    let mount = |(number, limit): (usize, &HugePageLimit)| {
        let (options, inside) = (limit.mount_options(), limit.inside(number));
        format!("mount -t hugetlbfs -o {options} none /run/tailbed/{}/private/hugepages-{number}  # seen at {inside}", spec.id)
    };
    spec.hugepages.iter().enumerate().map(mount)
}

/// What an engine's container gets of the hardware, in words.
fn hardware(hardware: &Hardware) -> String {
    let pages = hardware
        .hugepages
        .iter()
        .enumerate()
        .map(|(number, limit)| format!("hugetlbfs at {} ({})", limit.inside(number), limit.mount_options()));
    let group = hardware.cgroup.iter().map(|path| format!("its huge pages are counted in /{path}"));
    let said = pages.chain(group).collect::<Vec<_>>().join("; ");
    let masks = hardware.masks.as_ref().map_or(String::new(), |masks| masked(masks, &hardware.devices));
    match (said.as_str(), masks.strip_prefix("; ")) {
        ("", None) => String::new(),
        ("", Some(masks)) => format!("  # {masks}"),
        (said, _) => format!("  # {said}{masks}"),
    }
}

/// What /sys shows, in words.
fn masked(masks: &Masks, devices: &[String]) -> String {
    let pci: Vec<_> = devices.iter().filter(|device| !device.starts_with('/')).map(String::as_str).collect();
    let pci = if pci.is_empty() { "no PCI device".to_owned() } else { pci.join(", ") };
    let cpus = if masks.cpus.is_empty() { String::new() } else { format!("cpu {}, ", list(&masks.cpus)) };
    format!("; /sys shows {cpus}{pci}")
}

fn qemu(spec: &VmSpec) -> String {
    let machine = match spec.machine {
        Machine::Q35 => "q35",
        Machine::Microvm => "microvm",
    };
    let accelerator = match spec.accelerator {
        Accelerator::Kvm => "kvm",
        Accelerator::Tcg => "tcg",
    };
    let boots = match &spec.boot {
        Boot::Kernel { kernel, command_line, root } => {
            let kernel = match kernel {
                Kernel::Newest => "/boot/vmlinuz-*".to_owned(),
                Kernel::Host => "/boot/vmlinuz-$(uname -r)".to_owned(),
                Kernel::Named(path) if path.contains('/') => path.clone(),
                Kernel::Named(release) => format!("/boot/vmlinuz-{release}"),
            };
            let command_line = if command_line.is_empty() { String::new() } else { format!(" -append '{command_line}'") };
            let root = root.as_ref().map_or(String::new(), |root| format!(" -drive file={root},if=virtio,readonly=on"));
            format!("-kernel {kernel} -initrd {}.initramfs{command_line}{root}", spec.id)
        }
        Boot::Disk { image } => format!("-drive file={image},if=virtio,snapshot=on"),
    };
    let interfaces = spec.interfaces.iter().fold(String::new(), |all, interface| {
        format!("{all} -nic tap,ifname={},mac={},model=virtio-net-pci", interface.tap, interface.mac)
    });
    let more = spec.arguments.iter().fold(String::new(), |all, argument| format!("{all} {argument}"));
    let mebibytes = spec.memory >> 20;
    let smp = spec.vcpus;
    format!(
        "qemu-system-x86_64 -machine {machine} -accel {accelerator} -smp {smp} -m {mebibytes}M {boots}{interfaces}{more} &  # {}",
        spec.id
    )
}

/// Removing what it was provisioned with.
pub(super) fn remove(kind: &str, id: &str) -> Vec<String> {
    match kind {
        "container" => vec![format!("rm -r /run/tailbed/{id}")],
        "lxc" => vec![format!("lxc-destroy --name {id}")],
        "docker" => vec![format!("docker rm {id}")],
        "vm" => vec![format!("rm {id}.*")],
        _ => Vec::new(),
    }
}

/// Stopping it.
pub(super) fn stop(node: &str, kind: &str, id: Option<&str>) -> Vec<String> {
    match (kind, id) {
        ("container", Some(id)) => vec![format!("runc delete --force {id}")],
        ("lxc", Some(id)) => vec![format!("lxc-stop --name {id}")],
        ("docker", Some(id)) => vec![format!("docker stop {id}")],
        ("vm", Some(_)) => vec![format!("kill ${}  # the emulator", variable(node))],
        _ => vec![format!("kill ${}", variable(node))],
    }
}
