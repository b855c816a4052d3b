//! The questions to a driver: ethtool's, and netdevice(7)'s.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::{Abilities, Settings};
use crate::port::request;

/// `struct ethtool_ts_info` of linux/ethtool.h.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct TsInfo {
    command: u32,
    flags: u32,
    clock: i32,
    transmit_types: u32,
    _transmit_reserved: [u32; 3],
    filters: u32,
    _filters_reserved: [u32; 3],
}

/// `ETHTOOL_GET_TS_INFO`.
const GET_TS_INFO: u32 = 0x41;

/// linux/sockios.h.
const SIOCSHWTSTAMP: libc::Ioctl = 0x89b0;
const SIOCGHWTSTAMP: libc::Ioctl = 0x89b1;

/// `struct hwtstamp_config` of linux/net_tstamp.h.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Config {
    flags: libc::c_int,
    transmit: libc::c_int,
    receive: libc::c_int,
}

/// Has the kernel answer a question about an interface of the calling thread's network namespace.
fn ask<T>(interface: &str, question: libc::Ioctl, answer: &mut T) -> io::Result<()> {
    let socket: OwnedFd = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let mut request = request(interface)?;
    request.ifr_ifru.ifru_data = (&raw mut *answer).cast();
    // SAFETY: the kernel reads the name, and reads and writes one `T` where the pointer leads, which the callers choose as the question wants
    // it; both outlive the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), question, &raw mut request) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What the driver of an interface says that it can stamp. It needs no privilege.
///
/// # Errors
/// When there is no such interface, or its driver does not answer (`EOPNOTSUPP`).
pub fn abilities(interface: &str) -> io::Result<Abilities> {
    let mut info = TsInfo { command: GET_TS_INFO, ..TsInfo::default() };
    ask(interface, libc::SIOCETHTOOL, &mut info)?;
    Ok(Abilities { flags: info.flags, clock: u32::try_from(info.clock).ok(), filters: info.filters })
}

/// What the driver is told to stamp at present (`SIOCGHWTSTAMP`).
///
/// # Errors
/// When there is no such interface, or it cannot stamp (`EOPNOTSUPP`).
pub fn settings(interface: &str) -> io::Result<Settings> {
    let mut config = Config::default();
    ask(interface, SIOCGHWTSTAMP, &mut config)?;
    Ok(config.into())
}

/// Tells the driver what to stamp (`SIOCSHWTSTAMP`, which takes CAP_NET_ADMIN), and gives what it makes of it: it may stamp more than it was told.
///
/// # Errors
/// When there is no such interface, or it cannot stamp that (`ERANGE`) or anything (`EOPNOTSUPP`).
pub fn set(interface: &str, settings: Settings) -> io::Result<Settings> {
    let Settings { flags, transmit, receive } = settings;
    let mut config = Config { flags, transmit, receive };
    ask(interface, SIOCSHWTSTAMP, &mut config)?;
    Ok(config.into())
}

impl From<Config> for Settings {
    fn from(Config { flags, transmit, receive }: Config) -> Self {
        Self { flags, transmit, receive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layouts_are_those_of_the_kernel() {
        assert_eq!((size_of::<TsInfo>(), size_of::<Config>()), (44, 12));
        assert_eq!(std::mem::offset_of!(TsInfo, filters), 28);
    }

    /// Every kernel has this interface, and none stamps by hardware there.
    #[test]
    fn the_loopback_interface_says_that_it_stamps_in_software_alone() {
        let said = abilities("lo").unwrap();
        assert_eq!((said.stamps_all(), said.clock), (None, None), "{said}");
        assert!(said.to_string().contains("software-receive"), "{said}");
        assert_eq!(settings("lo").unwrap_err().raw_os_error(), Some(libc::EOPNOTSUPP));
        assert_eq!(abilities("tb-missing").unwrap_err().raw_os_error(), Some(libc::ENODEV));
    }
}
