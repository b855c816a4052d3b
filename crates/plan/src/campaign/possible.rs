//! Whether a host can carry out a plan. A plan can be looked at anywhere; running it takes more.

use tailbed_format::facts::{Facts, Kvm, Missing};

use super::cells::Planned;
use super::huge_pages;
use crate::document::Document;
use crate::experiment::Accel;
use crate::plan::{Plan, Run, Skipped};
use crate::setup::{Environment, Setup};
use crate::step::{Boot, Kernel, Step};
use crate::text::Overrides;
use crate::text::error::{Fault, PlanError};
use crate::text::{Source, Texts, tree};

/// Tells before anything is touched whether this host will refuse the plan's steps altogether.
///
/// # Errors
/// [`PlanError::Host`] when there are interfaces to make and neither root nor an unprivileged user namespace to make them in, or when a
/// node wants the host's own network without root.
pub fn check_host(plan: &Plan, facts: &Facts) -> Result<(), PlanError> {
    if facts.privilege.root {
        return Ok(());
    }
    let fault = if !facts.privilege.user_namespaces && plan.runs.iter().any(|run| makes_network(run, false)) {
        Fault::host("this host lets only root make network namespaces")
            .help("run it as root, or allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1 or user.max_user_namespaces)")
    } else if plan.runs.iter().any(|run| makes_network(run, true)) {
        Fault::host("a node wants the host's own network namespace, which takes root")
            .help("run it as root, or leave out namespace = \"none\"")
    } else {
        return Ok(());
    };
    let (texts, _) = Texts::new(&Source { name: "", text: b"" }, &Overrides::default());
    Err(fault.report(&texts))
}

/// Takes out the combinations that this host lacks something for.
///
/// The fault is that nothing is left.
pub(super) fn leave_out(
    all: Vec<Planned>,
    document: &Document<'_>,
    facts: &Facts,
) -> Result<(Vec<Skipped>, Vec<Planned>), Fault> {
    let (mut skipped, mut possible) = (Vec::new(), Vec::new());
    for planned in all {
        match missing(&planned.setup, facts) {
            None => possible.push(planned),
            Some((lacking, Missing { reason, way_out })) => {
                skipped.push((lacking, Skipped { parameters: planned.parameters, reason, way_out }));
            }
        }
    }
    match skipped.first() {
        Some((lacking, first)) if possible.is_empty() => {
            let (what, table, name) = match lacking {
                Lacking::Environment(node) => ("the environment of node", "nodes", node),
                Lacking::Link(link) => ("the link", "links", link),
            };
            let at = tree::span(&document.combination(0)?.tree, &[table, name]);
            let mut fault = Fault::host(format!("this host cannot make {what} `{name}`: {}", first.reason))
                .at(at, "not here")
                .help(first.way_out.clone());
            if document.combinations() > 1 {
                fault = fault.help("no other value of the sweep is possible here either");
            }
            Err(fault)
        }
        _ => Ok((skipped.into_iter().map(|(_, skipped)| skipped).collect(), possible)),
    }
}

/// What is said of a combination that is left out.
pub(super) fn sentence(skipped: &Skipped) -> String {
    let values: Vec<_> = skipped.parameters.iter().map(|parameter| format!("{} = {}", parameter.key, parameter.value)).collect();
    format!("left out: {}: {} ({})", values.join(", "), skipped.reason, skipped.way_out)
}

/// What of an experiment this host cannot make, by its name there.
enum Lacking {
    Environment(String),
    Link(String),
}

/// The first node or link that cannot be made here, with what is missing.
fn missing(setup: &Setup, facts: &Facts) -> Option<(Lacking, Missing)> {
    let links = || {
        setup.via.iter().find_map(|via| {
            let missing = facts.missing(&via.medium.kind().to_string())?;
            Some((Lacking::Link(via.name.clone()), missing.clone()))
        })
    };
    missing_environment(setup, facts).map(|(node, missing)| (Lacking::Environment(node), missing)).or_else(links)
}

fn missing_environment(setup: &Setup, facts: &Facts) -> Option<(String, Missing)> {
    setup.nodes.iter().find_map(|node| {
        let engine = facts.missing(node.environment.kind()).cloned();
        let kvm = match (&node.environment, &facts.kvm) {
            (Environment::Vm { accel: Accel::Kvm, .. }, Kvm::Refused(reason)) => Some(Missing {
                reason: format!("guests do not run under KVM: {reason}"),
                way_out: "write accel = \"tcg\" to have it emulated: its times are then the emulator's".to_owned(),
            }),
            _ => None,
        };
        let kernel = match &node.environment {
            Environment::Vm { spec, .. } => match &spec.boot {
                Boot::Kernel { kernel: Kernel::Newest, .. } => facts.missing("kernel").cloned(),
                Boot::Kernel { kernel: Kernel::Named(name), .. } => no_kernel(name, &facts.kernels),
                _ => None,
            },
            _ => None,
        };
        engine.or(kernel).or(kvm).or_else(|| huge_pages::missing(node, facts)).map(|missing| (node.name.clone(), missing))
    })
}

/// What is missing where no kernel in /boot has this release or is of this flavour; one named by its path is looked for later.
fn no_kernel(name: &str, kernels: &[String]) -> Option<Missing> {
    let there = name.contains('/') || kernels.iter().any(|release| Kernel::is_named(release, name));
    (!there).then(|| Missing {
        reason: match kernels {
            [] => format!("there is no kernel `{name}` in /boot, and no other"),
            _ => format!("there is no kernel `{name}` in /boot; there are {}", kernels.join(", ")),
        },
        way_out: format!("apt install linux-image-{name}, where Debian has it"),
    })
}

/// Whether a run makes interfaces, at all or in the host's own network namespace.
fn makes_network(run: &Run, in_the_hosts_own: bool) -> bool {
    run.every_step().any(|step| match step {
        Step::MakeTap(tap) => !in_the_hosts_own || tap.namespace.is_none(),
        Step::MakeVeth { ends } => !in_the_hosts_own || ends.iter().any(|end| end.namespace.is_none()),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use tailbed_format::facts::Privilege;

    use super::*;
    use crate::placement::tests::facts;

    fn plan(environment: &str) -> Plan {
        let text = format!("name = \"x\"\n[nodes.dut.{environment}]\n[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n");
        let text = if environment == "host" { text.replace("[traffic]", "namespace = \"none\"\n[traffic]") } else { text };
        crate::plan(&Source { name: "x", text: text.as_bytes() }, &Overrides::default(), &facts(2), "t").unwrap()
    }

    fn host(root: bool, user_namespaces: bool) -> Facts {
        Facts { privilege: Privilege { root, user_namespaces, real_time: false, lock_memory: false }, ..facts(2) }
    }

    #[test]
    fn a_network_takes_root_or_a_user_namespace_and_a_simulation_nothing() {
        assert!(check_host(&plan("container"), &host(true, false)).is_ok());
        assert!(check_host(&plan("container"), &host(false, true)).is_ok());
        assert_eq!(check_host(&plan("container"), &host(false, false)).map_err(|error| error.exit_code()), Err(3));
        assert!(check_host(&plan("simulated"), &host(false, false)).is_ok());
    }

    #[test]
    fn a_kernel_is_there_by_its_release_or_its_flavour() {
        let kernels = ["6.1.0-56-cloud-amd64", "6.1.0-56-rt-amd64"].map(str::to_owned);
        for name in ["6.1.0-56-rt-amd64", "rt-amd64", "/elsewhere/bzImage"] {
            assert_eq!(no_kernel(name, &kernels), None);
        }
        let missing = no_kernel("amd63", &kernels).unwrap();
        assert_eq!(missing.reason, "there is no kernel `amd63` in /boot; there are 6.1.0-56-cloud-amd64, 6.1.0-56-rt-amd64");
        assert!(no_kernel("t-amd64", &kernels).is_some() && no_kernel("rt-amd64", &[]).is_some());
    }

    #[test]
    fn the_hosts_own_network_takes_root() {
        assert!(check_host(&plan("host"), &host(true, true)).is_ok());
        assert_eq!(check_host(&plan("host"), &host(false, true)).map_err(|error| error.exit_code()), Err(3));
    }
}
