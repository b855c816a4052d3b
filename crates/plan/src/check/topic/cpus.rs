//! How many CPUs there are, of which kinds, and what they share.

use crate::check::cores::{Cores, apart};
use crate::check::cpus::{Cpus, list, named};
use crate::check::finding::{Effect, Finding, short};
use crate::check::host::{CPU, Host};

const TOPIC: &str = "CPUs";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    let record = host.record;
    let online = format!("{CPU}/online");
    let mut found = Vec::new();
    if record.list(&online).is_none_or(|cpus| cpus.is_empty()) {
        found.push(Finding::unknown(record, TOPIC, &online, "Which CPUs run"));
    }
    if host.online.is_empty() {
        return found;
    }
    found.push(counted(host));
    found.extend(too_few(host, cores));
    found.extend(offline(host));
    found.extend(kinds(host, cores));
    found.extend(restricted(host));
    found
}

/// Packages, dies, cores, threads and the cache that the most CPUs share.
fn counted(host: &Host<'_>) -> Finding {
    let record = host.record;
    let distinct = |file: &str| {
        let values = host.online.iter().filter_map(|cpu| record.text(&format!("{CPU}/cpu{cpu}/topology/{file}")));
        values.collect::<std::collections::BTreeSet<_>>().len()
    };
    let packages = distinct("physical_package_id");
    // dies are counted within a package
    let dies: std::collections::BTreeSet<_> = host
        .online
        .iter()
        .filter_map(|cpu| {
            let part = |file: &str| record.text(&format!("{CPU}/cpu{cpu}/topology/{file}"));
            Some((part("physical_package_id")?, part("die_id")?))
        })
        .collect();
    let whole: std::collections::BTreeSet<_> = host.siblings.values().collect();
    let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let mut parts = vec![plural(host.online.len(), "CPU runs", "CPUs run"), plural(whole.len(), "core", "cores")];
    if packages > 0 {
        parts.push(plural(packages, "package", "packages"));
    }
    if dies.len() > packages {
        parts.push(plural(dies.len(), "die", "dies"));
    }
    parts.push(plural(host.nodes.len().max(1), "NUMA node", "NUMA nodes"));
    let cache = host.online.first().and_then(|cpu| last_cache(host, *cpu));
    parts.extend(cache);
    Finding::fine(TOPIC, parts.join(", ")).read(record, &format!("{CPU}/online"))
}

/// The last cache of a CPU, its size and who shares it.
fn last_cache(host: &Host<'_>, cpu: usize) -> Option<String> {
    let folder = format!("{CPU}/cpu{cpu}/cache");
    let level = |index: &str| host.record.number(&format!("{folder}/{index}/level"));
    let last = host.record.names_below(&folder).filter(|name| level(name).is_some()).max_by_key(|name| level(name))?;
    let size = short(host.record.text(&format!("{folder}/{last}/size"))?);
    let shared = host.record.list(&format!("{folder}/{last}/shared_cpu_list"))?;
    Some(format!("cache of level {} of {size} shared by {}", level(last)?, named(&shared)))
}

/// A forwarder alone wants 3 cores, the generator one, and the rest of the host one.
fn too_few(host: &Host<'_>, cores: &Cores) -> Option<Finding> {
    let threads = list(&host.online);
    if cores.chosen.is_empty() {
        let is = format!("There is no core to spare for packets: CPUs {threads} are all there is.");
        let why = "Packet loops share a core with everything else on this host, and wait for their turn.";
        let source = "sched(7)";
        let finding = Finding::costly(TOPIC, Effect::Milliseconds, is, why, source);
        return Some(
            finding.note("use a host, or a virtual machine, of at least 2 CPUs; 4 let a generator and a forwarder be apart"),
        );
    }
    if host.online.len() >= 4 {
        return None;
    }
    let is = format!("There are {} CPUs.", host.online.len());
    let why = "A forwarder wants three cores (services and interrupts, receiving, sending), the generator another: with fewer, \
               roles share a core with interrupts and the rest of the host.";
    let source = "Lightweight low-latency virtual networking (TU Munich 2022), 5.4.2";
    Some(
        Finding::costly(TOPIC, Effect::TensOfMicroseconds, is, why, source)
            .read(host.record, &format!("{CPU}/online"))
            .note("tailbed plan FILE tells which roles share a core; use a host of at least 4 CPUs to have them apart"),
    )
}

fn offline(host: &Host<'_>) -> Option<Finding> {
    let path = format!("{CPU}/present");
    let present = host.record.list(&path)?;
    let offline: Cpus = present.difference(&host.online).copied().collect();
    let is = format!("{} there and not running: left out of every choice", named(&offline));
    (!offline.is_empty())
        .then(|| Finding::fine("offline CPUs", is).read(host.record, &path).read(host.record, &format!("{CPU}/online")))
}

/// Cores of two kinds: packets on the slow ones, or on both, are another measurement.
fn kinds(host: &Host<'_>, cores: &Cores) -> Option<Finding> {
    let (fast, thrifty) = host.kinds.as_ref()?;
    let slow: Cpus = cores.chosen.intersection(thrifty).copied().collect();
    let kinds = format!("cores of two kinds: {} for speed, {} for thrift", named(fast), list(thrifty));
    let (core, atom) = ("/sys/devices/cpu_core/cpus", "/sys/devices/cpu_atom/cpus");
    let told = |finding: Finding| {
        if host.record.has(core) {
            finding.read(host.record, core).read(host.record, atom)
        } else {
            finding.seen(format!("{CPU}/cpu*/cpu_capacity"), format!("the greatest: {}", named(fast)))
        }
    };
    if slow.is_empty() {
        return Some(told(Finding::fine("core types", kinds)));
    }
    let is = format!("There are {kinds}; of those for packets, {} are for thrift.", list(&slow));
    let why = "They run at another clock, wake up later and have smaller caches: a role that lands on one is slower by a factor, and \
               repeats that land on different kinds cannot be compared.";
    let finding = Finding::costly("core types", Effect::Microseconds, is, why, "Documentation/scheduler/sched-capacity.rst");
    Some(told(finding).run(format!("tailbed check --cores {}", list(&apart(host, fast)))))
}

/// CPUs that run, but not for us.
fn restricted(host: &Host<'_>) -> Option<Finding> {
    let denied: Cpus = host.online.difference(&host.allowed).copied().collect();
    let is = format!("this process may not use {}: an affinity, a control group or isolcpus keeps it from them", named(&denied));
    (!denied.is_empty()).then(|| {
        Finding::fine("allowed CPUs", is).seen("/proc/self/status", format!("Cpus_allowed_list: {}", list(&host.allowed)))
    })
}
