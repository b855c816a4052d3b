//! The kernel's configuration beside the one that is recommended.

use super::{Parameter, Score, State};
use crate::check::host::Host;

/// Name, value, what it is for.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("CONFIG_NO_HZ_FULL", "y", "no tick while one task runs"),
    ("CONFIG_HIGH_RES_TIMERS", "y", "timers that do not wait for the tick"),
    ("CONFIG_PREEMPT_RT", "y", "the kernel lets itself be preempted nearly everywhere"),
    ("CONFIG_HZ", "100", "a tick that comes seldom, where it comes"),
    ("CONFIG_CPU_FREQ", "n", "no change of frequency"),
    ("CONFIG_CPU_IDLE", "n", "no deep idle states"),
    ("CONFIG_ACPI_PROCESSOR", "n", "no idle states by the firmware"),
    ("CONFIG_RCU_NOCB_CPU", "y", "callbacks of RCU on other cores"),
    ("CONFIG_BRIDGE", "y", "bridges for virtual machines"),
    ("CONFIG_INTEL_IOMMU", "y", "devices in virtual machines"),
    ("CONFIG_IRQ_REMAP", "y", "interrupts of devices in virtual machines"),
    ("CONFIG_KVM", "y", "virtual machines"),
];

/// Why a distribution's kernel has these anyway: they can be switched off while it runs.
const AT_RUN_TIME: [&str; 3] = ["CONFIG_CPU_FREQ", "CONFIG_CPU_IDLE", "CONFIG_ACPI_PROCESSOR"];

/// Scores the configuration.
pub(super) fn score(host: &Host<'_>) -> Score {
    let x86 = ["", "x86_64"].contains(&host.record.calls.machine.as_str());
    let parameters = OPTIONS.iter().map(|(name, value, why)| {
        let on_x86 = ["CONFIG_INTEL_IOMMU", "CONFIG_IRQ_REMAP"].contains(name);
        let state = if on_x86 && !x86 { State::NotHere("for x86 only".to_owned()) } else { state(host, name, value) };
        Parameter { wanted: format!("{name}={value}"), state, why }
    });
    let source = "Performance optimization for latency-sensitive workloads in virtual systems (Arizona State 2015), Table 3.2";
    Score::new("kernel configuration", source, parameters.collect())
}

fn state(host: &Host<'_>, name: &str, wanted: &str) -> State {
    let Some(found) = host.option(name) else {
        return State::Unknown("neither /proc/config.gz nor /boot/config-RELEASE tells".to_owned());
    };
    match (found, wanted) {
        (None, "n") | (Some("m"), "y") => State::There,
        (None, _) => State::Missing,
        (Some(value), _) if value == wanted => State::There,
        (Some(_), "n") if AT_RUN_TIME.contains(&name) => State::NotHere("can be switched off while the kernel runs".to_owned()),
        (Some(value), _) => State::Contradicted(format!("{name}={}", super::short(value))),
    }
}
