//! What this process may do.

use std::fs;

use tailbed_format::facts::Privilege;

/// Bits of capabilities(7).
mod capability {
    pub(super) const NET_ADMIN: u32 = 12;
    pub(super) const NET_RAW: u32 = 13;
    pub(super) const IPC_LOCK: u32 = 14;
    pub(super) const SYS_ADMIN: u32 = 21;
    pub(super) const SYS_NICE: u32 = 23;
}

/// The priority that plans ask for.
const PRIORITY: u64 = tailbed_plan::placement::PRIORITY as u64;

/// Reads capabilities and limits. Nothing is tried out: whether the kernel then grants a thing is said by whoever asks for it.
pub(super) fn probe() -> Privilege {
    let status = super::read("/proc/self/status");
    let effective = effective(&status);
    let has = |bit: u32| effective & (1 << bit) != 0;
    let initial = in_initial_user_namespace(&super::read("/proc/self/uid_map"));
    let limit = |resource| rustix::process::getrlimit(resource).current;
    Privilege {
        root: initial && rustix::process::geteuid().is_root() && has(capability::SYS_ADMIN) && has(capability::NET_ADMIN),
        user_namespaces: user_namespaces(),
        real_time: (initial && has(capability::SYS_NICE))
            || limit(rustix::process::Resource::Rtprio).is_none_or(|limit| limit >= PRIORITY),
        lock_memory: (initial && has(capability::IPC_LOCK)) || limit(rustix::process::Resource::Memlock).is_none(),
    }
}

/// Why no packet socket can be opened, seen by opening one (packet(7)). Without root the program moves into a user namespace of its own before
/// it opens any, and has all capabilities there (user_namespaces(7)): then what would be refused here says nothing.
pub(super) fn no_packet_sockets(privilege: Privilege) -> Option<String> {
    if !privilege.root && privilege.user_namespaces {
        return None;
    }
    let kind = rustix::net::SocketType::DGRAM;
    let flags = rustix::net::SocketFlags::CLOEXEC;
    let error = rustix::net::socket_with(rustix::net::AddressFamily::PACKET, kind, flags, None).err()?;
    let held = effective(&super::read("/proc/self/status")) & (1 << capability::NET_RAW) != 0;
    Some(if held { error.to_string() } else { format!("CAP_NET_RAW is not held ({error})") })
}

fn effective(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap_or("0");
    u64::from_str_radix(line.trim(), 16).unwrap_or(0)
}

/// In the initial user namespace the identity map spans all ids (user_namespaces(7)).
fn in_initial_user_namespace(uid_map: &str) -> bool {
    uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Not forbidden by the limit, nor by the switches of Debian's and Ubuntu's kernels.
fn user_namespaces() -> bool {
    let number = |path: &str| fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    number("/proc/sys/user/max_user_namespaces") != Some(0)
        && number("/proc/sys/kernel/unprivileged_userns_clone") != Some(0)
        && number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") != Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_as_hexadecimal() {
        assert_eq!(effective("CapPrm:\t00\nCapEff:\t0000000000200000\n") & (1 << capability::SYS_ADMIN), 1 << 21);
    }

    #[test]
    fn a_mapped_root_is_not_the_initial_one() {
        assert!(in_initial_user_namespace("         0          0 4294967295"));
        assert!(!in_initial_user_namespace("         0       1000          1"));
    }
}
