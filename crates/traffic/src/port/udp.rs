//! UDP sockets (udp(7), ip(7)): the way of any program through the kernel's stack, which takes no CAP_NET_RAW.
//!
//! Loops know frames. Of one that is sent the payload of its datagram goes into the socket, and the headers on the wire are the kernel's; to
//! one that came in headers are written of what the socket knows, with MAC addresses of all zeroes. So a packet is as long on the wire as its
//! frame is here, and its identifier, which is in the payload, passes.

mod batch;

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tailbed_format::order::Wait;
use tailbed_format::udp::{FROM, HEADERS, TO, UdpPort};

use super::packet_batch::FRAMES;
use super::packet_batch::queue::Queue;
use super::{Incoming, PortError, Receive, Transmit, channels, sleep, socket};
use crate::packet::{ethernet, ipv4, udp, word};
use crate::stop::Stop;
use batch::Batch;

/// Room for datagrams on their way, bytes: as for frames of packet sockets.
const SEND_BUFFER: libc::c_int = 4 << 20;

/// Room for datagrams that have come, bytes, as socket(7) counts them: it doubles the number for its own book-keeping, and a short one takes
/// 768. So there is room for as many as a packet ring has slots (`RING_FRAMES`), and more.
const RECEIVE_BUFFER: libc::c_int = 16 << 20;

/// Bytes that a short datagram takes of it (`SKB_TRUESIZE` of a small one; seen on Linux 6.18).
const SHORT: u32 = 768;

/// `SO_MEMINFO` (socket(7) has it not; linux/sock_diag.h): nine numbers, of which the last counts the datagrams that found no room.
const MEMINFO: usize = 9;
const DROPS: usize = 8;

/// Length of an interface's name with its closing zero: linux/if.h.
const IFNAMSIZ: usize = 16;

/// Opens a socket that belongs to the interface: routes and addresses of others do not count for it. Without CAP_NET_RAW this takes Linux 5.7
/// (`sock_bindtoindex` in net/core/sock.c).
fn open(port: &UdpPort, own: u16, peer: u16) -> Result<OwnedFd, PortError> {
    let failed = |what| setting_up(&port.name, what);
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)
        .map_err(|error| failed("socket(AF_INET)")(error.into()))?;
    // a missing interface is told as such, whatever else is wrong
    channels::interface(&port.name)?;
    let mut name = [0_u8; IFNAMSIZ];
    let bytes = port.name.as_bytes();
    let place = name.get_mut(..bytes.len()).ok_or_else(|| failed("SO_BINDTODEVICE")(Errno::NAMETOOLONG.into()))?;
    place.copy_from_slice(bytes);
    socket::set_option(&socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, &name).map_err(failed("SO_BINDTODEVICE"))?;
    // several streams may leave by one interface, each by a socket of its own
    socket::set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, &libc::c_int::from(own == FROM))
        .map_err(failed("SO_REUSEADDR"))?;
    let bound = rustix::net::bind(&socket, &SocketAddrV4::new(port.own, own));
    bound.map_err(|error| failed("bind to its own address")(error.into()))?;
    let connected = rustix::net::connect(&socket, &SocketAddrV4::new(port.peer, peer));
    connected.map_err(|error| failed("connect to the address across the link")(error.into()))?;
    Ok(socket)
}

fn setting_up(interface: &str, what: &'static str) -> impl Fn(io::Error) -> PortError + use<> {
    let interface = interface.to_owned();
    move |source| PortError::SetUp { interface: interface.clone(), what, source }
}

/// As much room as is granted: beyond net.core.wmem_max and rmem_max it takes CAP_NET_ADMIN.
fn make_room(socket: &OwnedFd, forced: libc::c_int, asked: libc::c_int, bytes: libc::c_int) -> io::Result<()> {
    socket::set_option(socket, libc::SOL_SOCKET, forced, &bytes)
        .or_else(|_| socket::set_option(socket, libc::SOL_SOCKET, asked, &bytes))
}

/// Sends the payloads of frames to the socket at the other end of a link, several in one system call where several wait.
#[derive(Debug)]
pub struct UdpSender {
    socket: OwnedFd,
    queue: Queue<FRAMES>,
}

impl UdpSender {
    /// Opens a socket on the interface.
    ///
    /// # Errors
    /// When the interface or its address does not exist, or the kernel refuses the socket or an option.
    pub fn open(port: &UdpPort) -> Result<Self, PortError> {
        let socket = open(port, FROM, TO)?;
        make_room(&socket, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, SEND_BUFFER).map_err(setting_up(&port.name, "SO_SNDBUF"))?;
        let (_, mtu) = channels::interface(&port.name)?;
        // longer ones would leave in fragments
        Ok(Self { socket, queue: Queue::new((mtu as usize).saturating_sub(ipv4::HEADER + udp::HEADER)) })
    }
}

impl Transmit for UdpSender {
    const QUEUE: usize = FRAMES;

    /// What is no plain frame of Ethernet and IPv4 has no datagram that could be sent (`EPROTONOSUPPORT`).
    #[inline]
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        let (headers, payload) = frame.split_at_checked(HEADERS).ok_or(Errno::PROTONOSUPPORT)?;
        if word(headers, ethernet::HEADER - 2) != ethernet::IPV4 {
            return Err(Errno::PROTONOSUPPORT);
        }
        self.queue.push(payload)
    }

    #[inline]
    fn queued(&self) -> usize {
        self.queue.len()
    }

    #[inline]
    fn flush(&mut self, refused: impl FnMut(usize, Errno)) {
        self.queue.flush(&self.socket, refused);
    }
}

/// Receives datagrams from the socket at the other end of a link, as frames; as many as wait, up to 32, in one system call.
///
/// Their stamp is the kernel's (`SO_TIMESTAMPNS`, socket(7)): as long as anybody asks for it, a frame is stamped once, as it is taken over
/// from the interface, before its way through the stack.
#[derive(Debug)]
pub struct UdpReceiver {
    socket: OwnedFd,
    batch: Batch<FRAMES>,
    header: ipv4::Header,
    /// The next of the batch that is taken, and how many of it came.
    next: usize,
    filled: usize,
    /// The counter of those that found no room, as last read.
    drops: u32,
    /// Bytes of room that were granted.
    room: u32,
}

impl UdpReceiver {
    /// Opens a socket on the interface.
    ///
    /// # Errors
    /// When the interface or its address does not exist, or the kernel refuses the socket or an option.
    pub fn open(port: &UdpPort) -> Result<Self, PortError> {
        let failed = |what| setting_up(&port.name, what);
        let socket = open(port, TO, FROM)?;
        make_room(&socket, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, RECEIVE_BUFFER).map_err(failed("SO_RCVBUF"))?;
        let room: libc::c_int = socket::option(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF).map_err(failed("SO_RCVBUF"))?;
        socket::set_option(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1).map_err(failed("SO_TIMESTAMPNS"))?;
        let (_, mtu) = channels::interface(&port.name)?;
        let header = ipv4::Header { source: port.peer, destination: port.own, protocol: ipv4::UDP };
        let batch = Batch::new(mtu as usize + ethernet::HEADER, HEADERS);
        let mut receiver =
            Self { socket, batch, header, next: 0, filled: 0, drops: 0, room: u32::try_from(room).unwrap_or_default() };
        receiver.drops();
        Ok(receiver)
    }

    /// That less room was granted than asked for, a sentence.
    pub(super) fn downgrade(&self) -> Option<String> {
        let wanted = RECEIVE_BUFFER.unsigned_abs() * 2;
        (self.room < wanted).then(|| {
            let (room, frames) = (self.room, self.room / SHORT);
            format!(
                "a UDP socket has room for some {frames} short datagrams ({room} bytes of {wanted}): more takes CAP_NET_ADMIN, or a higher \
                 net.core.rmem_max"
            )
        })
    }
}

impl Receive for UdpReceiver {
    #[inline]
    fn receive<R>(&mut self, take: impl FnOnce(Incoming<'_>) -> R) -> Option<R> {
        if self.next == self.filled {
            self.next = 0;
            self.filled = self.batch.fill(&self.socket);
        }
        if self.next == self.filled {
            return None;
        }
        let (bytes, stamp, truncated) = self.batch.frame(self.next);
        self.next += 1;
        write_headers(bytes, &self.header);
        Some(take(Incoming { bytes, stamp, truncated }))
    }

    /// A loop rests when there was nothing to take: then none of the batch is left, and the descriptor tells of what comes.
    #[inline]
    fn idle(&mut self, wait: Wait, ns: u64, stop: &Stop) -> bool {
        wait == Wait::Block && sleep(&mut [PollFd::new(self, PollFlags::IN), PollFd::new(stop, PollFlags::IN)], ns)
    }

    fn drops(&mut self) -> u64 {
        let counters = socket::option::<[u32; MEMINFO]>(&self.socket, libc::SOL_SOCKET, libc::SO_MEMINFO);
        let now = counters.map_or(self.drops, |counters| counters[DROPS]);
        u64::from(now.wrapping_sub(std::mem::replace(&mut self.drops, now)))
    }
}

impl AsFd for UdpReceiver {
    /// Readable while a datagram waits in the socket.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Writes headers before a payload that begins at [`HEADERS`]. No room for them, or too long a packet, cannot be: a socket gives out no more
/// than an interface's MTU, and the largest there is fits.
#[inline]
fn write_headers(frame: &mut [u8], header: &ipv4::Header) {
    let Some((link, packet)) = frame.split_at_mut_checked(ethernet::HEADER) else { return };
    link.fill(0);
    link[ethernet::HEADER - 2..].copy_from_slice(&ethernet::IPV4.to_be_bytes());
    let _ = header.write(packet) && udp::write_header(&mut packet[ipv4::HEADER..], FROM, TO);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::identifier::Identifier;
    use crate::packet::identify;

    #[test]
    fn what_comes_out_of_a_socket_is_a_frame_that_is_known_by_its_payload() {
        let identifier = Identifier { tag: 7, flow: 3, sequence: 9 };
        let mut frame = vec![0xff; 60];
        assert!(identifier.write(&mut frame[HEADERS..]));
        let header = ipv4::Header { source: [198, 18, 0, 1].into(), destination: [198, 18, 0, 2].into(), protocol: ipv4::UDP };
        write_headers(&mut frame, &header);
        assert_eq!(identify(&frame), Some(identifier));
        let packet = ipv4::Packet::parse(&frame[ethernet::HEADER..]).unwrap();
        assert!(packet.checksum_holds() && packet.source() == header.source && packet.destination() == header.destination);
        // nothing to write to
        write_headers(&mut [0; 13], &header);
        write_headers(&mut [0; 20], &header);
    }
}
