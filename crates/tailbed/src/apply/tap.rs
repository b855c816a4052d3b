//! Taps, by the ioctls of /dev/net/tun (Documentation/networking/tuntap.rst in the kernel's source).

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// `struct ifreq` of netdevice(7), as far as these requests read it: a name and flags in 40 bytes.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    rest: [u8; 22],
}

/// Makes a tap in the calling thread's network namespace. It goes with the file, unless it is made to stay ([`keep`]).
pub(super) fn make(name: &str) -> io::Result<File> {
    attach(name, libc::IFF_TUN_EXCL)
}

/// Opens the reading and writing end of a tap that exists in the calling thread's network namespace. Frames carry the header that
/// virtio devices put before them.
pub(super) fn open(name: &str) -> io::Result<File> {
    attach(name, libc::IFF_VNET_HDR)
}

fn attach(name: &str, flags: libc::c_int) -> io::Result<File> {
    let file = File::options().read(true).write(true).open("/dev/net/tun")?;
    let flags = libc::c_short::from_ne_bytes(u16::try_from(libc::IFF_TAP | libc::IFF_NO_PI | flags).unwrap_or(0).to_ne_bytes());
    let mut request = Request { name: [0; libc::IFNAMSIZ], flags, rest: [0; 22] };
    let room = request.name.get_mut(..name.len()).filter(|room| room.len() < libc::IFNAMSIZ);
    room.ok_or_else(|| io::Error::other("the name is longer than 15 bytes"))?.copy_from_slice(name.as_bytes());
    // SAFETY: the kernel reads and writes one `struct ifreq`, which `request` is as large as, and which outlives the call.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if result == 0 { Ok(file) } else { Err(io::Error::last_os_error()) }
}

/// Makes a tap stay when its file is closed.
pub(super) fn keep(tap: &File) -> io::Result<()> {
    // SAFETY: the argument is a number, no pointer.
    let result = unsafe { libc::ioctl(tap.as_raw_fd(), libc::TUNSETPERSIST, 1) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
