//! What interfaces a namespace holds at present, by rtnetlink(7).

use anyhow::Context;
use futures_util::TryStreamExt;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::link::LinkAttribute;
use serde::{Deserialize, Serialize};
use tailbed_format::mac::MacAddress;

use super::network::Network;

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interface {
    /// Its name.
    pub(crate) name: String,
    /// Its address; `None` for one that has none, as a loopback interface.
    pub(crate) mac: Option<MacAddress>,
    /// Its IP addresses, each with the length of its prefix.
    pub(crate) addresses: Vec<String>,
    /// Packets received and sent since it was made.
    pub(crate) packets: Option<[u64; 2]>,
}

impl Network {
    /// All interfaces of a namespace but the loopback interface; `None` is the host's own.
    pub(super) fn interfaces(&mut self, namespace: Option<&str>) -> anyhow::Result<Vec<Interface>> {
        let handle = self.handle(namespace)?;
        let what = || format!("cannot list the interfaces in {}", namespace.unwrap_or("the host's namespace"));
        let links: Vec<_> = self.runtime.block_on(handle.link().get().execute().try_collect()).with_context(what)?;
        let addresses: Vec<_> = self.runtime.block_on(handle.address().get().execute().try_collect()).with_context(what)?;
        let addresses_of = |index: u32| {
            let mine = addresses.iter().filter(move |address| address.header.index == index);
            mine.filter_map(|address| {
                let ip = address.attributes.iter().find_map(|attribute| match attribute {
                    AddressAttribute::Address(ip) => Some(ip),
                    _ => None,
                })?;
                Some(format!("{ip}/{}", address.header.prefix_len))
            })
        };
        let interfaces = links.iter().filter_map(|link| {
            let mut interface =
                Interface { name: String::new(), mac: None, addresses: addresses_of(link.header.index).collect(), packets: None };
            for attribute in &link.attributes {
                match attribute {
                    LinkAttribute::IfName(name) => interface.name.clone_from(name),
                    LinkAttribute::Address(mac) => interface.mac = mac.as_slice().try_into().ok().map(MacAddress),
                    LinkAttribute::Stats64(stats) => interface.packets = Some([stats.rx_packets, stats.tx_packets]),
                    _ => {}
                }
            }
            (interface.name != "lo").then_some(interface)
        });
        Ok(interfaces.collect())
    }
}
