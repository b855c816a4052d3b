//! `[nodes.<name>]`: a device under test.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::environment::{Container, Host, Simulated};

/// A node under test. It has an `environment`, or a table of one kind: `[nodes.dut.container]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// A kind (`host`, `container`, `simulated`) or the name of an entry of `[environments]`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub environment: Option<String>,
    /// Settings for when the environment is `host`.
    #[serde(default)]
    #[schemars(with = "Host")]
    pub host: Option<Host>,
    /// Settings for when the environment is `container`.
    #[serde(default)]
    #[schemars(with = "Container")]
    pub container: Option<Container>,
    /// Settings for when the environment is `simulated`.
    #[serde(default)]
    #[schemars(with = "Simulated")]
    pub simulated: Option<Simulated>,
    /// The network function.
    #[serde(default)]
    pub forward: Function,
    /// How many cores it gets.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub cpus: u32,
}

/// A network function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// Layer-2 forwarding: packets that come in by `in` leave by `out` and the other way round, with both MAC addresses rewritten.
    #[default]
    L2fwd,
}

fn one() -> u32 {
    1
}
