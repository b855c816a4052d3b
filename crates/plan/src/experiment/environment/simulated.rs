//! `[….simulated]`: a model in place of a device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{PacketRate, Share, Time};

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
    /// How much goes through; without it, everything at once.
    #[schemars(with = "PacketRate")]
    pub capacity: Option<PacketRate>,
    /// How many packets wait where there is a capacity; more are lost.
    pub queue: u32,
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
            capacity: None,
            queue: 100,
        }
    }
}
