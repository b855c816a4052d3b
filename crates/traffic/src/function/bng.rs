//! Broadband network gateway: double tags (802.1ad) towards subscribers, MPLS in GRE over IPv4 (RFC 4023) towards the core.
//!
//! Upstream, from the port `in`: both tags are taken off, the pair of VLANs names the subscriber and so the label; the packet takes a hop
//! as in a router, its route must lead to the core, and it leaves within label, GRE and IPv4 header. Downstream, from `out`, the
//! reverse: the label names the pair of VLANs. What leaves is made from the IPv4 packet alone, without the frame's padding.

mod subscribers;
mod tunnel;

use std::sync::Arc;

use tailbed_format::function::{Bng as Settings, Port, Reason};

use super::routes::{self, Ahead};
use super::{AHEAD, Buffer, Exit, Exits, Forwarding, NetworkFunction, TableError, router};
use crate::packet::{ethernet, gre, mpls, vlan, word};
use subscribers::Subscribers;
use tunnel::Tunnel;

/// Ethernet header with two tags.
const TAGGED: usize = ethernet::HEADER + 2 * vlan::TAG;

/// Such a header without addresses and VLANs.
const TAGS: [u8; TAGGED] = {
    let mut header = [0; TAGGED];
    let ([a, b], [c, d], [e, f]) = (vlan::OUTER.to_be_bytes(), ethernet::VLAN.to_be_bytes(), ethernet::IPV4.to_be_bytes());
    (header[12], header[13], header[16], header[17], header[20], header[21]) = (a, b, c, d, e, f);
    header
};

/// Shortest frame without frame check sequence: what is shorter is padded (IEEE 802.3, section 3.2.8).
const SHORTEST: usize = 60;

/// A gateway; the first of the forwarder's rules receives from subscribers.
#[derive(Debug, Clone)]
pub struct Bng {
    exits: Exits,
    subscribers: Arc<Subscribers>,
    routes: Arc<Forwarding>,
    ahead: Ahead,
    tunnel: Tunnel,
}

impl Bng {
    /// A gateway with these tables.
    ///
    /// # Errors
    /// When a table's text cannot be used.
    pub fn new(exits: Exits, settings: &Settings) -> Result<Self, TableError> {
        Ok(Self {
            exits,
            subscribers: Arc::new(Subscribers::new(&settings.subscribers)?),
            routes: Arc::new(routes::table(&settings.routes)?),
            ahead: Ahead::default(),
            tunnel: Tunnel::new(settings.local, settings.remote),
        })
    }

    #[inline]
    fn upstream(&mut self, frame: &mut Buffer<'_>) -> Result<Exit, Reason> {
        let turn = self.ahead.turn();
        let (service, customer) = tags(frame.bytes())?;
        let label = self.subscribers.label(service, customer).ok_or(Reason::UnknownSubscriber)?;
        let packet = frame.bytes().get(TAGGED..).ok_or(Reason::Malformed)?;
        let header = router::header(packet)?;
        router::may_pass(packet, &header)?;
        let outward = self.ahead.value(&self.routes, turn, header.destination) == routes::OUT;
        let exit = self.exits.towards(Port::Out).filter(|_| outward).ok_or(Reason::NoRoute)?;
        let from = router::time_to_live(packet);
        router::hop(&mut frame.bytes_mut()[TAGGED..], from)?;
        // RFC 3032, section 2.4.3: the label's time to live is that of the packet after the hop
        let entry = mpls::Entry { label, bottom: true, time_to_live: from - 1 };
        let packet = TAGGED..TAGGED + header.total;
        self.tunnel.pack(frame, packet, self.exits.addresses(exit), entry, SHORTEST).ok_or(Reason::Malformed)?;
        Ok(exit)
    }

    #[inline]
    fn downstream(&self, frame: &mut Buffer<'_>) -> Result<Exit, Reason> {
        let outer = router::packet(frame.bytes())?;
        let inside = self.tunnel.unpack(outer)?;
        let start = ethernet::HEADER + inside.start;
        let entry = mpls::Entry::read(&outer[inside.clone()]).ok_or(Reason::Malformed)?;
        let pair = if entry.bottom { self.subscribers.pair(entry.label) } else { None };
        let pair = pair.ok_or(Reason::UnknownLabel)?;
        let packet = &outer[inside.start + mpls::ENTRY..inside.end];
        let header = router::header(packet)?;
        router::may_pass(packet, &header)?;
        let exit = self.exits.towards(Port::In).ok_or(Reason::NoRoute)?;
        // RFC 3032, section 2.4.3: the label's time to live becomes the packet's; the less of both, so that it never grows (a core that
        // hides its hops, RFC 3443, section 3.2, sends labels with a higher one)
        let from = entry.time_to_live.min(router::time_to_live(packet));
        let start = start + mpls::ENTRY;
        router::hop(&mut frame.bytes_mut()[start..], from)?;
        frame.wrap(start..start + header.total, &TAGS, SHORTEST).ok_or(Reason::Malformed)?;
        let tags = frame.bytes_mut().first_chunk_mut::<TAGGED>().ok_or(Reason::Malformed)?;
        tags[..12].copy_from_slice(self.exits.addresses(exit));
        tags[14..16].copy_from_slice(&pair.0.to_be_bytes());
        tags[18..20].copy_from_slice(&pair.1.to_be_bytes());
        Ok(exit)
    }
}

impl NetworkFunction for Bng {
    /// Upstream a frame grows by the tunnel's headers less those of a tagged frame, 20 bytes in front, downstream it may need padding.
    const ROOM: usize = SHORTEST;

    const LOOKS_AHEAD: bool = true;

    #[inline]
    fn look_ahead<'a>(&mut self, frames: impl Iterator<Item = &'a [u8]>, rule: usize) {
        let Self { subscribers, routes, ahead, .. } = self;
        if rule > 0 {
            // where the label lies behind headers like those of our end; others are found without
            subscribers.look_ahead_down(frames.map(|frame| tunnel::label(frame).unwrap_or(0)));
        } else {
            let mut pairs = [(0, 0); AHEAD];
            let read = |(frame, pair): (&'a [u8], &mut (u16, u16))| {
                *pair = tags(frame).unwrap_or((0, 0));
                router::destination(frame, TAGGED)
            };
            ahead.look(routes, frames.zip(&mut pairs).map(read));
            subscribers.look_ahead_up(pairs.into_iter().take_while(|pair| *pair != (0, 0)));
        }
    }

    #[inline]
    fn process(&mut self, frame: &mut Buffer<'_>, rule: usize) -> Result<Exit, Reason> {
        if rule == 0 { self.upstream(frame) } else { self.downstream(frame) }
    }
}

const _: () = assert!(tunnel::HEADERS - TAGGED <= Bng::ROOM && gre::HEADER + mpls::ENTRY == 8);

/// The VLANs of a frame with two tags, service and customer.
#[inline]
fn tags(frame: &[u8]) -> Result<(u16, u16), Reason> {
    let ethernet = frame.first_chunk::<{ ethernet::HEADER }>().ok_or(Reason::Malformed)?;
    if ethernet[0] & 1 != 0 {
        return Err(Reason::LinkBroadcast);
    }
    if word(ethernet, 12) != vlan::OUTER {
        return Err(Reason::Untagged);
    }
    let header = frame.first_chunk::<TAGGED>().ok_or(Reason::Malformed)?;
    if word(header, 16) != ethernet::VLAN {
        return Err(Reason::Untagged);
    }
    if word(header, 20) != ethernet::IPV4 {
        return Err(Reason::NotIp);
    }
    Ok((word(header, 14) & vlan::IDENTIFIER, word(header, 18) & vlan::IDENTIFIER))
}
