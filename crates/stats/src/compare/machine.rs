//! Whether two campaigns were made on one machine, and what of it, or of what was asked of it, differs.

use serde::Serialize;
use tailbed_format::facts::Facts;

/// Something that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What.
    pub what: String,
    /// How the base has it.
    pub base: String,
    /// How the other has it.
    pub other: String,
    /// Whether it makes them different machines, and not one machine set up differently.
    pub machine: bool,
}

/// What differs between the machines of two campaigns, in a fixed order.
///
/// Name, processor, CPUs and hypervisor are the machine; kernel, its command line, mitigations and clock are how it is set up, which is
/// often what is compared.
pub fn differences(base: &Facts, other: &Facts) -> Vec<Difference> {
    let cpus = |facts: &Facts| facts.cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let hypervisor = |facts: &Facts| facts.hypervisor.clone().unwrap_or_else(|| "none".to_owned());
    let mitigations =
        |facts: &Facts| facts.mitigations.iter().map(|(name, state)| format!("{name}: {state}")).collect::<Vec<_>>().join("; ");
    let rows: [(&str, bool, String, String); 9] = [
        ("host", true, base.hostname.clone(), other.hostname.clone()),
        ("processor", true, base.cpu_model.clone(), other.cpu_model.clone()),
        ("CPUs", true, cpus(base), cpus(other)),
        ("hypervisor", true, hypervisor(base), hypervisor(other)),
        ("kernel", false, base.kernel.clone(), other.kernel.clone()),
        ("kernel command line", false, base.command_line.clone(), other.command_line.clone()),
        ("mitigations", false, mitigations(base), mitigations(other)),
        ("clock source", false, base.clocksource.clone(), other.clocksource.clone()),
        ("version of tailbed", false, base.tool_version.clone(), other.tool_version.clone()),
    ];
    let differing = rows.into_iter().filter(|(_, _, base, other)| base != other);
    differing.map(|(what, machine, base, other)| Difference { what: what.to_owned(), base, other, machine }).collect()
}
