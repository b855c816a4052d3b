//! `[traffic.streams.<name>]`: one of several loads that are sent at the same time.

use schemars::JsonSchema;
use serde::Deserialize;
use tailbed_format::unit::PacketRate;

use super::{Flows, Frame, Pattern, Traffic};

/// A stream with a way of its own through the nodes. What it does not say it has from `[traffic]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Where its packets set out: `generator`, `sink`, or a node's port, `<node>:<port>`, which is then joined to the load generator by a
    /// link of its own.
    #[serde(default)]
    #[schemars(with = "String", extend("default" = "generator"))]
    pub from: Option<String>,
    /// Where its packets are to come in: `generator`, `sink`, or a node's port, likewise joined.
    #[serde(default)]
    #[schemars(with = "String", extend("default" = "sink"))]
    pub to: Option<String>,
    /// As in `[traffic]`.
    #[serde(default)]
    #[schemars(with = "Frame")]
    pub frame: Option<Frame>,
    /// As in `[traffic]`.
    #[serde(default)]
    #[schemars(with = "PacketRate")]
    pub rate: Option<PacketRate>,
    /// As in `[traffic]`. One with rates of its own takes the place of the `rate` there.
    #[serde(default)]
    #[schemars(with = "Pattern")]
    pub pattern: Option<Pattern>,
    /// As in `[traffic]`.
    #[serde(default)]
    #[schemars(with = "Flows")]
    pub flows: Option<Flows>,
    /// As in `[traffic]`.
    #[serde(default)]
    #[schemars(with = "bool")]
    pub bidirectional: Option<bool>,
}

impl Stream {
    /// The load of the stream alone.
    pub fn of(&self, traffic: &Traffic) -> Traffic {
        let says_rate = |pattern: &Pattern| match pattern {
            Pattern::Constant | Pattern::Poisson => false,
            Pattern::Burst(burst) => burst.gap.is_some(),
            Pattern::Ramp(_) | Pattern::Steps(_) | Pattern::Replay(_) => true,
        };
        let rate = if self.pattern.as_ref().is_some_and(says_rate) { self.rate } else { self.rate.or(traffic.rate) };
        Traffic {
            frame: self.frame.clone().unwrap_or_else(|| traffic.frame.clone()),
            rate,
            pattern: self.pattern.clone().unwrap_or_else(|| traffic.pattern.clone()),
            flows: self.flows.clone().or_else(|| traffic.flows.clone()),
            bidirectional: self.bidirectional.unwrap_or(traffic.bidirectional),
            ..traffic.clone()
        }
    }
}
