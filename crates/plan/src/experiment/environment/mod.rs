//! Environments: where a node runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Bytes, Share, Time};

/// An environment with its settings: a table of exactly one kind, `[environments.guest.container]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Environment {
    /// A process of the host.
    Host(Host),
    /// A container.
    Container(Container),
    /// No device at all: a model with a known answer, for testing the instrument.
    Simulated(Simulated),
}

/// A process of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Which network namespace it runs in.
    #[serde(default)]
    pub namespace: Namespace,
}

/// The network namespace of a process of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// One of its own.
    #[default]
    Own,
    /// The host's.
    None,
}

/// A container with process, mount, network, IPC and host-name namespaces of its own, holding nothing but the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The most memory it may have; unlimited when absent.
    #[serde(default)]
    #[schemars(with = "Bytes")]
    pub memory: Option<Bytes>,
}

/// A path that is computed, not built: each packet gets a delay from a seeded model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Simulated {
    /// Least delay.
    pub base: Time,
    /// Mean of the exponentially distributed delay on top.
    pub mean_extra: Time,
    /// Delay of a spike, on top of all.
    pub spike: Time,
    /// Share of packets that meet a spike.
    pub spike_share: Share,
    /// Share of packets that are lost.
    pub loss: Share,
    /// Share of packets that come in twice.
    pub duplicates: Share,
    /// Share of packets that later ones overtake.
    pub reordered: Share,
}

impl Default for Simulated {
    /// Ten microseconds for every packet.
    fn default() -> Self {
        let (none, never) = (Time(0), Share(0));
        Self {
            base: Time(10_000),
            mean_extra: none,
            spike: none,
            spike_share: never,
            loss: never,
            duplicates: never,
            reordered: never,
        }
    }
}
