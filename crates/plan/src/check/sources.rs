//! What is read off a host: the paths, so that who reads and who judges mean the same. `*` stands for one part of a path.

/// Files whose text is judged.
pub const FILES: &[&str] = &[
    "/etc/os-release",
    "/proc/cmdline",
    "/proc/cpuinfo",
    "/proc/irq/*/smp_affinity_list",
    "/proc/irq/default_smp_affinity",
    "/proc/meminfo",
    "/proc/self/limits",
    "/proc/self/mounts",
    "/proc/self/status",
    "/proc/self/uid_map",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/kernel/nmi_watchdog",
    "/proc/sys/kernel/numa_balancing",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/sched_rt_period_us",
    "/proc/sys/kernel/sched_rt_runtime_us",
    "/proc/sys/kernel/soft_watchdog",
    "/proc/sys/kernel/watchdog_cpumask",
    "/proc/sys/net/netfilter/nf_conntrack_count",
    "/proc/sys/net/netfilter/nf_conntrack_max",
    "/proc/sys/vm/compaction_proactiveness",
    "/proc/sys/vm/stat_interval",
    "/proc/sys/vm/swappiness",
    "/proc/version",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/net/*/device/../numa_node",
    "/sys/class/net/*/device/numa_node",
    "/sys/class/net/*/device/sriov_numvfs",
    "/sys/class/net/*/device/sriov_totalvfs",
    "/sys/class/net/*/device/ptp/*/clock_name",
    "/sys/class/net/*/operstate",
    "/sys/class/net/*/speed",
    "/sys/devices/cpu_atom/cpus",
    "/sys/devices/cpu_core/cpus",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "/sys/devices/system/cpu/cpu*/cache/index*/level",
    "/sys/devices/system/cpu/cpu*/cache/index*/shared_cpu_list",
    "/sys/devices/system/cpu/cpu*/cache/index*/size",
    "/sys/devices/system/cpu/cpu*/cpu_capacity",
    "/sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference",
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_driver",
    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
    "/sys/devices/system/cpu/cpu*/cpuidle/state*/disable",
    "/sys/devices/system/cpu/cpu*/cpuidle/state*/latency",
    "/sys/devices/system/cpu/cpu*/cpuidle/state*/name",
    "/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count",
    "/sys/devices/system/cpu/cpu*/thermal_throttle/package_throttle_count",
    "/sys/devices/system/cpu/cpu*/topology/die_id",
    "/sys/devices/system/cpu/cpu*/topology/physical_package_id",
    "/sys/devices/system/cpu/cpu*/topology/thread_siblings_list",
    "/sys/devices/system/cpu/cpufreq/boost",
    "/sys/devices/system/cpu/cpuidle/current_driver",
    "/sys/devices/system/cpu/intel_pstate/no_turbo",
    "/sys/devices/system/cpu/isolated",
    "/sys/devices/system/cpu/nohz_full",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/present",
    "/sys/devices/system/cpu/smt/active",
    "/sys/devices/system/cpu/vulnerabilities/*",
    "/sys/devices/system/node/node*/cpulist",
    "/sys/devices/system/node/node*/distance",
    "/sys/devices/system/node/node*/hugepages/*/free_hugepages",
    "/sys/devices/system/node/node*/hugepages/*/nr_hugepages",
    "/sys/devices/system/node/online",
    "/sys/devices/virtual/workqueue/cpumask",
    "/sys/fs/cgroup/cgroup.controllers",
    "/sys/fs/cgroup/cpuset.cpus.isolated",
    "/sys/hypervisor/type",
    "/sys/kernel/debug/sched/fair_server/cpu*/runtime",
    "/sys/kernel/debug/sched/preempt",
    "/sys/kernel/irq/*/actions",
    "/sys/kernel/mm/hugepages/*/free_hugepages",
    "/sys/kernel/mm/hugepages/*/nr_hugepages",
    "/sys/kernel/mm/ksm/run",
    "/sys/kernel/mm/transparent_hugepage/defrag",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/realtime",
    "/sys/module/apparmor/parameters/enabled",
];

/// Files of which it matters only that they are there: queues and interrupts of network cards, marks of containers and boot loaders.
pub const MARKS: &[&str] = &[
    "/.dockerenv",
    "/boot/grub/grub.cfg",
    "/boot/grub2/grub.cfg",
    "/boot/loader/loader.conf",
    "/etc/default/grub",
    "/run/.containerenv",
    "/run/systemd/container",
    "/sys/class/net/*/device/../msi_irqs/*",
    "/sys/class/net/*/device/msi_irqs/*",
    "/sys/class/net/*/queues/*/rps_cpus",
    "/sys/class/net/*/queues/*/tx_timeout",
    "/sys/kernel/iommu_groups/*/type",
];

/// Symbolic links whose target is judged by the last part of its path.
pub const LINKS: &[&str] = &["/proc/self/ns/pid", "/sys/class/net/*/device/driver"];

/// The kernel's configuration, where it is told: the running kernel's own words, compressed, or those kept beside its image.
pub const CONFIG: &str = "/proc/config.gz";

/// Where distributions keep a kernel's configuration: this and its release.
pub const CONFIG_BESIDE: &str = "/boot/config-";

/// The options of the kernel's configuration that are judged; a record keeps no others.
pub const OPTIONS: &[&str] = &[
    "CONFIG_ACPI_PROCESSOR",
    "CONFIG_BRIDGE",
    "CONFIG_CPU_FREQ",
    "CONFIG_CPU_IDLE",
    "CONFIG_HIGH_RES_TIMERS",
    "CONFIG_HZ",
    "CONFIG_INTEL_IOMMU",
    "CONFIG_IRQ_REMAP",
    "CONFIG_KVM",
    "CONFIG_NO_HZ_FULL",
    "CONFIG_PREEMPT",
    "CONFIG_PREEMPT_DYNAMIC",
    "CONFIG_PREEMPT_LAZY",
    "CONFIG_PREEMPT_NONE",
    "CONFIG_PREEMPT_RT",
    "CONFIG_PREEMPT_VOLUNTARY",
    "CONFIG_RCU_NOCB_CPU",
    "CONFIG_RT_GROUP_SCHED",
];

/// Programs that move interrupts, tasks or settings about while they run.
pub const PROGRAMS: &[&str] = &["irqbalance", "power-profiles-", "thermald", "tlp", "tuned"];

/// The most of one file that is read, bytes: what lies beyond in a longer one (CPUs in /proc/cpuinfo) repeats what came before.
pub const LONGEST: u64 = 64 << 10;

/// What is kept of a file: all, or of the long ones the lines that are judged; white space at the end goes. `path` is the file's, `text`
/// what it says.
pub fn kept(path: &str, text: &str) -> String {
    let lines = |keep: &dyn Fn(usize, &str) -> bool| {
        let kept = text.lines().enumerate().filter(|(number, line)| keep(*number, line)).map(|(_, line)| line);
        kept.collect::<Vec<_>>().join("\n")
    };
    let begins = |line: &str, names: &[&str]| names.iter().any(|name| line.starts_with(name));
    match path {
        // the first CPU's: the others say the same in all that is judged
        "/proc/cpuinfo" => text.split("\n\n").next().unwrap_or_default().trim_end().to_owned(),
        "/proc/stat" | "/proc/meminfo" => lines(&|number, _| number == 0),
        "/proc/self/status" => lines(&|_, line| begins(line, &["CapEff:", "Cpus_allowed_list:"])),
        "/proc/self/limits" => lines(&|_, line| begins(line, &["Max locked memory", "Max realtime priority"])),
        "/proc/self/mounts" => lines(&|number, line| number == 0 || line.contains(" cgroup")),
        "/etc/os-release" => lines(&|_, line| begins(line, &["ID=", "ID_LIKE="])),
        _ if path == CONFIG || path.starts_with(CONFIG_BESIDE) => {
            lines(&|_, line| line.split_once('=').is_some_and(|(name, _)| OPTIONS.contains(&name)))
        }
        _ => text.trim_end().to_owned(),
    }
}
