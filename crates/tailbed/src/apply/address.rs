//! Addresses of interfaces, by rtnetlink(7).

use std::net::IpAddr;
use std::{fs, io};

use anyhow::Context;
use futures_util::TryStreamExt;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute};
use tailbed_format::udp::UdpPort;
use tailbed_plan::step::LinkAddress;

use super::network::Network;
use super::{TakenBack, namespace};

impl Network {
    /// Gives an interface its address, and tells it where the other end of its link is.
    pub(super) fn give_address(&mut self, address: &LinkAddress) -> anyhow::Result<()> {
        let LinkAddress { interface, own, peer, peer_mac, .. } = address;
        let what = || format!("cannot give {} the address {own}", described(address));
        let handle = self.handle(address.namespace.as_deref()).with_context(what)?;
        let found = self.find(&handle, interface).with_context(what)?;
        let index = found.context("there is no such interface").with_context(what)?.header.index;
        if let (true, Some(name)) = (address.to_itself, &address.namespace) {
            namespace::inside(&namespace::path(name), || let_in_own(interface)).with_context(what)?;
        }
        let add = handle.address().add(index, IpAddr::V4(*own), UdpPort::PREFIX).execute();
        self.runtime.block_on(add).with_context(what)?;
        let add = handle.neighbours().add(index, IpAddr::V4(*peer)).replace().link_layer_address(&peer_mac.0).execute();
        let added = self.runtime.block_on(add).with_context(what);
        if added.is_err() {
            self.remove_address(address)?;
        }
        added
    }

    /// Takes it off again, with the entry for the other end; not where the interface or its namespace has gone already.
    pub(super) fn remove_address(&mut self, address: &LinkAddress) -> anyhow::Result<TakenBack> {
        let what = || format!("cannot take the address {} off {}", address.own, described(address));
        if address.namespace.as_ref().is_some_and(|name| !namespace::path(name).exists()) {
            return Ok(TakenBack::Done);
        }
        let handle = self.handle(address.namespace.as_deref()).with_context(what)?;
        let Some(link) = self.find(&handle, &address.interface).with_context(what)? else { return Ok(TakenBack::Done) };
        let index = link.header.index;
        self.runtime
            .block_on(async {
                let neighbours: Vec<_> = handle.neighbours().get().execute().try_collect().await?;
                let peer = NeighbourAttribute::Destination(NeighbourAddress::Inet(address.peer));
                for entry in neighbours {
                    if entry.header.ifindex == index && entry.attributes.contains(&peer) {
                        handle.neighbours().del(entry).execute().await?;
                    }
                }
                let addresses: Vec<_> = handle.address().get().set_link_index_filter(index).execute().try_collect().await?;
                let own = AddressAttribute::Local(IpAddr::V4(address.own));
                for entry in addresses {
                    if entry.attributes.contains(&own) {
                        handle.address().del(entry).execute().await?;
                    }
                }
                Ok::<_, rtnetlink::Error>(())
            })
            .with_context(what)?;
        Ok(TakenBack::Done)
    }
}

fn described(address: &LinkAddress) -> String {
    format!("{} in {}", address.interface, address.namespace.as_deref().unwrap_or("the host's namespace"))
}

/// In the calling thread's namespace: packets that come in by an interface and whose sender has an address of this namespace are taken in, and
/// the way back to a sender is not looked up (kernel documentation, networking/ip-sysctl; of `rp_filter` the higher of both counts).
fn let_in_own(interface: &str) -> io::Result<()> {
    let write =
        |interface: &str, setting: &str, value: &str| fs::write(format!("/proc/sys/net/ipv4/conf/{interface}/{setting}"), value);
    write("all", "rp_filter", "0")?;
    write(interface, "rp_filter", "0")?;
    write(interface, "accept_local", "1")
}
