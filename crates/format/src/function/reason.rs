//! Why a forwarder drops a frame, and how often it did.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a network function did not send a frame on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Too short for its headers, or lengths in them that do not fit.
    Malformed,
    /// Not IPv4, where only IPv4 is routed.
    NotIp,
    /// The IPv4 header's checksum is wrong, or that of the GRE header.
    BadChecksum,
    /// The time to live would be zero.
    TtlExpired,
    /// No route to its destination, or one that leads back.
    NoRoute,
    /// An address that must not be forwarded (RFC 1812, sections 4.2.2.11 and 5.3.7).
    Martian,
    /// A strict source route that does not name this router (RFC 791, section 3.1).
    SourceRoute,
    /// For a group of hosts by its MAC address (RFC 1812, section 5.3.4).
    LinkBroadcast,
    /// Not tagged with service and customer VLAN.
    Untagged,
    /// A pair of VLANs that no subscriber has.
    UnknownSubscriber,
    /// Not MPLS in GRE to this gateway.
    NotTunnelled,
    /// A label that no subscriber has.
    UnknownLabel,
    /// A part of a tunnel packet.
    Fragment,
    /// Dropped by a rule.
    Filtered,
}

impl Reason {
    /// All of them, in their order.
    pub const ALL: [Self; 14] = [
        Self::Malformed,
        Self::NotIp,
        Self::BadChecksum,
        Self::TtlExpired,
        Self::NoRoute,
        Self::Martian,
        Self::SourceRoute,
        Self::LinkBroadcast,
        Self::Untagged,
        Self::UnknownSubscriber,
        Self::NotTunnelled,
        Self::UnknownLabel,
        Self::Fragment,
        Self::Filtered,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::NotIp => "not IPv4",
            Self::BadChecksum => "wrong checksum",
            Self::TtlExpired => "time to live expired",
            Self::NoRoute => "no route",
            Self::Martian => "address not to be forwarded",
            Self::SourceRoute => "strict source route",
            Self::LinkBroadcast => "link broadcast",
            Self::Untagged => "not double-tagged",
            Self::UnknownSubscriber => "unknown subscriber",
            Self::NotTunnelled => "not MPLS in GRE to the gateway",
            Self::UnknownLabel => "unknown label",
            Self::Fragment => "fragment of a tunnel packet",
            Self::Filtered => "filtered",
        })
    }
}

/// Frames dropped, by reason. In JSON a table of those reasons that there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drops([u64; Reason::ALL.len()]);

impl Drops {
    /// Counts one more.
    #[inline]
    pub fn count(&mut self, reason: Reason) {
        self.0[reason as usize] += 1;
    }

    /// The same, with so many of a reason more.
    #[must_use]
    pub fn with(mut self, reason: Reason, frames: u64) -> Self {
        self.0[reason as usize] += frames;
        self
    }

    /// How many of a reason.
    pub fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Those of both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
        self
    }

    /// The reasons that there were, each with how often.
    pub fn counted(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.0).filter(|(_, frames)| *frames > 0)
    }
}

impl Serialize for Drops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.counted())
    }
}

impl<'de> Deserialize<'de> for Drops {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counted = BTreeMap::<Reason, u64>::deserialize(deserializer)?;
        Ok(counted.into_iter().fold(Self::default(), |drops, (reason, frames)| drops.with(reason, frames)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_place_and_its_name() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
            let json = serde_json::to_string(&Drops::default().with(reason, 3)).unwrap();
            let drops: Drops = serde_json::from_str(&json).unwrap();
            assert_eq!((drops.of(reason), drops.total()), (3, 3), "{json}");
        }
        let two = Drops::default().with(Reason::NoRoute, 2).with(Reason::Filtered, 1);
        assert_eq!(serde_json::to_string(&two).unwrap(), r#"{"no_route":2,"filtered":1}"#);
        assert_eq!(two.and(&two).total(), 6);
    }
}
