//! Ways to and from the wire, as experiment files and orders name them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How frames are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SendPort {
    /// What suits the experiment.
    #[default]
    Auto,
    /// A packet socket, one system call per frame: the least latency (packet(7)).
    Packet,
    /// A packet socket, several frames in one system call where several are due (sendmmsg(2)).
    PacketBatch,
    /// Shared memory, from which the kernel copies each frame: AF_XDP on any interface (kernel documentation, networking/af_xdp).
    XdpCopy,
    /// Shared memory, from which the hardware takes frames: AF_XDP where the driver can.
    XdpZeroCopy,
    /// A UDP socket, several datagrams in one system call where several are due (udp(7), sendmmsg(2)): headers are the kernel's, and no
    /// CAP_NET_RAW is needed.
    Udp,
}

/// How frames are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReceivePort {
    /// What suits the experiment.
    #[default]
    Auto,
    /// A packet ring that hands over frame by frame: the least latency (TPACKET_V2; kernel documentation, networking/packet_mmap).
    Packet,
    /// A packet ring that hands over blocks of frames: the most frames, each seen up to 1 ms later at low rates (TPACKET_V3).
    PacketBlocks,
    /// Shared memory, into which a program in the driver redirects frames: AF_XDP where the driver can.
    Xdp,
    /// A UDP socket, as many datagrams as wait in one system call (udp(7), recvmmsg(2)), stamped where the kernel took them over from the
    /// interface; no CAP_NET_RAW is needed.
    Udp,
}

/// A table of both, `{ send = "packet", receive = "packet" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// How frames are sent.
    #[serde(default)]
    pub send: SendPort,
    /// How frames are received.
    #[serde(default)]
    pub receive: ReceivePort,
}

impl Ports {
    /// The least latency.
    pub const LATENCY: Self = Self { send: SendPort::Packet, receive: ReceivePort::Packet };

    /// What a forwarder has: frames are seen as soon as they come, and leave together where several have come.
    pub const FORWARDER: Self = Self { send: SendPort::PacketBatch, receive: ReceivePort::Packet };

    /// Through the whole stack of the kernel.
    pub const UDP: Self = Self { send: SendPort::Udp, receive: ReceivePort::Udp };

    /// Whether either is a UDP socket.
    pub fn any_udp(self) -> bool {
        self.send == SendPort::Udp || self.receive == ReceivePort::Udp
    }

    /// What is asked for, and of what is left open that of another.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            send: if self.send == SendPort::Auto { other.send } else { self.send },
            receive: if self.receive == ReceivePort::Auto { other.receive } else { self.receive },
        }
    }

    /// That of least latency, for orders of which nothing is said.
    pub fn latency() -> Self {
        Self::LATENCY
    }
}

impl SendPort {
    /// As written in experiment files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Packet => "packet",
            Self::PacketBatch => "packet-batch",
            Self::XdpCopy => "xdp-copy",
            Self::XdpZeroCopy => "xdp-zero-copy",
            Self::Udp => "udp",
        }
    }
}

impl ReceivePort {
    /// As written in experiment files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Packet => "packet",
            Self::PacketBlocks => "packet-blocks",
            Self::Xdp => "xdp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for SendPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ReceivePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sends by {}, receives by {}", self.send, self.receive)
    }
}

/// The ports an agent has opened: never `auto`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePorts {
    /// The node.
    pub node: String,
    /// Its ports.
    #[serde(flatten)]
    pub ports: Ports,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_experiment_files() {
        use {ReceivePort as R, SendPort as S};
        for port in [S::Auto, S::Packet, S::PacketBatch, S::XdpCopy, S::XdpZeroCopy, S::Udp] {
            assert_eq!(serde_json::to_value(port).unwrap(), port.name());
        }
        for port in [R::Auto, R::Packet, R::PacketBlocks, R::Xdp, R::Udp] {
            assert_eq!(serde_json::to_value(port).unwrap(), port.name());
        }
    }

    #[test]
    fn what_is_left_open_is_filled_in() {
        let asked = Ports { send: SendPort::XdpCopy, receive: ReceivePort::Auto };
        assert_eq!(asked.or(Ports::FORWARDER), Ports { send: SendPort::XdpCopy, receive: ReceivePort::Packet });
        assert_eq!(Ports::default().or(Ports::LATENCY), Ports::LATENCY);
    }
}
