//! The sets of parameters that are recommended, by those who published tails measured with them.

use crate::check::cores::Cores;
use crate::check::cpus::list;
use crate::check::host::{CPU, Host};

/// A set.
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) source: &'static str,
    pub(super) wanted: &'static [Wanted],
}

/// What a parameter should say.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// Nothing: that it is there is enough.
    Flag,
    /// The first of these; the others say the same.
    Text(&'static [&'static str]),
    /// The cores for packets, after this.
    Cores(&'static str),
    /// The cores that keep the house.
    Housekeeping,
    /// The size of the huge pages that follow.
    PageSize,
    /// As many huge pages as [`pages`] says.
    Pages,
}

/// A parameter that is recommended.
pub(super) struct Wanted {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) why: &'static str,
    /// Why it has no place on a host; `None` when it has.
    pub(super) place: fn(&Host<'_>, &Cores) -> Option<&'static str>,
    /// What it costs that is not latency, where that is too much to add it unasked.
    pub(super) gives_up: Option<&'static str>,
}

impl Wanted {
    /// As it is written on the command line.
    pub(super) fn text(&self, host: &Host<'_>, cores: &Cores) -> String {
        let none = |text: String| if text.is_empty() { "…".to_owned() } else { text };
        match self.value {
            Value::Flag => self.name.to_owned(),
            Value::Text(texts) => format!("{}={}", self.name, texts.first().unwrap_or(&"")),
            Value::Cores(before) => format!("{}={before}{}", self.name, none(list(&cores.chosen))),
            Value::Housekeeping => format!("{}={}", self.name, none(list(&cores.housekeeping))),
            Value::PageSize => format!("{}=2M", self.name),
            Value::Pages => format!("{}={}", self.name, pages(host)),
        }
    }
}

/// Pages of 2 MiB: 4096, as published, where that is no more than a quarter of the memory, else a quarter.
fn pages(host: &Host<'_>) -> u64 {
    const PUBLISHED: u64 = 4096;
    let kib = host.record.field("/proc/meminfo", "MemTotal").and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map_or(PUBLISHED, |kib| (kib / 4 / 2048).clamp(1, PUBLISHED))
}

/// Everywhere.
fn everywhere(_: &Host<'_>, _: &Cores) -> Option<&'static str> {
    None
}

fn with_cores(_: &Host<'_>, cores: &Cores) -> Option<&'static str> {
    cores.chosen.is_empty().then_some("there is no core to spare")
}

fn x86(host: &Host<'_>, _: &Cores) -> Option<&'static str> {
    (!["", "x86_64"].contains(&host.record.calls.machine.as_str())).then_some("for x86 only")
}

/// On x86 that is no guest.
fn bare(host: &Host<'_>, cores: &Cores) -> Option<&'static str> {
    x86(host, cores).or_else(|| host.is_guest().then_some("a virtual machine's host decides this"))
}

fn intel(host: &Host<'_>, cores: &Cores) -> Option<&'static str> {
    let vendor = host.record.field("/proc/cpuinfo", "vendor_id");
    bare(host, cores).or_else(|| vendor.is_some_and(|vendor| vendor != "GenuineIntel").then_some("for Intel's processors only"))
}

fn steady(host: &Host<'_>, cores: &Cores) -> Option<&'static str> {
    let steady = host.has_flag("constant_tsc") && host.has_flag("nonstop_tsc");
    x86(host, cores).or_else(|| (!steady).then_some("the processor does not promise a steady time-stamp counter"))
}

fn with_siblings(host: &Host<'_>, _: &Cores) -> Option<&'static str> {
    (!host.has_siblings()).then_some("no core runs more than one thread")
}

fn tickless(host: &Host<'_>, cores: &Cores) -> Option<&'static str> {
    let absent = !host.record.has(&format!("{CPU}/nohz_full")) && host.record.has(&format!("{CPU}/isolated"));
    let lacking = host.has_option("CONFIG_NO_HZ_FULL") == Some(false) || absent;
    with_cores(host, cores).or_else(|| lacking.then_some("the kernel was built without NO_HZ_FULL"))
}

fn callbacks(host: &Host<'_>, cores: &Cores) -> Option<&'static str> {
    let lacking = host.has_option("CONFIG_RCU_NOCB_CPU") == Some(false);
    with_cores(host, cores).or_else(|| lacking.then_some("the kernel was built without RCU_NOCB_CPU"))
}

fn watchdog(host: &Host<'_>, _: &Cores) -> Option<&'static str> {
    let told = host.record.has("/proc/sys/kernel/osrelease");
    (told && !host.record.has("/proc/sys/kernel/nmi_watchdog")).then_some("the kernel was built without it")
}

fn soft_watchdog(host: &Host<'_>, _: &Cores) -> Option<&'static str> {
    let told = host.record.has("/proc/sys/kernel/osrelease");
    (told && !host.record.has("/proc/sys/kernel/soft_watchdog")).then_some("the kernel was built without it")
}

fn with_apparmor(host: &Host<'_>, _: &Cores) -> Option<&'static str> {
    (host.record.text("/sys/module/apparmor/parameters/enabled") != Some("Y")).then_some("AppArmor is not on")
}

fn intel_iommu(host: &Host<'_>, cores: &Cores) -> Option<&'static str> {
    let lacking = host.has_option("CONFIG_INTEL_IOMMU") == Some(false);
    intel(host, cores).or_else(|| lacking.then_some("the kernel was built without it"))
}

/// The sets.
pub(super) const SETS: &[Set] = &[
    Set {
        name: "command line for low latency",
        source: "Lightweight low-latency virtual networking (TU Munich 2022), 5.5.3",
        wanted: LOW_LATENCY,
    },
    Set {
        name: "command line for virtual systems",
        source: "Performance optimization for latency-sensitive workloads in virtual systems (Arizona State 2015), Table 3.1",
        wanted: VIRTUAL_SYSTEMS,
    },
];

/// What each does: Documentation/admin-guide/kernel-parameters.txt.
const LOW_LATENCY: &[Wanted] = &[
    Wanted {
        name: "mce",
        value: Value::Text(&["ignore_ce"]),
        why: "corrected memory errors are not polled for",
        place: bare,
        gives_up: None,
    },
    Wanted {
        name: "tsc",
        value: Value::Text(&["reliable", "nowatchdog"]),
        why: "no watchdog compares the time-stamp counter on every core twice a second",
        place: steady,
        gives_up: None,
    },
    Wanted {
        name: "idle",
        value: Value::Text(&["poll"]),
        why: "an idle core spins instead of sleeping: no time to wake up, at full power",
        place: bare,
        gives_up: None,
    },
    Wanted { name: "nohz", value: Value::Text(&["on"]), why: "idle cores need no tick", place: everywhere, gives_up: None },
    Wanted {
        name: "audit",
        value: Value::Text(&["0", "off"]),
        why: "system calls are not looked at for the audit log",
        place: everywhere,
        gives_up: Some("nothing can be audited any more"),
    },
    Wanted {
        name: "nosmt",
        value: Value::Flag,
        why: "no second thread shares a core with a packet loop",
        place: with_siblings,
        gives_up: None,
    },
    Wanted { name: "nohz_full", value: Value::Cores(""), why: "no tick while one task runs", place: tickless, gives_up: None },
    Wanted {
        name: "rcu_nocbs",
        value: Value::Cores(""),
        why: "callbacks of RCU run on other cores",
        place: callbacks,
        gives_up: None,
    },
    Wanted {
        name: "rcu_nocb_poll",
        value: Value::Flag,
        why: "who queues a callback need not wake anybody for it",
        place: callbacks,
        gives_up: None,
    },
    Wanted {
        name: "skew_tick",
        value: Value::Text(&["1"]),
        why: "ticks of different cores do not fall together and wait for the same locks",
        place: everywhere,
        gives_up: None,
    },
    Wanted {
        name: "irqaffinity",
        value: Value::Housekeeping,
        why: "interrupts go to other cores",
        place: with_cores,
        gives_up: None,
    },
    Wanted {
        name: "intel_pstate",
        value: Value::Text(&["disable"]),
        why: "the driver does not change the frequency",
        place: intel,
        gives_up: None,
    },
    Wanted {
        name: "nmi_watchdog",
        value: Value::Text(&["0"]),
        why: "no interrupt that cannot be masked",
        place: watchdog,
        gives_up: None,
    },
    Wanted {
        name: "nosoftlockup",
        value: Value::Flag,
        why: "no watchdog thread on each core",
        place: soft_watchdog,
        gives_up: None,
    },
    Wanted {
        name: "random.trust_cpu",
        value: Value::Text(&["on", "1", "y", "Y"]),
        why: "random numbers are there at boot without gathering interrupts",
        place: x86,
        gives_up: None,
    },
    Wanted {
        name: "intel_idle.max_cstate",
        value: Value::Text(&["0"]),
        why: "the driver of deep idle states is not used",
        place: intel,
        gives_up: None,
    },
    Wanted {
        name: "apparmor",
        value: Value::Text(&["0"]),
        why: "no check of a profile at each system call that it concerns",
        place: with_apparmor,
        gives_up: Some("containers lose their confinement"),
    },
    Wanted {
        name: "intel_iommu",
        value: Value::Text(&["off"]),
        why: "for DPDK by igb_uio, which needs it off",
        place: intel_iommu,
        gives_up: Some("vfio-pci and virtual functions in virtual machines need it on"),
    },
];

/// What each does: Documentation/admin-guide/kernel-parameters.txt; isolcpus keeps interrupts that the kernel manages away as well, which
/// the kernels of its time had no word for.
const VIRTUAL_SYSTEMS: &[Wanted] = &[
    Wanted {
        name: "isolcpus",
        value: Value::Cores("managed_irq,domain,"),
        why: "the scheduler keeps other tasks off, as cpusets would",
        place: with_cores,
        gives_up: None,
    },
    Wanted {
        name: "rcu_nocbs",
        value: Value::Cores(""),
        why: "callbacks of RCU run on other cores",
        place: callbacks,
        gives_up: None,
    },
    Wanted {
        name: "rcu_nocb_poll",
        value: Value::Flag,
        why: "who queues a callback need not wake anybody for it",
        place: callbacks,
        gives_up: None,
    },
    Wanted {
        name: "hugepagesz",
        value: Value::PageSize,
        why: "the size of the huge pages that follow",
        place: everywhere,
        gives_up: None,
    },
    Wanted {
        name: "hugepages",
        value: Value::Pages,
        why: "memory of forwarders and machines in few pages, set aside while it is whole",
        place: everywhere,
        gives_up: None,
    },
];
