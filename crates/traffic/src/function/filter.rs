//! A packet filter: layer-2 forwarding of what its rules accept. The light stand-in for an intrusion detection system.

mod generate;
mod payloads;
mod tuple;

use std::sync::Arc;

use tailbed_format::function::{self, Action, Reason, Rule, Table};

use super::{Buffer, Exit, Exits, NetworkFunction, TableError, entries};
use crate::packet::{ethernet, ipv4, udp, word};
use payloads::{Found, Payloads};
use tuple::{Tuple, tuples};

const TCP: u8 = 6;

/// Rules of which the first that matches decides. What none matches is accepted, and so is what is not IPv4: rules speak of nothing else.
#[derive(Debug, Clone)]
pub struct Filter {
    exits: Exits,
    table: Arc<Rules>,
    found: Found,
}

/// The rules and what they are searched by.
#[derive(Debug)]
struct Rules {
    list: Vec<Rule>,
    tuples: Vec<Tuple>,
    payloads: Payloads,
}

/// What rules are compared with.
#[derive(Debug, Clone, Copy)]
struct Packet<'a> {
    protocol: u8,
    source: u32,
    destination: u32,
    /// Source and destination.
    ports: Option<(u16, u16)>,
    payload: &'a [u8],
}

impl Filter {
    /// A filter with these rules.
    ///
    /// # Errors
    /// When the table's text cannot be used.
    pub fn new(exits: Exits, table: &Table) -> Result<Self, TableError> {
        let rules = entries(table, generate::generated, function::rules)?;
        let payloads = Payloads::new(&rules)?;
        let found = payloads.none();
        Ok(Self { exits, table: Arc::new(Rules { tuples: tuples(&rules), payloads, list: rules }), found })
    }
}

impl NetworkFunction for Filter {
    #[inline]
    fn process(&mut self, frame: &mut Buffer<'_>, rule: usize) -> Result<Exit, Reason> {
        let (header, packet) = frame.bytes().split_first_chunk::<{ ethernet::HEADER }>().ok_or(Reason::Malformed)?;
        if word(header, 12) == ethernet::IPV4 {
            let packet = parse(packet).ok_or(Reason::Malformed)?;
            if self.table.first_match(&packet, &mut self.found).is_some_and(|rule| rule.action == Action::Drop) {
                return Err(Reason::Filtered);
            }
        }
        self.exits.address(frame.bytes_mut(), rule).ok_or(Reason::Malformed)?;
        Ok(rule)
    }
}

/// Ports are those of UDP and TCP, and only of a packet's first fragment: the others have none.
#[inline]
fn parse(bytes: &[u8]) -> Option<Packet<'_>> {
    let view = ipv4::Packet::parse(bytes)?;
    let protocol = view.protocol();
    let inner = &bytes[bytes.len().min(usize::from(bytes[0] & 0x0f) * 4)..][..view.payload().len()];
    let least = match protocol {
        ipv4::UDP => udp::HEADER,
        TCP => 20,
        _ => 0,
    };
    let has_ports = least > 0 && view.is_first_fragment();
    let (ports, payload) = if has_ports {
        // a TCP header's length stands in its 13th byte, in words (RFC 9293, section 3.1)
        let header = if protocol == TCP { usize::from(*inner.get(12)? >> 4) * 4 } else { least };
        let payload = inner.get(header.max(least)..)?;
        (Some((word(inner, 0), word(inner, 2))), payload)
    } else {
        (None, inner)
    };
    Some(Packet { protocol, source: view.source().into(), destination: view.destination().into(), ports, payload })
}

impl Rules {
    /// The first rule that matches. Tuples are in the order of their first rules, so that those that could only be beaten are left out.
    #[inline]
    fn first_match(&self, packet: &Packet<'_>, found: &mut Found) -> Option<&Rule> {
        found.forget();
        let mut best = usize::MAX;
        for tuple in &self.tuples {
            if tuple.first_rule() >= best {
                break;
            }
            let candidates = tuple.candidates(packet).iter().map(|&number| number as usize);
            let matching = candidates.take_while(|&number| number < best).find(|&number| self.matches(number, packet, found));
            best = matching.unwrap_or(best);
        }
        self.list.get(best)
    }

    /// What the tuple has not compared: ranges of ports and the payload.
    #[inline]
    fn matches(&self, number: usize, packet: &Packet<'_>, found: &mut Found) -> bool {
        let rule = &self.list[number];
        let within = |range: &Option<function::PortRange>, port: fn((u16, u16)) -> u16| {
            range.as_ref().is_none_or(|range| packet.ports.is_some_and(|ports| range.contains(&port(ports))))
        };
        within(&rule.source_ports, |ports| ports.0)
            && within(&rule.destination_ports, |ports| ports.1)
            && self.payloads.holds(number, packet.payload, found)
    }
}

#[cfg(test)]
mod tests;
