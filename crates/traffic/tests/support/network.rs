//! Networks of virtual Ethernet pairs, each in a nameless network namespace that goes away with the threads in it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;

use rustix::thread::UnshareFlags;

/// Runs a task on a thread of its own in a fresh network namespace without IPv6, or says why that is not possible.
pub(crate) fn in_fresh_namespace<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let run = move || {
        // SAFETY: only the network namespace of this one thread changes; no descriptor or memory is shared differently.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }
            .map_err(|error| format!("needs CAP_SYS_ADMIN and CAP_NET_RAW, as root or under `unshare -Urn` ({error})"))?;
        for scope in ["all", "default"] {
            // Neighbour discovery would mix with the traffic. A kernel without IPv6 has no such file, and none of that either.
            let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1");
        }
        Ok(task())
    };
    std::thread::spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs a test in a network namespace of its own, or skips it.
pub(crate) fn on_host(test: impl FnOnce() + Send + 'static) {
    if let Err(reason) = in_fresh_namespace(test) {
        assert!(std::env::var_os("TAILBED_REQUIRE_HOST_TESTS").is_none_or(|value| value != "1"), "{reason}");
        println!("skipped: {reason}");
    }
}

/// Makes a pair of interfaces in the calling thread's namespace, both up.
pub(crate) fn veth(one: &str, other: &str) {
    ip(&["link", "add", one, "type", "veth", "peer", "name", other]);
    for end in [one, other] {
        ip(&["link", "set", end, "up"]);
    }
}

/// Runs ip(8) in the calling thread's namespace.
pub(crate) fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("ip(8) is installed");
    assert!(status.success(), "ip {}: {status}", arguments.join(" "));
}

/// Makes a tap in the calling thread's namespace, which goes with the file. `None`, and a line that says why, where there are none.
pub(crate) fn tap(name: &str) -> Option<File> {
    /// `struct ifreq` of netdevice(7), as far as this request reads it.
    #[repr(C)]
    struct Request {
        name: [u8; libc::IFNAMSIZ],
        flags: libc::c_short,
        rest: [u8; 22],
    }
    let Ok(file) = File::options().read(true).write(true).open("/dev/net/tun") else {
        println!("skipped: there is no /dev/net/tun");
        return None;
    };
    let flags = libc::c_short::try_from(libc::IFF_TAP | libc::IFF_NO_PI).unwrap();
    let mut request = Request { name: [0; libc::IFNAMSIZ], flags, rest: [0; 22] };
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    // SAFETY: the kernel reads and writes one `struct ifreq`, which `request` is as large as, and which outlives the call.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    assert_eq!(result, 0, "TUNSETIFF: {}", std::io::Error::last_os_error());
    Some(file)
}
