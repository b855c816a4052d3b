//! The tunnel to the core: IPv4, GRE and one MPLS label around each packet.

use std::net::Ipv4Addr;
use std::ops::Range;

use tailbed_format::function::Reason;

use super::{Buffer, router};
use crate::packet::{ethernet, gre, ipv4, mpls, word};

/// Bytes in front of a packet: Ethernet, IPv4, GRE, label.
pub(super) const HEADERS: usize = ethernet::HEADER + AROUND;

/// Where the IPv4 header begins, and the GRE header, and the label.
const IP: usize = ethernet::HEADER;
const GRE: usize = IP + ipv4::HEADER;
const LABEL: usize = GRE + gre::HEADER;

/// Bytes of them that the IPv4 header counts.
const AROUND: usize = ipv4::HEADER + gre::HEADER + mpls::ENTRY;

/// The label behind headers without options, unchecked; `None` when the frame is too short.
#[inline]
pub(super) fn label(frame: &[u8]) -> Option<u32> {
    let entry = frame.get(LABEL..)?.first_chunk()?;
    Some(u32::from_be_bytes(*entry) >> 12)
}

/// Both ends of a tunnel, and the headers made from them.
#[derive(Debug, Clone)]
pub(super) struct Tunnel {
    local: u32,
    remote: u32,
    /// All but MAC addresses, length, checksum and label.
    headers: [u8; HEADERS],
    /// The sum of the IPv4 header's words.
    sum: u64,
}

impl Tunnel {
    /// A tunnel from our end to the core's. Its packets are atomic: not to be fragmented, identification 0 (RFC 4023, section 5.1; RFC
    /// 6864, section 4); their service is best effort and their time to live 64.
    pub(super) fn new(local: Ipv4Addr, remote: Ipv4Addr) -> Self {
        let mut header = [0; ipv4::HEADER];
        // An array of this length always has room for a header.
        let _ = ipv4::Header { source: local, destination: remote, protocol: gre::PROTOCOL }.write(&mut header);
        header[2..4].fill(0);
        header[10..12].fill(0);
        let (words, _) = header.as_chunks::<2>();
        let sum = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
        let mut headers = [0; HEADERS];
        headers[12..IP].copy_from_slice(&ethernet::IPV4.to_be_bytes());
        headers[IP..GRE].copy_from_slice(&header);
        headers[GRE..LABEL].copy_from_slice(&gre::MPLS_HEADER);
        Self { local: local.into(), remote: remote.into(), headers, sum }
    }

    /// Puts the part of a frame that holds a packet into the tunnel; `None` when it is too long for one. The headers are copied whole and
    /// what differs is written over them: headers put together elsewhere first would have to be waited for.
    #[inline]
    pub(super) fn pack(
        &self,
        frame: &mut Buffer<'_>,
        packet: Range<usize>,
        addresses: &[u8; 12],
        entry: mpls::Entry,
        least: usize,
    ) -> Option<()> {
        let total = u16::try_from(packet.len() + AROUND).ok()?;
        let checksum = !router::folded(self.sum + u64::from(total));
        frame.wrap(packet, &self.headers, least)?;
        let headers = frame.bytes_mut().first_chunk_mut::<HEADERS>()?;
        headers[..12].copy_from_slice(addresses);
        headers[IP + 2..IP + 4].copy_from_slice(&total.to_be_bytes());
        headers[IP + 10..IP + 12].copy_from_slice(&checksum.to_be_bytes());
        headers[LABEL..].copy_from_slice(&entry.bytes());
        Some(())
    }

    /// Where the label stack of a packet from the core begins and where its packet ends.
    #[inline]
    pub(super) fn unpack(&self, outer: &[u8]) -> Result<Range<usize>, Reason> {
        let header = router::header(outer)?;
        if (header.source, header.destination) != (self.remote, self.local) || outer[9] != gre::PROTOCOL {
            return Err(Reason::NotTunnelled);
        }
        // more fragments, or an offset
        if word(outer, 6) & 0x3fff != 0 {
            return Err(Reason::Fragment);
        }
        match gre::parse(&outer[header.length..header.total]) {
            Ok((gre::MPLS, length)) => Ok(header.length + length..header.total),
            Ok(_) | Err(gre::Refused::Unknown) => Err(Reason::NotTunnelled),
            Err(gre::Refused::Short) => Err(Reason::Malformed),
            Err(gre::Refused::Checksum) => Err(Reason::BadChecksum),
        }
    }
}
