//! Layer-3 forwarding: IPv4 by longest prefix (RFC 1812).

use std::sync::Arc;

use tailbed_format::function::{Reason, Table};

use super::routes::{self, Ahead};
use super::{Buffer, Exit, Exits, Forwarding, NetworkFunction, TableError, router};
use crate::packet::ethernet;

/// A router between two ports: what is right is sent where its route says, with one hop less to live and new MAC addresses.
#[derive(Debug, Clone)]
pub struct L3fwd {
    exits: Exits,
    routes: Arc<Forwarding>,
    ahead: Ahead,
}

impl L3fwd {
    /// A router with these routes, and those that the load generator's packets need (see [`super::generated_routes`]).
    ///
    /// # Errors
    /// When the table's text cannot be used.
    pub fn new(exits: Exits, table: &Table) -> Result<Self, TableError> {
        Ok(Self { exits, routes: Arc::new(routes::table(table)?), ahead: Ahead::default() })
    }
}

impl NetworkFunction for L3fwd {
    const LOOKS_AHEAD: bool = true;

    #[inline]
    fn look_ahead<'a>(&mut self, frames: impl Iterator<Item = &'a [u8]>, _: usize) {
        self.ahead.look(&self.routes, frames.map(|frame| router::destination(frame, ethernet::HEADER)));
    }

    #[inline]
    fn process(&mut self, frame: &mut Buffer<'_>, _: usize) -> Result<Exit, Reason> {
        let turn = self.ahead.turn();
        let packet = router::packet(frame.bytes())?;
        let header = router::header(packet)?;
        router::may_pass(packet, &header)?;
        let exit = self.exits.by_route(self.ahead.value(&self.routes, turn, header.destination)).ok_or(Reason::NoRoute)?;
        let from = router::time_to_live(packet);
        router::hop(&mut frame.bytes_mut()[ethernet::HEADER..], from)?;
        self.exits.address(frame.bytes_mut(), exit).ok_or(Reason::Malformed)?;
        Ok(exit)
    }
}
