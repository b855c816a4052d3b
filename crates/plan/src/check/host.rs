//! A record's CPUs, nodes and kernel, as questions are asked of them.

use std::collections::BTreeMap;

use super::cpus::{Cpus, MOST, parse_boot_list, parse_list};
use super::record::Record;

/// Where the kernel tells of its CPUs.
pub(super) const CPU: &str = "/sys/devices/system/cpu";

/// Where the kernel tells of its NUMA nodes.
pub(super) const NODE: &str = "/sys/devices/system/node";

/// A record, and what every topic asks of it.
pub(super) struct Host<'a> {
    pub(super) record: &'a Record,
    /// CPUs that run.
    pub(super) online: Cpus,
    /// CPUs that this process may use.
    pub(super) allowed: Cpus,
    /// Hardware threads of one core, by each of them; a CPU that is alone in its core has itself only.
    pub(super) siblings: BTreeMap<usize, Cpus>,
    /// CPUs of each NUMA node.
    pub(super) nodes: BTreeMap<usize, Cpus>,
    /// Cores made for speed, and those made for thrift, where there are two kinds.
    pub(super) kinds: Option<(Cpus, Cpus)>,
    /// The kernel's command line, as parameters.
    pub(super) parameters: Vec<(&'a str, Option<&'a str>)>,
}

/// Whose packages and files a distribution has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kin {
    /// Debian's, Ubuntu's among them.
    Debian,
    /// Fedora's, those of Red Hat among them.
    Fedora,
    /// Another's, or nobody tells.
    Other,
}

impl<'a> Host<'a> {
    pub(super) fn new(record: &'a Record) -> Self {
        let allowed = record.field("/proc/self/status", "Cpus_allowed_list").and_then(parse_list);
        let online = record.list(&format!("{CPU}/online")).filter(|cpus| !cpus.is_empty());
        let online = online.or_else(|| allowed.clone()).unwrap_or_default();
        let allowed = allowed.map_or_else(|| online.clone(), |allowed| allowed.intersection(&online).copied().collect());
        let siblings = online.iter().map(|cpu| (*cpu, siblings(record, *cpu, &online))).collect();
        Self { nodes: nodes(record), kinds: kinds(record), parameters: parameters(record), record, online, allowed, siblings }
    }

    /// Other threads of the cores of these CPUs, that run and are not among them.
    pub(super) fn idle_siblings(&self, cpus: &Cpus) -> Cpus {
        let threads = cpus.iter().filter_map(|cpu| self.siblings.get(cpu)).flatten();
        threads.copied().filter(|cpu| !cpus.contains(cpu)).collect()
    }

    /// Whether any core has more than one thread.
    pub(super) fn has_siblings(&self) -> bool {
        self.siblings.values().any(|threads| threads.len() > 1)
    }

    /// The NUMA node of a CPU.
    pub(super) fn node_of(&self, cpu: usize) -> Option<usize> {
        self.nodes.iter().find(|(_, cpus)| cpus.contains(&cpu)).map(|(node, _)| *node)
    }

    /// A parameter of the kernel's command line, by its last mention, which is the one that counts for most of them.
    #[allow(clippy::option_option, reason = "absent, there by itself and there with a value are three things")]
    pub(super) fn parameter(&self, name: &str) -> Option<Option<&'a str>> {
        self.parameters.iter().rev().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }

    /// A list of CPUs on the kernel's command line; `None` when it is none.
    pub(super) fn boot_list(&self, text: &str) -> Option<Cpus> {
        let present = self.record.list(&format!("{CPU}/present")).unwrap_or_default();
        let last = present.last().or(self.online.last()).copied();
        last.map_or_else(|| parse_list(text), |last| parse_boot_list(text, last))
    }

    /// An option of the kernel's configuration: `Some(Some(value))` when it is set, `Some(None)` when it is not, `None` when no
    /// configuration is told.
    #[allow(clippy::option_option, reason = "not told, not set and set are three things")]
    pub(super) fn option(&self, name: &str) -> Option<Option<&'a str>> {
        let text = self.record.text(self.config_file()?)?;
        Some(text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('=')))
    }

    /// Whether an option is built in or a module; `None` when no configuration is told.
    pub(super) fn has_option(&self, name: &str) -> Option<bool> {
        self.option(name).map(|value| matches!(value, Some("y" | "m")))
    }

    /// The file that tells the configuration: one that has an option at least.
    pub(super) fn config_file(&self) -> Option<&'a str> {
        let is_config = |path: &str| path == super::sources::CONFIG || path.starts_with(super::sources::CONFIG_BESIDE);
        let tells = |text: &str| text.lines().any(|line| line.starts_with("CONFIG_"));
        self.record.files.iter().find(|(path, text)| is_config(path) && tells(text)).map(|(path, _)| path.as_str())
    }

    /// Whether the distribution is one of these or like it (os-release(5), `ID` and `ID_LIKE`).
    pub(super) fn is_like(&self, names: &[&str]) -> bool {
        let release = self.record.text("/etc/os-release").unwrap_or_default();
        let values = release.lines().filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")));
        values.flat_map(|value| value.trim_matches(['"', '\'']).split(' ')).any(|word| names.contains(&word))
    }

    /// Whose kin the distribution is.
    pub(super) fn kin(&self) -> Kin {
        if self.is_like(&["debian", "ubuntu"]) {
            Kin::Debian
        } else if self.is_like(&["fedora", "rhel", "centos"]) {
            Kin::Fedora
        } else {
            Kin::Other
        }
    }

    /// The kernel's command line; `None` when it is not there or garbled.
    pub(super) fn command_line(&self) -> Option<&'a str> {
        command_line(self.record)
    }

    /// Whether the first CPU has a flag.
    pub(super) fn has_flag(&self, flag: &str) -> bool {
        self.record.field("/proc/cpuinfo", "flags").is_some_and(|flags| flags.split(' ').any(|found| found == flag))
    }

    /// Whether the processor says that this is a virtual machine.
    pub(super) fn is_guest(&self) -> bool {
        self.has_flag("hypervisor") || self.record.has("/sys/hypervisor/type")
    }

    /// Version of the kernel: 6.12 is `(6, 12)`.
    pub(super) fn version(&self) -> Option<(u32, u32)> {
        let release = self.record.text("/proc/sys/kernel/osrelease")?;
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// Whether the effective user is root in the initial user namespace, where the identity map spans all ids (user_namespaces(7)).
    pub(super) fn is_root(&self) -> bool {
        let initial =
            self.record.text("/proc/self/uid_map").is_some_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
        self.record.calls.euid == Some(0) && initial
    }
}

/// The threads of a CPU's core that run; itself where the kernel does not tell.
fn siblings(record: &Record, cpu: usize, online: &Cpus) -> Cpus {
    let mut threads = record.list(&format!("{CPU}/cpu{cpu}/topology/thread_siblings_list")).unwrap_or_default();
    threads.retain(|thread| online.contains(thread));
    threads.insert(cpu);
    threads
}

fn nodes(record: &Record) -> BTreeMap<usize, Cpus> {
    let node = |name: &str| name.strip_prefix("node")?.parse().ok().filter(|node| *node < MOST);
    let nodes = record.names_below(NODE).filter_map(node);
    nodes.filter_map(|node: usize| Some((node, record.list(&format!("{NODE}/node{node}/cpulist"))?))).collect()
}

/// Intel's hybrid processors have a folder for each kind; of others, the cores of the greatest capacity are made for speed
/// (Documentation/scheduler/sched-capacity.rst).
fn kinds(record: &Record) -> Option<(Cpus, Cpus)> {
    let listed = |path: &str| record.list(path).filter(|cpus| !cpus.is_empty());
    if let (Some(fast), Some(thrifty)) = (listed("/sys/devices/cpu_core/cpus"), listed("/sys/devices/cpu_atom/cpus")) {
        return Some((fast, thrifty));
    }
    let number = |name: &str| name.strip_prefix("cpu")?.parse::<usize>().ok();
    let capacity = |cpu: usize| record.number(&format!("{CPU}/cpu{cpu}/cpu_capacity")).map(|capacity| (cpu, capacity));
    let capacities: Vec<(usize, i64)> = record.names_below(CPU).filter_map(number).filter_map(capacity).collect();
    let most = capacities.iter().map(|(_, capacity)| *capacity).max()?;
    let (fast, thrifty): (Vec<_>, Vec<_>) = capacities.into_iter().partition(|(_, capacity)| *capacity == most);
    let cpus = |pairs: Vec<(usize, i64)>| pairs.into_iter().map(|(cpu, _)| cpu).collect::<Cpus>();
    (!thrifty.is_empty()).then(|| (cpus(fast), cpus(thrifty)))
}

fn command_line(record: &Record) -> Option<&str> {
    record.text("/proc/cmdline").filter(|line| !line.contains(|c: char| c.is_control() || c == '\u{fffd}'))
}

/// Splits the command line at spaces outside quotes (Documentation/admin-guide/kernel-parameters.rst); what follows ` -- ` is for init.
fn parameters(record: &Record) -> Vec<(&str, Option<&str>)> {
    let mut quoted = false;
    let words = command_line(record).unwrap_or_default().split(move |c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    });
    let parameter =
        |word: &'_ str| word.split_once('=').map_or((word.len(), None), |(name, _)| (name.len(), Some(name.len() + 1)));
    let words = words.filter(|word| !word.is_empty()).take_while(|word| *word != "--");
    words
        .map(|word| {
            let (name, value) = parameter(word);
            (&word[..name], value.map(|from| &word[from..]))
        })
        .collect()
}
