//! Links that are no plain pair, as steps name them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use tailbed_format::mac::MacAddress;
use tailbed_format::memory::{Geometry, HUGE_PAGE};

/// An interface that macvlan interfaces hang on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacvlanParent {
    /// The network namespace it lies in; `None` for the host's own, where somebody else has made it.
    pub namespace: Option<String>,
    /// Its name there.
    pub name: String,
}

/// The address of one end of a link between UDP sockets, with the entry for the other end in the table of neighbours (arp(7)), which is
/// permanent, so that nobody asks for it on the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAddress {
    /// The network namespace the interface lies in; `None` for the host's own.
    pub namespace: Option<String>,
    /// Its name there.
    pub interface: String,
    /// Its address; the link's network has [`tailbed_format::udp::UdpPort::PREFIX`] bits.
    pub own: Ipv4Addr,
    /// The address at the other end.
    pub peer: Ipv4Addr,
    /// The interface at the other end.
    pub peer_mac: MacAddress,
    /// Both ends lie in one namespace: packets are let in although their sender's address is an own one (`accept_local` and `rp_filter`;
    /// kernel documentation, networking/ip-sysctl).
    pub to_itself: bool,
}

/// A link in memory that both of its ends share: a file in a file system of its own, which is as large as the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryLink {
    /// Its name on the host, `tb-<token>-link<number>.memory`.
    pub id: String,
    /// How large its rings are.
    pub geometry: Geometry,
    /// On hugetlbfs; otherwise on tmpfs.
    pub hugepages: bool,
}

impl MemoryLink {
    /// The folder that the file system is mounted on.
    pub fn folder(&self) -> String {
        format!("/run/tailbed/{}", self.id)
    }

    /// The file.
    pub fn path(&self) -> String {
        format!("{}/rings", self.folder())
    }

    /// Bytes of the file; on hugetlbfs at least a page.
    pub fn size(&self) -> u64 {
        let size = self.geometry.size();
        if self.hugepages { size.max(HUGE_PAGE) } else { size }
    }

    /// Bytes of memory it takes: what is never used of a file on tmpfs takes none.
    pub fn memory(&self) -> u64 {
        if self.hugepages { self.size() } else { self.geometry.used() }
    }
}
