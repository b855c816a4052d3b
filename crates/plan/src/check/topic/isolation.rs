//! Whether the scheduler keeps other tasks off the cores for packets.

use crate::check::cores::Cores;
use crate::check::cpus::{Cpus, list, named};
use crate::check::finding::{Effect, Finding};
use crate::check::host::{CPU, Host};

const TOPIC: &str = "isolation";

/// CPUs of isolated partitions (Documentation/admin-guide/cgroup-v2.rst, cpuset.cpus.isolated), from Linux 6.7 on.
const PARTITIONS: &str = "/sys/fs/cgroup/cpuset.cpus.isolated";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    if cores.chosen.is_empty() {
        return Vec::new();
    }
    let record = host.record;
    let file = format!("{CPU}/isolated");
    // the file is empty where nothing is isolated by parameter; what partitions of control groups isolate stands elsewhere
    let Some(mut isolated) = record.list(&file) else {
        return vec![Finding::unknown(record, TOPIC, &file, "Which CPUs are isolated")];
    };
    isolated.extend(record.list(PARTITIONS).unwrap_or_default());
    let open: Cpus = cores.chosen.difference(&isolated).copied().collect();
    if open.is_empty() {
        return vec![
            Finding::fine(TOPIC, format!("no task is put on {} that does not ask for it", named(&cores.chosen)))
                .read(record, &file),
        ];
    }
    let is = format!("The scheduler puts any task on {}.", named(&open));
    let why = "A task that it puts there runs for a slice, or makes the packet loop's core balance load; only real-time priority keeps a \
               packet loop ahead of it. A cpuset of the loop's own does as well as isolcpus.";
    let source = "Documentation/admin-guide/kernel-parameters.txt, isolcpus; cpusets: Lightweight low-latency virtual networking \
                  (TU Munich 2022), 6.2.4";
    let all = list(&cores.chosen);
    vec![
        Finding::costly(TOPIC, Effect::Milliseconds, is, why, source)
            .read(record, &file)
            .note(
                "profile = \"isolated\" in an experiment gives each node a cpuset of its own for as long as a run takes; a partition that \
                 stays would keep tailbed off these cores as well",
            )
            .boot(format!("isolcpus=managed_irq,domain,{all}")),
    ]
}
