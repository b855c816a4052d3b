//! The knobs, one file each.

mod busy_poll;
mod coalescing;
mod compaction;
mod conntrack;
mod cpuset;
mod default_irqs;
mod energy_preference;
mod fair_server;
mod governor;
mod housekeeping;
mod hugepages;
mod idle_latency;
mod idle_states;
mod irqs;
mod ksm;
mod ksoftirqd;
mod memory_lock;
mod nmi_watchdog;
mod nohz_full;
mod numa_balancing;
mod offloads;
mod queues;
mod rcu;
mod replug;
mod rt_throttling;
mod smt;
mod soft_watchdog;
mod stat_interval;
mod swappiness;
mod thp;
mod thp_defrag;
mod timer_migration;
mod watchdog_cpus;
mod workqueues;

pub(super) use hugepages::{kept as kept_pages, parse as parse_pages};

use super::Knob;

/// Every knob, in the order they are set: CPUs are taken off and brought back before anything is placed on what is left, and what keeps
/// others away comes last, when there is least to keep away.
pub const ALL: &[&Knob] = &[
    &nohz_full::KNOB,
    &smt::KNOB,
    &replug::KNOB,
    &rt_throttling::KNOB,
    &fair_server::KNOB,
    &ksoftirqd::KNOB,
    &memory_lock::KNOB,
    // before the governor: of `performance` some drivers make the preference themselves, and the one found before would not be known
    &energy_preference::KNOB,
    &governor::KNOB,
    &idle_latency::KNOB,
    &idle_states::KNOB,
    &thp::KNOB,
    &thp_defrag::KNOB,
    &ksm::KNOB,
    &numa_balancing::KNOB,
    &swappiness::KNOB,
    &compaction::KNOB,
    &stat_interval::KNOB,
    &hugepages::KNOB,
    &nmi_watchdog::KNOB,
    &soft_watchdog::KNOB,
    &watchdog_cpus::KNOB,
    &timer_migration::KNOB,
    &workqueues::KNOB,
    &rcu::KNOB,
    &default_irqs::KNOB,
    &irqs::KNOB,
    &busy_poll::KNOB,
    &coalescing::KNOB,
    &queues::KNOB,
    &offloads::KNOB,
    &conntrack::KNOB,
    &cpuset::KNOB,
    &housekeeping::KNOB,
];
