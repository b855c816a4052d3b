//! Kinds of links that a kernel may be built without: tried in a network namespace that goes with the attempt.

use std::io;

use rtnetlink::packet_route::link::MacVlanMode;
use rtnetlink::{Handle, LinkBridge, LinkMacVlan, LinkVeth};
use tailbed_format::facts::{Engine, Missing, Privilege};

use super::missing;
use crate::apply::in_a_namespace_of_its_own;

/// Whether bridges and macvlan interfaces can be made. Only root finds out here: without root they are made in a user namespace, and what
/// the kernel refuses is told by the step.
pub(super) fn engines(privilege: Privilege) -> Vec<Engine> {
    if !privilege.root {
        return Vec::new();
    }
    let engine = |kind: &str, option: &str, refused: Option<String>| Engine {
        kind: kind.to_owned(),
        version: None,
        missing: refused.map(|reason| refusal(kind, option, &reason)),
    };
    let refused = |make: fn(&Handle, &tokio::runtime::Runtime) -> Result<(), rtnetlink::Error>| {
        in_a_namespace_of_its_own(|| Ok(tried(make))).unwrap_or_else(|error| Some(error.to_string()))
    };
    vec![engine("bridge", "CONFIG_BRIDGE", refused(bridge)), engine("macvlan", "CONFIG_MACVLAN", refused(macvlan))]
}

fn refusal(kind: &str, option: &str, reason: &str) -> Missing {
    missing(
        format!("the kernel does not make a {kind} ({reason})"),
        format!("use another kind of link, or a kernel with {option}"),
    )
}

/// What the kernel says against it, where it does.
fn tried(make: impl FnOnce(&Handle, &tokio::runtime::Runtime) -> Result<(), rtnetlink::Error>) -> Option<String> {
    let open = || -> io::Result<_> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let context = runtime.enter();
        let (connection, handle, _) = rtnetlink::new_connection()?;
        runtime.spawn(connection);
        drop(context);
        Ok((handle, runtime))
    };
    match open() {
        Ok((handle, runtime)) => make(&handle, &runtime).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

fn bridge(handle: &Handle, runtime: &tokio::runtime::Runtime) -> Result<(), rtnetlink::Error> {
    runtime.block_on(handle.link().add(LinkBridge::new("b").build()).execute())
}

/// An index that no interface of a new namespace has: the kernel counts up from 1, and puts a handful there by itself.
const PARENT: u32 = 10_000;

fn macvlan(handle: &Handle, runtime: &tokio::runtime::Runtime) -> Result<(), rtnetlink::Error> {
    let mut parent = LinkVeth::new("p", "q").build();
    parent.header.index = PARENT;
    runtime.block_on(handle.link().add(parent).execute())?;
    runtime.block_on(handle.link().add(LinkMacVlan::new("m", PARENT, MacVlanMode::Bridge).build()).execute())
}
