//! Whether the path that the packets were to take is still there after the traffic.
//!
//! A bridge or a link that somebody has removed under way makes nobody fail: its neighbours send into the void, and the run would be told
//! as one whose nodes have lost the packets.

use anyhow::bail;
use tailbed_plan::plan::Run;
use tailbed_plan::step::Step;

use crate::apply::{Host, memory_exists};

/// Where an interface was made, `None` for the host's own namespace, and its name.
type Place<'a> = (Option<&'a str>, &'a str);

/// Fails when something that a step made is gone, and names it.
pub(super) fn check(run: &Run, host: &mut Host) -> anyhow::Result<()> {
    for (what, places) in run.steps.iter().filter_map(made) {
        let mut there = false;
        for (namespace, name) in &places {
            there |= host.interfaces(*namespace)?.iter().any(|interface| interface.name == *name);
        }
        if !there {
            let places =
                places.iter().map(|(namespace, name)| format!("{name} in {}", namespace.unwrap_or("the host's namespace")));
            let places = places.collect::<Vec<_>>().join(" and ");
            bail!("the {what} {places} is gone: somebody has removed it while packets were to pass it");
        }
    }
    for step in &run.steps {
        if let Step::MakeMemory(link) = step
            && !memory_exists(link)
        {
            bail!("the memory link {} is gone: somebody has removed it while packets were to pass it", link.path());
        }
    }
    Ok(())
}

/// What a step made, and the places where it can be seen; one is enough. A script may move or rename its node's end of a link, and to
/// remove one end removes both (veth(4)).
fn made(step: &Step) -> Option<(&'static str, Vec<Place<'_>>)> {
    match step {
        Step::MakeVeth { ends } => {
            Some(("link of", ends.iter().map(|end| (end.namespace.as_deref(), end.name.as_str())).collect()))
        }
        Step::MakeTap(tap) => Some(("tap", vec![(tap.namespace.as_deref(), &tap.name)])),
        Step::MakeMacvlan { end, .. } => Some(("macvlan", vec![(end.namespace.as_deref(), &end.name)])),
        Step::MakeBridge { namespace, name, .. } => Some(("bridge", vec![(Some(namespace), name)])),
        _ => None,
    }
}
