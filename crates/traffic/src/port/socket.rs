//! What AF_PACKET sockets need of the kernel that has no safe interface elsewhere: packet(7).
#![allow(unsafe_code)]

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::PortError;

/// An open packet socket and the index of the interface it is for; not bound yet.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) socket: OwnedFd,
    pub(super) index: libc::c_int,
}

/// Opens a raw packet socket that receives nothing until it is bound to a protocol.
pub(super) fn open(interface: &str) -> Result<Opened, PortError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None).map_err(|error| {
        let (interface, source) = (interface.to_owned(), error.into());
        if matches!(error, rustix::io::Errno::PERM | rustix::io::Errno::ACCESS) {
            PortError::NotPermitted { interface, source }
        } else {
            PortError::SetUp { interface, what: "socket(AF_PACKET)", source }
        }
    })?;
    let no_interface = |source| PortError::NoInterface { interface: interface.to_owned(), source };
    let index = rustix::net::netdevice::name_to_index(&socket, interface).map_err(|error| no_interface(error.into()))?;
    let index = libc::c_int::try_from(index).map_err(|error| no_interface(io::Error::other(error)))?;
    Ok(Opened { socket, index })
}

/// Sets up what every ring has: the version, room before each frame for a VLAN tag to be put back, frames that leave by the interface left
/// out (`PACKET_IGNORE_OUTGOING`), frames for other hosts taken in (`PACKET_MR_PROMISC`, undone by the kernel when the socket closes).
pub(super) fn capture(opened: &Opened, interface: &str, version: libc::c_int) -> Result<(), PortError> {
    let failed = |what| move |source| PortError::SetUp { interface: interface.to_owned(), what, source };
    let set = |name, what, value: &libc::c_int| set_option(&opened.socket, libc::SOL_PACKET, name, value).map_err(failed(what));
    set(libc::PACKET_VERSION, "PACKET_VERSION", &version)?;
    set(libc::PACKET_RESERVE, "PACKET_RESERVE", &super::packet_ring::tag::RESERVE)?;
    set(libc::PACKET_IGNORE_OUTGOING, "PACKET_IGNORE_OUTGOING", &1)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small constant")]
    let membership =
        libc::packet_mreq { mr_ifindex: opened.index, mr_type: libc::PACKET_MR_PROMISC as u16, mr_alen: 0, mr_address: [0; 8] };
    set_option(&opened.socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
        .map_err(failed("PACKET_ADD_MEMBERSHIP"))
}

/// Plain data as the kernel lays it out, that any bytes are a value of.
///
/// # Safety
/// Implement only for integers and `repr(C)` structures of integers.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: an integer.
unsafe impl Plain for libc::c_int {}
// SAFETY: repr(C), integers only.
unsafe impl Plain for libc::tpacket_req {}
// SAFETY: repr(C), integers only.
unsafe impl Plain for libc::tpacket_stats {}
// SAFETY: repr(C), integers and an array of bytes.
unsafe impl Plain for libc::packet_mreq {}
// SAFETY: repr(C), integers only.
unsafe impl Plain for libc::tpacket_req3 {}
// SAFETY: repr(C), integers only.
unsafe impl Plain for libc::tpacket_stats_v3 {}
// SAFETY: an array of integers.
unsafe impl<const N: usize> Plain for [u32; N] {}
// SAFETY: an array of integers.
unsafe impl<const N: usize> Plain for [u8; N] {}

/// setsockopt(2).
pub(super) fn set_option<T: Plain>(socket: impl AsFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and the length describe `value`, which the call only reads and which outlives it.
    let result = unsafe { libc::setsockopt(fd, level, name, (&raw const *value).cast(), length_of::<T>()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// getsockopt(2) of an option whose value is exactly a `T`.
pub(super) fn option<T: Plain>(socket: impl AsFd, level: libc::c_int, name: libc::c_int) -> io::Result<T> {
    let fd = socket.as_fd().as_raw_fd();
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = length_of::<T>();
    // SAFETY: the kernel writes at most `length` bytes, the size of `value`, and both pointers outlive the call.
    let result = unsafe { libc::getsockopt(fd, level, name, value.as_mut_ptr().cast(), &raw mut length) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all bytes were zero before the call, and any bytes are a value of a `Plain` type.
    Ok(unsafe { value.assume_init() })
}

/// An instruction of a program that deals frames out (classic BPF; kernel documentation, networking/filter).
#[derive(Debug, Clone, Copy)]
pub(super) struct Steer {
    pub(super) code: u32,
    pub(super) value: u32,
}

/// Gives a fanout group the program that deals its frames out: packet(7), `PACKET_FANOUT_DATA`.
pub(super) fn steer<const N: usize>(socket: impl AsFd, program: &[Steer; N]) -> io::Result<()> {
    /// linux/if_packet.h
    const PACKET_FANOUT_DATA: libc::c_int = 22;
    #[allow(clippy::cast_possible_truncation, reason = "codes have 16 bits, programs a few instructions")]
    let mut filter = program.map(|Steer { code, value }| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k: value });
    #[allow(clippy::cast_possible_truncation, reason = "see above")]
    let program = libc::sock_fprog { len: N as u16, filter: filter.as_mut_ptr() };
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and the length describe `program`, which points to the N instructions of `filter`; the call only reads both, and
    // both outlive it.
    let result = unsafe {
        libc::setsockopt(fd, libc::SOL_PACKET, PACKET_FANOUT_DATA, (&raw const program).cast(), length_of::<libc::sock_fprog>())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets a program say of each frame how many of its bytes are received, 0 for none of it: socket(7), `SO_ATTACH_FILTER`.
pub(super) fn filter<const N: usize>(socket: impl AsFd, program: &mut [libc::sock_filter; N]) -> io::Result<()> {
    #[allow(clippy::cast_possible_truncation, reason = "a few instructions")]
    let program = libc::sock_fprog { len: N as u16, filter: program.as_mut_ptr() };
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and the length describe `program`, which points to the N instructions of the caller's; the call only reads both,
    // and both outlive it.
    let result = unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            length_of::<libc::sock_fprog>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Binds to an interface and to a protocol (an EtherType, or `ETH_P_ALL`); 0 for one that only sends.
pub(super) fn bind(opened: &Opened, protocol: u16) -> io::Result<()> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small constant")]
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as libc::sa_family_t,
        sll_protocol: protocol.to_be(),
        sll_ifindex: opened.index,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = length_of::<libc::sockaddr_ll>();
    // SAFETY: the pointer and the length describe `address`, which the call only reads and which outlives it.
    let result = unsafe { libc::bind(opened.socket.as_raw_fd(), (&raw const address).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A question about the interface of this name (netdevice(7)).
pub(crate) fn request(interface: &str) -> io::Result<libc::ifreq> {
    // SAFETY: a structure of integers and unions of them, of which all zeroes are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let name = interface.as_bytes();
    let room = request.ifr_name.get_mut(..name.len()).filter(|room| room.len() < libc::IFNAMSIZ);
    let room = room.ok_or_else(|| io::Error::other("the name is longer than 15 bytes"))?;
    room.iter_mut().zip(name).for_each(|(place, &byte)| *place = byte.cast_signed());
    Ok(request)
}

/// The longest packet an interface carries, bytes (netdevice(7), `SIOCGIFMTU`).
pub(super) fn mtu(socket: impl AsFd, interface: &str) -> io::Result<u32> {
    let mut request = request(interface)?;
    // SAFETY: the kernel reads the name and writes the MTU into one `struct ifreq`, which outlives the call.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCGIFMTU, &raw mut request) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: this request has written this member of the union, an integer in any case.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    u32::try_from(mtu).map_err(io::Error::other)
}

#[allow(clippy::cast_possible_truncation, reason = "these structures have some tens of bytes")]
const fn length_of<T>() -> libc::socklen_t {
    size_of::<T>() as libc::socklen_t
}
