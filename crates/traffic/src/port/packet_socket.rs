//! Sending by an AF_PACKET socket, one system call per frame.

use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::socket::{self, Opened};
use super::{PortError, Transmit};

/// Room for frames on their way, bytes: some 5 000 short ones, which count 768 bytes each. The default holds 277.
const SEND_BUFFER: libc::c_int = 4 << 20;

/// A socket that sends frames as they are on one interface.
///
/// `PACKET_QDISC_BYPASS` hands the frame straight to the driver: no queue in between that could hold it. On a virtual Ethernet
/// pair the receiving side's work is done within the send call, on the sender's core.
#[derive(Debug)]
pub struct PacketSocket(pub(super) Opened);

impl PacketSocket {
    /// Opens a socket on the interface. It receives nothing.
    ///
    /// # Errors
    /// When the interface does not exist or the kernel refuses the socket or an option.
    pub fn open(interface: &str) -> Result<Self, PortError> {
        Self::open_past_queue(interface, true)
    }

    /// Opens a socket whose frames go through the interface's queue: so packet sockets see them leave, which they do not when frames go
    /// past it (`__dev_direct_xmit` in net/core/dev.c has no `dev_queue_xmit_nit`).
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_shown(interface: &str) -> Result<Self, PortError> {
        Self::open_past_queue(interface, false)
    }

    fn open_past_queue(interface: &str, past_queue: bool) -> Result<Self, PortError> {
        let opened = socket::open(interface)?;
        let failed = |what| move |source| PortError::SetUp { interface: interface.to_owned(), what, source };
        socket::set_option(&opened.socket, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, &libc::c_int::from(past_queue))
            .map_err(failed("PACKET_QDISC_BYPASS"))?;
        // Beyond net.core.wmem_max this needs CAP_NET_ADMIN; without it, what the limit allows is taken.
        socket::set_option(&opened.socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &SEND_BUFFER)
            .or_else(|_| socket::set_option(&opened.socket, libc::SOL_SOCKET, libc::SO_SNDBUF, &SEND_BUFFER))
            .map_err(failed("SO_SNDBUF"))?;
        socket::bind(&opened, 0).map_err(failed("bind"))?;
        Ok(Self(opened))
    }
}

impl Transmit for PacketSocket {
    #[inline]
    fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        send(&self.0.socket, frame, SendFlags::DONTWAIT).map(drop)
    }
}
