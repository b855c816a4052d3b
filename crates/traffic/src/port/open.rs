//! Which port is opened: the one place where names become ports, and loops are compiled for each.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::os::fd::AsFd;

use tailbed_format::memory::MemoryPort;
use tailbed_format::port::{Ports, ReceivePort, SendPort};
use tailbed_format::udp::UdpPort;

use super::xdp::{self, Copies, Directions, XdpReceive, XdpTransmit};
use super::{
    AnyReceiver, AnySender, FanoutGroup, PacketBatch, PacketBlocks, PacketRing, PacketSocket, PortError, RING_FRAMES, Receive,
    Rest, Transmit, UdpReceiver, UdpSender,
};

/// What is to be opened, by name: interfaces, or ports in shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wired<'a> {
    /// Those received on, each once.
    pub receive: &'a [&'a str],
    /// Those sent on; the same may be there again.
    pub transmit: &'a [&'a str],
    /// Ports in shared memory; what has another name is an interface.
    pub memory: &'a [MemoryPort],
    /// Addresses of the interfaces, for UDP sockets.
    pub sockets: &'a [UdpPort],
    /// Whether packet sockets on the interfaces are to see the frames leave; only the ports `packet` and `udp` can do that.
    pub shown: bool,
}

/// What is done with ports: compiled for each kind by itself.
pub trait Use {
    /// What comes of it.
    type Output;

    /// Goes on with the ports, in the order they were named in; `opened` says of which kinds they are.
    fn with<R, T>(self, receive: Vec<R>, transmit: Vec<T>, opened: &Opened) -> Self::Output
    where
        R: Receive + Rest + Debug + Send + 'static,
        T: Transmit + Debug + Send + 'static;
}

/// What was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The kinds of those that are interfaces, never `auto`; none where all are in shared memory.
    pub ports: Option<Ports>,
    /// What a left-open choice could not have although it would have been better, each a sentence.
    pub downgrades: Vec<String>,
}

/// Opens ports of the kinds wanted. What is left open (`auto`) becomes the kind that carries most here: it
/// is found out by opening it. `groups`, one per interface received on, deal the frames of an interface out to several users; none where there is one.
///
/// # Errors
/// When a kind that was asked for by name cannot be had, with the kernel's reason: no other is taken in its place.
pub fn open<U: Use>(
    wanted: Ports,
    wires: Wired<'_>,
    groups: Option<&mut [FanoutGroup]>,
    user: U,
) -> Result<U::Output, PortError> {
    if wires.shown && !matches!(wanted.send, SendPort::Packet | SendPort::Udp) {
        return Err(PortError::NotShown(wanted));
    }
    if !wires.memory.is_empty() {
        return mixed(wanted, wires, user);
    }
    if wanted.any_udp() {
        return udp(wanted, wires, groups.is_some(), user);
    }
    let mut downgrades = Vec::new();
    let receive = if wanted.receive == ReceivePort::Auto { ReceivePort::PacketBlocks } else { wanted.receive };
    let shared = groups.is_some();
    let (send, sockets) = match wanted.send {
        SendPort::Auto => most(receive, wires, shared, &mut downgrades)?,
        send => (send, sockets(Ports { send, receive }, wires, shared)?),
    };
    let ports = Ports { send, receive };
    let mut opening = Opening { wires, groups, sockets, next: 0 };
    let opened = Opened { ports: Some(ports), downgrades };
    match receive {
        ReceivePort::Auto | ReceivePort::PacketBlocks => sending::<PacketBlocks, U>(send, &mut opening, &opened, user),
        ReceivePort::Packet => sending::<PacketRing, U>(send, &mut opening, &opened, user),
        ReceivePort::Xdp => sending::<XdpReceive, U>(send, &mut opening, &opened, user),
        ReceivePort::Udp => Err(PortError::OnlyUdp(ports)),
    }
}

/// Opens ports of which some are in shared memory. Interfaces beside them have packet sockets: what carries most there does not matter, for
/// all of a path's frames pass each of its links.
fn mixed<U: Use>(wanted: Ports, wires: Wired<'_>, user: U) -> Result<U::Output, PortError> {
    let Wired { receive, transmit, memory, .. } = wires;
    let batch = match (wanted.send, wanted.receive) {
        (SendPort::Auto | SendPort::Packet, ReceivePort::Auto | ReceivePort::Packet) => false,
        (SendPort::PacketBatch, ReceivePort::Auto | ReceivePort::Packet) => true,
        _ => return Err(PortError::BesideMemory(wanted)),
    };
    let receivers = receive.iter().map(|name| AnyReceiver::open(name, memory)).collect::<Result<_, _>>()?;
    let senders = transmit.iter().map(|name| AnySender::open(name, memory, batch)).collect::<Result<_, _>>()?;
    let interfaces = receive.iter().chain(transmit).any(|name| memory.iter().all(|port| port.name != *name));
    let send = if batch { SendPort::PacketBatch } else { SendPort::Packet };
    let kinds = interfaces.then_some(Ports { send, receive: ReceivePort::Packet });
    Ok(user.with(receivers, senders, &Opened { ports: kinds, downgrades: Vec::new() }))
}

/// Opens UDP sockets: in both directions, or what is sent would find no socket at the other end.
fn udp<U: Use>(wanted: Ports, wires: Wired<'_>, shared: bool, user: U) -> Result<U::Output, PortError> {
    if wanted.or(Ports::UDP) != Ports::UDP {
        return Err(PortError::OnlyUdp(wanted));
    }
    if shared {
        return Err(PortError::SeveralUdp);
    }
    let of = |name: &&str| {
        let port = wires.sockets.iter().find(|port| port.name == *name);
        port.ok_or_else(|| PortError::NoAddress((*name).to_owned()))
    };
    let receivers = wires.receive.iter().map(|name| UdpReceiver::open(of(name)?)).collect::<Result<Vec<_>, _>>()?;
    let senders = wires.transmit.iter().map(|name| UdpSender::open(of(name)?)).collect::<Result<_, _>>()?;
    let downgrades = receivers.iter().filter_map(UdpReceiver::downgrade).collect();
    Ok(user.with(receivers, senders, &Opened { ports: Some(Ports::UDP), downgrades }))
}

fn sending<R: OpenReceive, U: Use>(
    send: SendPort,
    opening: &mut Opening<'_, '_>,
    opened: &Opened,
    user: U,
) -> Result<U::Output, PortError> {
    match send {
        SendPort::Auto | SendPort::Packet => both::<R, PacketSocket, U>(opening, opened, user),
        SendPort::PacketBatch => both::<R, PacketBatch, U>(opening, opened, user),
        SendPort::XdpCopy | SendPort::XdpZeroCopy => both::<R, XdpTransmit, U>(opening, opened, user),
        SendPort::Udp => Err(PortError::OnlyUdp(opened.ports.unwrap_or(Ports::UDP))),
    }
}

fn both<R: OpenReceive, T: OpenTransmit, U: Use>(
    opening: &mut Opening<'_, '_>,
    opened: &Opened,
    user: U,
) -> Result<U::Output, PortError> {
    let Wired { receive, transmit, .. } = opening.wires;
    let mut receivers = Vec::new();
    for (number, interface) in receive.iter().enumerate() {
        opening.next = number;
        receivers.push(R::open(opening, interface)?);
    }
    let senders = transmit.iter().map(|interface| T::open(opening, interface)).collect::<Result<_, _>>()?;
    Ok(user.with(receivers, senders, opened))
}

/// The way to send that carries most: without copies where the driver can, else with them, else by packet sockets. Where AF_XDP works at
/// all, that there are copies is no news; where it does not, it is.
fn most<'a>(
    receive: ReceivePort,
    wires: Wired<'a>,
    shared: bool,
    downgrades: &mut Vec<String>,
) -> Result<(SendPort, Sockets<'a>), PortError> {
    let tried = |send| sockets(Ports { send, receive }, wires, shared).map(|sockets| (send, sockets));
    let fallback = SendPort::PacketBatch;
    if shared {
        return tried(fallback);
    }
    tried(SendPort::XdpZeroCopy).or_else(|_| tried(SendPort::XdpCopy)).or_else(|error| {
        downgrades.push(format!("sends by {fallback} in place of {}: {error}", SendPort::XdpCopy));
        tried(fallback)
    })
}

/// AF_XDP sockets by interface: one for both directions, since two cannot be bound to one queue.
type Sockets<'a> = BTreeMap<&'a str, Directions>;

/// What ports are opened from.
struct Opening<'a, 'g> {
    wires: Wired<'a>,
    groups: Option<&'g mut [FanoutGroup]>,
    sockets: Sockets<'a>,
    /// The number of the interface received on.
    next: usize,
}

/// Opens an AF_XDP socket on each interface that needs one.
fn sockets(ports: Ports, wires: Wired<'_>, shared: bool) -> Result<Sockets<'_>, PortError> {
    let copies = match ports.send {
        SendPort::XdpCopy => Some(Copies::Made),
        SendPort::XdpZeroCopy => Some(Copies::None),
        _ => None,
    };
    let receives = ports.receive == ReceivePort::Xdp;
    if shared && (receives || copies.is_some()) {
        return Err(PortError::Several(ports));
    }
    let mut sockets = BTreeMap::new();
    for &interface in wires.receive.iter().chain(wires.transmit) {
        let transmit = copies.is_some() && wires.transmit.contains(&interface);
        let receive = receives && wires.receive.contains(&interface);
        if !(transmit || receive) || sockets.contains_key(interface) {
            continue;
        }
        let directions = match copies {
            Some(copies) => xdp::open(interface, copies, transmit, receive)?,
            // The way to send says nothing of copies: none are made where the driver can do without.
            None => xdp::open(interface, Copies::None, transmit, receive)
                .or_else(|_| xdp::open(interface, Copies::Made, transmit, receive))?,
        };
        sockets.insert(interface, directions);
    }
    Ok(sockets)
}

/// A port that can be opened to receive.
trait OpenReceive: Receive + AsFd + Debug + Send + Sized + 'static {
    fn open(opening: &mut Opening<'_, '_>, interface: &str) -> Result<Self, PortError>;
}

/// A port that can be opened to send.
trait OpenTransmit: Transmit + Debug + Send + Sized + 'static {
    fn open(opening: &mut Opening<'_, '_>, interface: &str) -> Result<Self, PortError>;
}

impl OpenReceive for PacketRing {
    fn open(opening: &mut Opening<'_, '_>, interface: &str) -> Result<Self, PortError> {
        let mut ring = Self::open(interface, opening.frames())?;
        if let Some(group) = opening.group() {
            ring.join(group)?;
        }
        Ok(ring)
    }
}

impl OpenReceive for PacketBlocks {
    fn open(opening: &mut Opening<'_, '_>, interface: &str) -> Result<Self, PortError> {
        let mut ring = Self::open(interface)?;
        if let Some(group) = opening.group() {
            ring.join(group)?;
        }
        Ok(ring)
    }
}

impl OpenReceive for XdpReceive {
    fn open(opening: &mut Opening<'_, '_>, interface: &str) -> Result<Self, PortError> {
        let directions = opening.sockets.get_mut(interface);
        directions.and_then(|directions| directions.receive.take()).ok_or_else(|| PortError::Twice(interface.to_owned()))
    }
}

impl OpenTransmit for PacketSocket {
    fn open(opening: &mut Opening<'_, '_>, interface: &str) -> Result<Self, PortError> {
        if opening.wires.shown { Self::open_shown(interface) } else { Self::open(interface) }
    }
}

impl OpenTransmit for PacketBatch {
    fn open(_: &mut Opening<'_, '_>, interface: &str) -> Result<Self, PortError> {
        Self::open(interface)
    }
}

impl OpenTransmit for XdpTransmit {
    fn open(opening: &mut Opening<'_, '_>, interface: &str) -> Result<Self, PortError> {
        let directions = opening.sockets.get_mut(interface);
        directions.and_then(|directions| directions.transmit.take()).ok_or_else(|| PortError::Twice(interface.to_owned()))
    }
}

/// So many rings have all their slots; more of them share the memory of these, 32 MiB each at the usual MTU, for guests have little.
const WHOLE_RINGS: u32 = 2;

impl Opening<'_, '_> {
    /// Slots of each ring.
    fn frames(&self) -> u32 {
        RING_FRAMES * WHOLE_RINGS / u32::try_from(self.wires.receive.len()).unwrap_or(u32::MAX).max(WHOLE_RINGS)
    }

    fn group(&mut self) -> Option<&mut FanoutGroup> {
        self.groups.as_deref_mut().and_then(|groups| groups.get_mut(self.next))
    }
}
