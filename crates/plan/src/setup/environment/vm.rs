//! Settings of virtual machines.

use std::path::Path;

use tailbed_format::facts::Accelerator;

use super::{Environment, Place, beside};
use crate::experiment;
use crate::step::{Boot, Kernel, Machine, VmSpec};
use crate::text::error::Fault;

/// A kernel with our initial RAM file system unpacked does not come up with less.
const LEAST_MEMORY: u64 = 64 << 20;

/// QEMU's own limit for q35 (`hw/i386/pc_q35.c`, `max_cpus`) is higher; more than this is a slip.
const MOST_VCPUS: u32 = 256;

pub(super) fn resolve(settings: &experiment::Vm, place: &Place<'_>) -> Result<Environment, Fault> {
    if settings.memory.0 < LEAST_MEMORY {
        return Err(place
            .fault(
                "memory",
                format!("{} are too little memory for a virtual machine", settings.memory),
                "at least 64MiB is needed",
            )
            .help("write it like memory = \"256MiB\""));
    }
    if let Some(vcpus) = settings.vcpus.filter(|vcpus| !(1..=MOST_VCPUS).contains(vcpus)) {
        return Err(place.fault("vcpus", format!("`vcpus` is {vcpus}"), &format!("1 to {MOST_VCPUS} is allowed")));
    }
    if settings.boot_timeout.0 == 0 {
        return Err(place
            .fault("boot_timeout", "a virtual machine does not boot in no time".to_owned(), "too short")
            .help("write it like boot_timeout = \"60s\""));
    }
    let spec = VmSpec {
        id: String::new(),
        accelerator: Accelerator::Tcg,
        machine: match settings.machine {
            experiment::Machine::Q35 => Machine::Q35,
            experiment::Machine::Microvm => Machine::Microvm,
        },
        cpu: settings.cpu.clone(),
        vcpus: settings.vcpus.unwrap_or(0) as usize,
        cpus: Vec::new(),
        priority: None,
        memory: settings.memory.0,
        hugepages: settings.hugepages,
        preallocate: settings.preallocate,
        lock_memory: settings.lock_memory,
        boot: boot(settings, place)?,
        interfaces: Vec::new(),
        arguments: settings.qemu.clone(),
        boot_timeout: settings.boot_timeout.0,
    };
    Ok(Environment::Vm { spec: Box::new(spec), accel: settings.accel })
}

fn boot(settings: &experiment::Vm, place: &Place<'_>) -> Result<Boot, Fault> {
    let default = experiment::Vm::default();
    let Some(image) = &settings.image else {
        let kernel = match settings.kernel.as_str() {
            "" => {
                return Err(place
                    .fault("kernel", "the name of the kernel is empty".to_owned(), "which kernel?")
                    .help("write newest, host, a release below /boot, a flavour like rt-amd64, or the path of a kernel image"));
            }
            "newest" => Kernel::Newest,
            "host" => Kernel::Host,
            path if path.contains('/') => Kernel::Named(beside(place.folder, path)),
            release => Kernel::Named(release.to_owned()),
        };
        let root = settings.root.as_deref().map(|root| disk(root, place)).transpose()?;
        return Ok(Boot::Kernel { kernel, command_line: settings.command_line.clone(), root });
    };
    for (key, given, why) in [
        ("kernel", settings.kernel != default.kernel, "the image's own loader chooses the kernel"),
        ("command_line", !settings.command_line.is_empty(), "the image's own loader chooses the kernel"),
        ("root", settings.root.is_some(), "the image brings its own root file system, and one of its own kernels"),
    ] {
        if given {
            return Err(place
                .fault(key, format!("a virtual machine that boots a disk image has no `{key}` of its own"), "not with `image`")
                .help(format!("leave `{key}` or `image` out; {why}")));
        }
    }
    if is_built(image) {
        return Err(place
            .fault("image", format!("`{image}` has no loader of its own to boot"), "what `tailbed image build` makes")
            .help(format!("write root = \"{image}\": a kernel from outside boots into it")));
    }
    if settings.machine == experiment::Machine::Microvm {
        return Err(place
            .fault("machine", "a microvm has no firmware that boots a disk image".to_owned(), "not with `image`")
            .help("use machine = \"q35\""));
    }
    Ok(Boot::Disk { image: beside(place.folder, image) })
}

/// Whether a path is that of a folder that `tailbed image build` makes.
fn is_built(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "image")
}

/// The disk of a root file system; what `tailbed image build` makes has it in it.
fn disk(root: &str, place: &Place<'_>) -> Result<String, Fault> {
    if root.is_empty() {
        return Err(place
            .fault("root", "the path of the root file system is empty".to_owned(), "which disk?")
            .help("write the folder that `tailbed image build` makes, or the path of a disk: root = \"small.image\""));
    }
    let path = beside(place.folder, root.trim_end_matches('/'));
    Ok(if is_built(&path) { format!("{path}/vm.qcow2") } else { path })
}
