//! What an interface is like, asked of the kernel without opening it: netdevice(7), linux/ethtool.h.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::{PortError, socket};

/// `struct ethtool_channels`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Channels {
    command: u32,
    most_receive: u32,
    most_transmit: u32,
    most_other: u32,
    most_combined: u32,
    receive: u32,
    transmit: u32,
    other: u32,
    combined: u32,
}

const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// An interface's index and MTU, bytes.
pub(super) fn interface(name: &str) -> Result<(u32, u32), PortError> {
    let missing = |source| PortError::NoInterface { interface: name.to_owned(), source };
    let socket = any_socket().map_err(missing)?;
    let index = rustix::net::netdevice::name_to_index(&socket, name).map_err(|error| missing(error.into()))?;
    Ok((index, socket::mtu(&socket, name).map_err(missing)?))
}

/// How many queues an interface receives on; 1 where its driver does not say.
pub(super) fn receive_queues(name: &str) -> io::Result<u32> {
    let socket = any_socket()?;
    let mut channels = Channels { command: ETHTOOL_GCHANNELS, ..Channels::default() };
    let mut request = socket::request(name)?;
    request.ifr_ifru.ifru_data = (&raw mut channels).cast();
    // SAFETY: the kernel reads the name and the command, and writes into `channels`; both outlive the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result != 0 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::EOPNOTSUPP) { Ok(1) } else { Err(error) };
    }
    Ok((channels.receive + channels.combined).max(1))
}

/// Any socket will do for such questions.
fn any_socket() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?)
}
