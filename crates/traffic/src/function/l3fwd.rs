//! Layer-3 forwarding: IPv4 by longest prefix (RFC 1812).

use std::sync::Arc;

use tailbed_format::function::{Port, Reason, Table};

use super::{Buffer, Exit, Exits, NetworkFunction, Poptrie, TableError, router, routes};
use crate::packet::ethernet;

/// A router between two ports: what is right is sent where its route says, with one hop less to live and new MAC addresses.
#[derive(Debug, Clone)]
pub struct L3fwd {
    exits: Exits,
    routes: Arc<Poptrie>,
}

impl L3fwd {
    /// A router with these routes, and those that the load generator's packets need (see [`super::generated_routes`]).
    ///
    /// # Errors
    /// When the table's text cannot be used.
    pub fn new(exits: Exits, table: &Table) -> Result<Self, TableError> {
        Ok(Self { exits, routes: Arc::new(routes::table(table)?) })
    }
}

impl NetworkFunction for L3fwd {
    #[inline]
    fn process(&mut self, frame: &mut Buffer<'_>, _: usize) -> Result<Exit, Reason> {
        let packet = router::packet(frame.bytes())?;
        let header = router::header(packet)?;
        router::may_pass(packet, &header)?;
        let exit = exit(&self.exits, &self.routes, header.destination).ok_or(Reason::NoRoute)?;
        let from = router::time_to_live(packet);
        router::hop(&mut frame.bytes_mut()[ethernet::HEADER..], from)?;
        self.exits.address(frame.bytes_mut(), exit).ok_or(Reason::Malformed)?;
        Ok(exit)
    }
}

#[inline]
fn exit(exits: &Exits, routes: &Poptrie, destination: u32) -> Option<Exit> {
    exits.towards(port(routes, destination)?)
}

/// The port a packet to this address leaves by.
#[inline]
pub(super) fn port(routes: &Poptrie, destination: u32) -> Option<Port> {
    match routes.lookup(destination) {
        routes::IN => Some(Port::In),
        routes::OUT => Some(Port::Out),
        _ => None,
    }
}
