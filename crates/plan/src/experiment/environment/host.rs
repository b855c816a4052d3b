//! `[….host]`: a process of the host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
