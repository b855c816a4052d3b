//! Interfaces that are tuned as ethtool(8) does.

use serde::{Deserialize, Serialize};

/// A setting of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// The network namespace it lies in; `None` for the host's own.
    pub namespace: Option<String>,
    /// Its name there.
    pub interface: String,
    /// What is set.
    pub what: Tunable,
    /// To what: microseconds, a number of queues, or 0 for off and 1 for on.
    pub value: u32,
    /// The knob that asks for it.
    pub knob: String,
}

/// What of an interface can be set (Documentation/networking/ethtool-netlink.rst).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tunable {
    /// How long a card waits for more packets before it interrupts, µs (`rx-usecs`).
    Coalescing,
    /// How many queues it has.
    Queues,
    /// Whether packets are joined and cut apart on the way, by the card or in its place: [`Self::OFFLOADS`].
    Offloads,
}

impl Tunable {
    /// Features that join packets or cut them apart, by the kernel's names (`netdev_features_strings` in net/ethtool/common.c).
    pub const OFFLOADS: [&str; 8] = [
        "rx-gro",
        "rx-gro-hw",
        "rx-lro",
        "rx-gro-list",
        "rx-udp-gro-forwarding",
        "tx-generic-segmentation",
        "tx-tcp-segmentation",
        "tx-tcp6-segmentation",
    ];
}

impl Tuning {
    /// The value in words.
    pub fn wanted(&self) -> String {
        match (self.what, self.value) {
            (Tunable::Offloads, 0) => "off".to_owned(),
            (Tunable::Offloads, _) => "on".to_owned(),
            (_, value) => value.to_string(),
        }
    }

    /// The shell line that does it.
    pub(super) fn shell(&self) -> String {
        let within = self.namespace.as_ref().map_or_else(String::new, |namespace| format!("ip netns exec {namespace} "));
        let (interface, wanted) = (&self.interface, self.wanted());
        match self.what {
            Tunable::Coalescing => format!("{within}ethtool -C {interface} rx-usecs {wanted}"),
            Tunable::Queues => format!("{within}ethtool -L {interface} combined {wanted}  # or rx {wanted} tx {wanted}"),
            Tunable::Offloads => format!("{within}ethtool -K {interface} gro {wanted} gso {wanted} tso {wanted} lro {wanted}"),
        }
    }
}
