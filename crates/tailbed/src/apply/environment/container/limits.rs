//! Resource limits (getrlimit(2)).

use std::collections::BTreeMap;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use tailbed_plan::step::ContainerSpec;

/// Names as in experiment files.
const NAMES: [(&str, Resource); 16] = [
    ("as", Resource::As),
    ("core", Resource::Core),
    ("cpu", Resource::Cpu),
    ("data", Resource::Data),
    ("fsize", Resource::Fsize),
    ("locks", Resource::Locks),
    ("memlock", Resource::Memlock),
    ("msgqueue", Resource::Msgqueue),
    ("nice", Resource::Nice),
    ("nofile", Resource::Nofile),
    ("nproc", Resource::Nproc),
    ("rss", Resource::Rss),
    ("rtprio", Resource::Rtprio),
    ("rttime", Resource::Rttime),
    ("sigpending", Resource::Sigpending),
    ("stack", Resource::Stack),
];

/// The highest real-time priority (sched(7)).
const HIGHEST_PRIORITY: u64 = 99;

/// The limits of a container (config.md, "rlimits"), none above what this process may give, and a sentence for each that had to be lowered.
///
/// Root of a user namespace has no privilege over the host's scheduler and memory, whatever its capabilities; limits are the only way to
/// real-time priority and locked memory there, so they are given without being asked for.
pub(super) fn of(spec: &ContainerSpec) -> (Vec<Value>, Vec<String>) {
    let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
    if spec.user_namespace {
        wanted.extend([("rtprio", HIGHEST_PRIORITY), ("memlock", u64::MAX)]);
    }
    let asked = &spec.confinement.rlimits;
    wanted.extend(asked.iter().map(|(name, limit)| (name.as_str(), *limit)));
    let (mut limits, mut lowered) = (Vec::new(), Vec::new());
    for (name, resource) in NAMES {
        let Some(&limit) = wanted.get(name) else { continue };
        let given = limit.min(most(resource, limit));
        limits.push(json!({ "type": format!("RLIMIT_{}", name.to_uppercase()), "soft": given, "hard": given }));
        if given < limit && asked.contains_key(name) {
            lowered.push(format!("the limit {name} is {given} instead of {limit}: more is not ours to give (getrlimit(2))"));
        }
    }
    (limits, lowered)
}

/// The most we may give: our own hard limit, raised first where we may (CAP_SYS_RESOURCE), which the container's processes, being in a user
/// namespace by the time they set theirs, may not.
fn most(resource: Resource, wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(resource);
    let Some(hard) = maximum.filter(|hard| *hard < wanted) else { return wanted };
    let raised = Rlimit { current, maximum: (wanted != u64::MAX).then_some(wanted) };
    if setrlimit(resource, raised).is_ok() { wanted } else { hard }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_within_our_own_is_given_as_it_is() {
        assert_eq!(most(Resource::Nofile, 3), 3);
        // nobody has more than all
        assert!(most(Resource::Nofile, u64::MAX) >= getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX));
    }
}
