//! Hosts with fixed facts, so that plans come out the same everywhere.

use tailbed_format::facts::{Cgroup, Facts, Privilege};

/// A small virtual machine: two cores, version 1 control groups with version 2 mounted besides, root.
pub(crate) fn small() -> Facts {
    let controllers = ["cpu", "cpuset", "memory"];
    Facts {
        tool_version: "0.1.0".to_owned(),
        tool_commit: None,
        hostname: "small".to_owned(),
        cpu_model: "Example CPU".to_owned(),
        cpus: vec![0, 1],
        memory_nodes: vec![0],
        memory: 8 << 30,
        kernel: "Linux 6.18.0".to_owned(),
        command_line: String::new(),
        mitigations: Vec::new(),
        clocksource: "tsc".to_owned(),
        invariant_tsc: true,
        hypervisor: Some("KVM".to_owned()),
        cgroup: Cgroup::V1 {
            controllers: controllers.map(|name| (name.to_owned(), format!("/sys/fs/cgroup/{name}"))).to_vec(),
            unified: Some("/sys/fs/cgroup/unified".to_owned()),
        },
        privilege: Privilege { root: true, user_namespaces: true, real_time: true, lock_memory: true },
        rt_runtime_us: Some(950_000),
        no_packet_sockets: None,
        engines: Vec::new(),
        kvm: tailbed_format::facts::Kvm::Unknown,
        kernels: vec!["6.1.0-56-cloud-amd64".to_owned()],
    }
}

/// A server: eight cores, version 2 control groups, root.
#[allow(dead_code, reason = "each test binary takes the hosts it needs")]
pub(crate) fn server() -> Facts {
    Facts {
        hostname: "server".to_owned(),
        kernels: ["6.1.0-56-cloud-amd64", "6.1.0-56-rt-amd64"].map(str::to_owned).to_vec(),
        cpus: (0..8).collect(),
        memory: 64 << 30,
        hypervisor: None,
        cgroup: Cgroup::V2 {
            mount: "/sys/fs/cgroup".to_owned(),
            controllers: ["cpuset", "cpu", "memory"].map(str::to_owned).to_vec(),
        },
        ..small()
    }
}

/// Somebody's laptop: four cores, no root, nothing granted but a user namespace.
#[allow(dead_code, reason = "each test binary takes the hosts it needs")]
pub(crate) fn laptop() -> Facts {
    Facts {
        hostname: "laptop".to_owned(),
        cpus: (0..4).collect(),
        cgroup: Cgroup::None,
        privilege: Privilege { root: false, user_namespaces: true, real_time: false, lock_memory: false },
        ..small()
    }
}
