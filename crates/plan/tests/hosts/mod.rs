//! Hosts with fixed facts, so that plans come out the same everywhere.

use tailbed_format::facts::{Cgroup, Facts, HugePagePool, Privilege};
use tailbed_format::settings::{KernelThread, Settings};

/// A small virtual machine: two cores, version 1 control groups with version 2 mounted besides, root.
pub(crate) fn small() -> Facts {
    let controllers = ["cpu", "cpuset", "memory"];
    Facts {
        tool_version: "0.1.0".to_owned(),
        tool_commit: None,
        hostname: "small".to_owned(),
        cpu_model: "Example CPU".to_owned(),
        cpus: vec![0, 1],
        processors: Vec::new(),
        cards: Vec::new(),
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
            unified_controllers: Vec::new(),
        },
        privilege: Privilege { root: true, user_namespaces: true, real_time: true, lock_memory: true },
        rt_runtime_us: Some(950_000),
        no_packet_sockets: None,
        engines: Vec::new(),
        kvm: tailbed_format::facts::Kvm::Unknown,
        kernels: vec!["6.1.0-56-cloud-amd64".to_owned()],
        huge_pages: [None, Some(0)].into_iter().flat_map(huge_pages).collect(),
        settings: Settings::default(),
    }
}

/// Sixteen pages of 2 MiB, none of 1 GiB.
fn huge_pages(node: Option<usize>) -> [HugePagePool; 2] {
    [(2 << 20, 16), (1 << 30, 0)].map(|(page, free)| HugePagePool { node, page, total: free, free })
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
        settings: settings(),
        ..small()
    }
}

/// What knobs read of the server: two threads to a core (0 and 4, 1 and 5 and so on), interrupts of which one is the kernel's to place, no
/// idle states.
fn settings() -> Settings {
    let files = [
        ("/dev/cpu_dma_latency", ""),
        ("/proc/irq/30/smp_affinity_list", "0-7"),
        ("/proc/irq/31/smp_affinity_list", "2"),
        ("/proc/irq/32/smp_affinity_list", "0-7"),
        ("/proc/irq/default_smp_affinity", "ff"),
        ("/proc/sys/kernel/nmi_watchdog", "1"),
        ("/proc/sys/kernel/numa_balancing", "1"),
        ("/proc/sys/kernel/soft_watchdog", "1"),
        ("/proc/sys/kernel/timer_migration", "1"),
        ("/proc/sys/kernel/watchdog_cpumask", "0-7"),
        ("/proc/sys/net/core/busy_poll", "0"),
        ("/proc/sys/net/core/busy_read", "0"),
        ("/proc/sys/vm/compaction_proactiveness", "20"),
        ("/proc/sys/vm/stat_interval", "1"),
        ("/proc/sys/vm/swappiness", "60"),
        ("/sys/devices/system/cpu/nohz_full", "(null)"),
        ("/sys/devices/system/cpu/online", "0-7"),
        ("/sys/devices/system/node/node0/cpulist", "0-7"),
        ("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", "0"),
        ("/sys/devices/virtual/workqueue/cpumask", "ff"),
        ("/sys/fs/cgroup/init.scope/cgroup.type", "domain"),
        ("/sys/fs/cgroup/system.slice/cgroup.type", "domain"),
        ("/sys/fs/cgroup/user.slice/cgroup.type", "domain"),
        ("/sys/kernel/irq/30/actions", "eth0-rx-0"),
        ("/sys/kernel/irq/31/actions", "nvme0q3"),
        ("/sys/kernel/irq/32/actions", ""),
        ("/sys/kernel/mm/ksm/run", "0"),
        ("/sys/kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise [madvise] never"),
        ("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never"),
    ];
    let mut settings = Settings::default();
    for (path, text) in files {
        settings.files.insert(path.to_owned(), text.to_owned());
    }
    for cpu in 0..8 {
        let folder = format!("/sys/devices/system/cpu/cpu{cpu}");
        settings.files.insert(format!("{folder}/topology/thread_siblings_list"), format!("{},{}", cpu % 4, cpu % 4 + 4));
        settings.files.insert(format!("{folder}/cpufreq/scaling_governor"), "powersave".to_owned());
        settings.files.insert(format!("{folder}/cpufreq/scaling_available_governors"), "performance powersave".to_owned());
        settings.files.insert(format!("{folder}/cpufreq/energy_performance_preference"), "balance_performance".to_owned());
        if cpu > 0 {
            settings.files.insert(format!("{folder}/online"), "1".to_owned());
        }
    }
    settings.fixed.insert("/proc/irq/31/smp_affinity_list".to_owned());
    let thread =
        |name: &str, cpus: &str, bound| KernelThread { name: name.to_owned(), cpus: cpus.to_owned(), bound, priority: 0 };
    settings.threads = (0..8).map(|cpu| thread(&format!("ksoftirqd/{cpu}"), &cpu.to_string(), true)).collect();
    settings.threads.extend([thread("rcu_preempt", "0-7", false), thread("rcuc/2", "2", true), thread("rcuog/0", "0-7", false)]);
    settings
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
