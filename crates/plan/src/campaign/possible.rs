//! Whether a host can carry out a plan. A plan can be looked at anywhere; running it takes more.

use tailbed_format::facts::Facts;

use crate::plan::{Plan, Run};
use crate::step::Step;
use crate::text::Overrides;
use crate::text::error::{Fault, PlanError};
use crate::text::{Source, Texts};

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

/// Whether a run makes interfaces, at all or in the host's own network namespace.
fn makes_network(run: &Run, in_the_hosts_own: bool) -> bool {
    run.steps.iter().any(|step| match step {
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
    fn the_hosts_own_network_takes_root() {
        assert!(check_host(&plan("host"), &host(true, true)).is_ok());
        assert_eq!(check_host(&plan("host"), &host(false, true)).map_err(|error| error.exit_code()), Err(3));
    }
}
