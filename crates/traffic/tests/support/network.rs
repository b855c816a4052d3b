//! Networks of virtual Ethernet pairs, each in a nameless network namespace that goes away with the threads in it.

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
