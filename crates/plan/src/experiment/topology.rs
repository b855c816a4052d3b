//! `[topology]`: nodes and links drawn at random.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Node;

/// A random topology of like nodes, in place of `[nodes]`, `[links]` and `[traffic.streams]`. The same shape, number and seed give the
/// same on every machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// What is drawn.
    #[serde(default)]
    pub shape: Shape,
    /// How many nodes it has: 1 to 64, a ring 2 or more.
    #[schemars(range(min = 1, max = 64))]
    pub nodes: u32,
    /// No fewer nodes than this: the number is drawn from between the two. All have `nodes` when it is not given.
    #[serde(default)]
    #[schemars(with = "u32", range(min = 1, max = 64))]
    pub least: Option<u32>,
    /// Seed of all that is drawn.
    #[serde(default = "one")]
    pub seed: u64,
    /// What each of the nodes is, with the keys of `[nodes.<name>]`.
    pub node: Node,
}

/// A shape of topologies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One of the others, at random.
    #[default]
    Any,
    /// One node after the other; some have a stream of their own that sets out there.
    Line,
    /// Streams set out at the leaves, and at some nodes on the way, and come together towards the root.
    Tree,
    /// Each node is linked to the next and the last to the first; streams set out at some, and leave the ring at one.
    Ring,
    /// Streams set out at the root and come in behind every leaf: the nodes are routers (`l3fwd`), whose routes are drawn with them. With
    /// `bidirectional` each leaf sends to the root as well. `any` never is one.
    Fan,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Line => "line",
            Self::Tree => "tree",
            Self::Ring => "ring",
            Self::Fan => "fan",
        })
    }
}

fn one() -> u64 {
    1
}
