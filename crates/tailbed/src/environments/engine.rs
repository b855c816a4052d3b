//! Whether environments can be made here, and what hardware they need.

use tailbed_format::facts::Kvm;

use super::seen::Seen;
use super::{Answer, Feature};

/// Whether each kind can be made here and now.
pub(super) fn available(seen: &Seen) -> Feature {
    let engine = |kind: &str, what: &str| {
        let version = seen.version(kind).map_or(String::new(), |version| format!(" {version}"));
        Answer::unless(seen.missing(kind), format!("{what}{version}"))
    };
    let host = if seen.facts.privilege.root {
        Answer::yes("a process; as root, with cores, priority and kernel settings")
    } else if seen.facts.privilege.user_namespaces {
        Answer::yes("a process in a user namespace of its own; untuned, since that takes root")
    } else {
        Answer::no("links need root or an unprivileged user namespace, and this host allows neither; run tailbed as root")
    };
    Feature {
        name: "available here",
        answers: [
            host,
            engine("container", "the OCI runtime that is part of tailbed"),
            engine("lxc", "LXC"),
            engine("docker", "the Docker engine"),
            engine("vm", "QEMU"),
        ],
    }
}

/// What hardware each kind needs, and whether it is here.
pub(super) fn hardware(seen: &Seen) -> Feature {
    let none = || Answer::other("none", "any processor that the kernel runs on");
    let flag = match seen.virtualization {
        Some("vmx") => "the processor has VT-x",
        Some(_) => "the processor has AMD-V",
        None => "the processor shows neither VT-x nor AMD-V",
    };
    let iommu = match seen.iommu_groups {
        0 => "no IOMMU, so no device can be passed to a guest".to_owned(),
        groups => format!("an IOMMU with {groups} groups of devices, which can be passed to guests"),
    };
    let (short, kvm) = match (&seen.kvm_device, &seen.facts.kvm) {
        (Some(missing), _) => ("TCG", format!("{missing}, so QEMU translates instructions in software")),
        (None, Kvm::Works) => ("KVM", "a guest ran under KVM".to_owned()),
        (None, Kvm::Refused(reason)) => ("TCG", format!("no guest runs under KVM: {reason}")),
        (None, Kvm::Unknown) => {
            ("KVM?", "/dev/kvm opens, and whether a guest runs was not tried yet; a run with a vm tries".to_owned())
        }
    };
    Feature {
        name: "hardware it needs",
        answers: [none(), none(), none(), none(), Answer::other(short, format!("{flag}; {kvm}; {iommu}"))],
    }
}
