//! Network functions: what a forwarder does with the frames it moves, and the tables that it does it by.

mod lines;
mod prefix;
mod reason;
mod route;
mod rule;
mod subscriber;

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use lines::WrongLine;
pub use prefix::{Prefix, WrongPrefix};
pub use reason::{Drops, Reason};
pub use route::{Route, WrongRoute, routes};
pub use rule::{Action, PortRange, Rule, WrongRule, rules};
pub use subscriber::{Subscriber, WrongSubscriber, subscribers};

/// Fewest and most routes that can be made.
pub const ROUTES: (u32, u32) = (16, 1_000_000);

/// Fewest and most subscriber lines that can be made. MPLS labels have 20 bits, and the first 16 are reserved (RFC 3032, section 2.1).
pub const SUBSCRIBERS: (u32, u32) = (1, (1 << 20) - 16);

/// Fewest and most filter rules that can be made.
pub const RULES: (u32, u32) = (1, 100_000);

/// Most bytes of a table's file: a million lines, and well below what fits into one message to an agent.
pub const LARGEST_FILE: u64 = 32 << 20;

/// A network function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// Frames are moved as they are.
    None,
    /// Layer-2 forwarding: both MAC addresses are rewritten, the rest is left alone.
    L2fwd,
    /// Layer-3 forwarding: the longest matching prefix decides where an IPv4 packet leaves (RFC 1812).
    L3fwd {
        /// The routes.
        routes: Table,
        /// The interfaces of the ports `out2`, `out3` and so on; an empty name where there is none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        further: Vec<String>,
    },
    /// Broadband network gateway between subscribers at `in` and the core at `out`.
    Bng(Bng),
    /// Each frame goes back where it came from, with MAC addresses, IPv4 addresses and UDP or TCP ports swapped.
    Reflect,
    /// Layer-2 forwarding of what the rules accept.
    Filter {
        /// The rules; the first that matches decides, and what none matches is accepted.
        rules: Table,
    },
}

impl Function {
    /// How the function is called in an experiment file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::L2fwd => "l2fwd",
            Self::L3fwd { .. } => "l3fwd",
            Self::Bng(_) => "bng",
            Self::Reflect => "reflect",
            Self::Filter { .. } => "filter",
        }
    }

    /// The tables it works by, each with the kind of its lines.
    pub fn tables(&self) -> Vec<(Listing, &Table)> {
        match self {
            Self::None | Self::L2fwd | Self::Reflect => Vec::new(),
            Self::L3fwd { routes, .. } => vec![(Listing::Routes, routes)],
            Self::Bng(bng) => vec![(Listing::Subscribers, &bng.subscribers), (Listing::Routes, &bng.routes)],
            Self::Filter { rules } => vec![(Listing::Rules, rules)],
        }
    }

    /// As [`Self::tables`], to be changed.
    pub fn tables_mut(&mut self) -> Vec<&mut Table> {
        match self {
            Self::None | Self::L2fwd | Self::Reflect => Vec::new(),
            Self::L3fwd { routes, .. } => vec![routes],
            Self::Bng(bng) => vec![&mut bng.subscribers, &mut bng.routes],
            Self::Filter { rules } => vec![rules],
        }
    }
}

/// A broadband network gateway: 802.1ad double tags towards subscribers, MPLS in GRE (RFC 4023) towards the core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bng {
    /// Which pair of VLANs has which label.
    pub subscribers: Table,
    /// Where packets of subscribers leave.
    pub routes: Table,
    /// The gateway's own end of the tunnel.
    pub local: Ipv4Addr,
    /// The core's end of the tunnel.
    pub remote: Ipv4Addr,
}

/// Where a table's lines come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Drawn: the same count and seed give the same lines everywhere.
    Generated {
        /// How many.
        count: u32,
        /// Of the generator.
        seed: u64,
    },
    /// A file beside the experiment. The orchestrator puts its text here before an agent gets the order.
    File(String),
    /// The lines themselves.
    Text {
        /// What errors call the text: the file's path, or a key.
        name: String,
        /// One entry a line.
        text: String,
    },
}

/// What the lines of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Of [`Route`].
    Routes,
    /// Of [`Subscriber`].
    Subscribers,
    /// Of [`Rule`].
    Rules,
}

impl Listing {
    /// Whether all lines of a text can be used; how many entries there are.
    ///
    /// # Errors
    /// The first line that cannot.
    pub fn check(self, name: &str, text: &str) -> Result<usize, WrongLine> {
        match self {
            Self::Routes => routes(name, text).map(|entries| entries.len()),
            Self::Subscribers => subscribers(name, text).map(|entries| entries.len()),
            Self::Rules => rules(name, text).map(|entries| entries.len()),
        }
    }
}

/// A forwarder's port, as a table names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// `in`: the nearer one to the generator; a gateway's subscribers.
    In,
    /// `out`: the nearer one to the sink; a gateway's core.
    Out,
    /// `out2` to `out250`: another one of a router's, by its number.
    Further(u8),
}

impl Port {
    /// The highest number of a port.
    pub const MOST: u8 = 250;

    /// The port of a name: `in`, `out`, or `out` with a number from 2 to [`Self::MOST`].
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "in" => return Some(Self::In),
            "out" => return Some(Self::Out),
            _ => {}
        }
        let digits = name.strip_prefix("out")?;
        let number = digits.parse().ok().filter(|number| (2..=Self::MOST).contains(number))?;
        // no second way to write a number
        (digits == u8::to_string(&number)).then_some(Self::Further(number))
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::In => f.write_str("in"),
            Self::Out => f.write_str("out"),
            Self::Further(number) => write!(f, "out{number}"),
        }
    }
}
