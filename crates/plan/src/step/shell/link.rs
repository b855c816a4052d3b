//! Links that are no plain pair, as the shell lines a person would type.

use tailbed_format::memory::Geometry;
use tailbed_format::udp::UdpPort;

use super::{with_mtu, within};
use crate::step::{LinkAddress, MacvlanParent, MemoryLink, VethEnd};

/// Two lines, for an interface cannot be up before it is where it belongs.
pub(super) fn macvlan(parent: &MacvlanParent, end: &VethEnd) -> Vec<String> {
    let from = within(parent.namespace.as_ref());
    let (on, name, mac) = (&parent.name, &end.name, end.mac);
    // process 1 stands for the host's own namespace
    let place = end.namespace.as_deref().unwrap_or("1");
    let place = if parent.namespace == end.namespace { String::new() } else { format!(" netns {place}") };
    vec![
        format!("ip{from} link add link {on} name {name}{place} address {mac}{} type macvlan mode bridge", with_mtu(end.mtu)),
        format!("ip{} link set {name} up", within(end.namespace.as_ref())),
    ]
}

/// A file system as large as the file, and the file.
pub(super) fn memory(link: &MemoryLink) -> Vec<String> {
    let (folder, path) = (link.folder(), link.path());
    let id = &link.id;
    let (bytes, limit) = (link.size(), link.size() >> 10);
    let mount = if link.hugepages {
        format!("mount -t hugetlbfs -o pagesize=2M,size={limit}k,mode=700 {id} {folder}")
    } else {
        format!("mount -t tmpfs -o size={limit}k,mode=700 {id} {folder}")
    };
    let Geometry { slots, slot } = link.geometry;
    vec![
        format!("mkdir -p {folder} && {mount}"),
        format!("truncate -s {bytes} {path} && chmod 666 {path}  # two rings of {slots} slots of {slot} bytes"),
    ]
}

/// What takes them back.
pub(super) fn remove_memory(id: &str) -> Vec<String> {
    vec![format!("umount /run/tailbed/{id} && rmdir /run/tailbed/{id}")]
}

/// The address, the neighbour and, where both ends lie in one namespace, what lets packets in from there.
pub(super) fn address(address: &LinkAddress) -> Vec<String> {
    let LinkAddress { interface, own, peer, peer_mac, .. } = address;
    let within = within(address.namespace.as_ref());
    let mut lines = vec![
        format!("ip{within} address add {own}/{} dev {interface}", UdpPort::PREFIX),
        format!("ip{within} neighbour replace {peer} lladdr {peer_mac} dev {interface} nud permanent"),
    ];
    if let (true, Some(namespace)) = (address.to_itself, &address.namespace) {
        let settings = ["all.rp_filter=0", &format!("{interface}.rp_filter=0"), &format!("{interface}.accept_local=1")]
            .map(|setting| format!(" net.ipv4.conf.{setting}"));
        lines.push(format!("ip netns exec {namespace} sysctl -qw{}", settings.concat()));
    }
    lines
}

/// What takes it back.
pub(super) fn remove_address(address: &LinkAddress) -> Vec<String> {
    let LinkAddress { interface, own, peer, .. } = address;
    let within = within(address.namespace.as_ref());
    vec![
        format!("ip{within} neighbour delete {peer} dev {interface}"),
        format!("ip{within} address delete {own}/{} dev {interface}", UdpPort::PREFIX),
    ]
}
