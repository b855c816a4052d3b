//! The capabilities a container has (capabilities(7)).

use anyhow::{Context, bail, ensure};
use rustix::thread::CapabilitySet;

use tailbed_plan::step::ContainerSpec;

/// What the agent inside needs: packet sockets (where it opens any), real-time priority, locked memory. Everything else is dropped, unless it is named.
const NEEDED: CapabilitySet = CapabilitySet::NET_RAW.union(CapabilitySet::SYS_NICE).union(CapabilitySet::IPC_LOCK);

/// Those of a container by their names. All, for a privileged one, are all that this process has itself: nobody can give what they have not.
/// In a user namespace of its own a container may have any: there they reach no further than the namespace.
pub(super) fn of(spec: &ContainerSpec) -> anyhow::Result<Vec<String>> {
    let held = if spec.user_namespace { known() } else { held()? };
    let wanted = if spec.confinement.privileged {
        held
    } else {
        let needed = if spec.confinement.no_raw { NEEDED.difference(CapabilitySet::NET_RAW) } else { NEEDED };
        spec.confinement.capabilities.iter().filter_map(|name| named(name)).fold(needed, CapabilitySet::union)
    };
    Ok(names(wanted))
}

/// Whether all that are named exist and are ours to give.
pub(super) fn check(wanted: &[String]) -> anyhow::Result<()> {
    let held = held()?;
    for name in wanted {
        let Some(capability) = named(name) else { bail!("there is no capability {name}; capabilities(7) lists them") };
        ensure!(held.contains(capability), "this process does not have {name} itself, so no container can be given it");
    }
    Ok(())
}

fn held() -> anyhow::Result<CapabilitySet> {
    Ok(rustix::thread::capabilities(None).context("cannot read this process's capabilities")?.permitted.intersection(known()))
}

/// All that have a name here.
fn known() -> CapabilitySet {
    CapabilitySet::all().iter_names().fold(CapabilitySet::empty(), |all, (_, capability)| all.union(capability))
}

fn names(capabilities: CapabilitySet) -> Vec<String> {
    capabilities.iter_names().map(|(name, _)| format!("CAP_{name}")).collect()
}

fn named(name: &str) -> Option<CapabilitySet> {
    let short = name.strip_prefix("CAP_").unwrap_or(name);
    CapabilitySet::all().iter_names().find(|(known, _)| *known == short).map(|(_, capability)| capability)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_manual() {
        assert_eq!(names(NEEDED), ["CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_SYS_NICE"]);
        assert_eq!(named("CAP_SYS_PTRACE"), Some(CapabilitySet::SYS_PTRACE));
        assert_eq!(named("CAP_FLY"), None);
        assert!(check(&["CAP_FLY".to_owned()]).unwrap_err().to_string().contains("no capability CAP_FLY"));
        // as many as the kernel's uapi/linux/capability.h had in 2026
        assert_eq!(known().bits().count_ones(), 41);
    }
}
