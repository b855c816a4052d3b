//! `[nodes.<name>]`: a device under test.

use schemars::JsonSchema;
use serde::Deserialize;
use tailbed_format::order::BATCH;
use tailbed_format::port::Ports;
use tailbed_format::unit::Time;

use super::environment::{Container, Docker, Host, Lxc, Simulated, Vm};
use super::{Cores, Function, Named};

/// A node under test. It has an `environment`, or a table of one kind: `[nodes.dut.container]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// A kind (`host`, `container`, `lxc`, `docker`, `vm`, `simulated`) or the name of an entry of `[environments]`.
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
    /// Settings for when the environment is `lxc`.
    #[serde(default)]
    #[schemars(with = "Lxc")]
    pub lxc: Option<Lxc>,
    /// Settings for when the environment is `docker`.
    #[serde(default)]
    #[schemars(with = "Docker")]
    pub docker: Option<Docker>,
    /// Settings for when the environment is `vm`.
    #[serde(default)]
    #[schemars(with = "Vm")]
    pub vm: Option<Vm>,
    /// Settings for when the environment is `simulated`.
    #[serde(default)]
    #[schemars(with = "Simulated")]
    pub simulated: Option<Simulated>,
    /// The network function.
    #[serde(default)]
    #[schemars(extend("default" = "l2fwd"))]
    pub forward: Function,
    /// Which way packets go that come in by a port, as port = "port": `in = "out"` and `out = "in"` unless something else is said, and
    /// every port besides leads to `out`. Names of ports have 1 to 8 letters. `l3fwd` and `bng` go by their tables.
    #[serde(default)]
    pub paths: Named<String>,
    /// How many cores it gets, or which. Those that its workers do not need are for what else the node does: a forwarder with two workers
    /// and three cores has one for services.
    #[serde(default)]
    pub cpus: Cores,
    /// Threads that forward, each on a core of its own; all packets of one flow go through one of them.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    pub workers: u32,
    /// Most frames that are taken from one direction before the other has its turn.
    #[serde(default = "batch")]
    #[schemars(range(min = 1, max = 512))]
    pub batch: u32,
    /// How it receives and sends frames: frame by frame, and together where several have come, unless told otherwise.
    #[serde(default)]
    pub port: Ports,
    /// A program that forwards in place of `forward`, with its arguments; it runs while there is traffic.
    #[serde(default)]
    pub command: Vec<String>,
    /// A text that the command prints once it forwards: the traffic waits for it, at most `script_timeout`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub ready: Option<String>,
    /// Script run in the node before the traffic. A text that begins with `#!` is the script itself, any other the path of its file,
    /// relative to the experiment file.
    #[serde(default)]
    #[schemars(with = "String")]
    pub setup: Option<String>,
    /// Script run in the node while there is traffic.
    #[serde(default)]
    #[schemars(with = "String")]
    pub run: Option<String>,
    /// Script run in the node after the traffic, also when something failed.
    #[serde(default)]
    #[schemars(with = "String")]
    pub teardown: Option<String>,
    /// Script run on the host before `setup`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub host_setup: Option<String>,
    /// Script run on the host after `teardown`, also when something failed.
    #[serde(default)]
    #[schemars(with = "String")]
    pub host_teardown: Option<String>,
    /// How long each script may take; `run` as long from the end of the traffic.
    #[serde(default = "one_minute")]
    pub script_timeout: Time,
}

fn one_minute() -> Time {
    Time(60_000_000_000)
}

fn one() -> u32 {
    1
}

fn batch() -> u32 {
    BATCH
}
