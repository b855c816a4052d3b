//! Routes looked up for a batch of frames at once.

use super::Forwarding;
use crate::function::AHEAD;

/// What was looked up ahead, to be had in the order of the frames.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead {
    addresses: [u32; AHEAD],
    values: [u8; AHEAD],
    /// How many there are.
    known: usize,
    /// Whose turn it is.
    turn: usize,
}

impl Ahead {
    /// Looks these addresses up, the first [`AHEAD`] of them, and begins with the first.
    #[inline]
    pub(crate) fn look(&mut self, routes: &Forwarding, addresses: impl Iterator<Item = u32>) {
        self.known = 0;
        for (place, address) in self.addresses.iter_mut().zip(addresses) {
            *place = address;
            self.known += 1;
        }
        routes.lookup_each(&self.addresses[..self.known], &mut self.values);
        self.turn = 0;
    }

    /// The turn of a frame; each takes one, whatever becomes of it.
    #[inline]
    pub(crate) fn turn(&mut self) -> usize {
        let turn = self.turn;
        self.turn += 1;
        turn
    }

    /// What the routes hold for an address: as it was looked up at this turn, where it was this address, and anew otherwise.
    #[inline]
    pub(crate) fn value(&self, routes: &Forwarding, turn: usize, address: u32) -> u8 {
        if turn < self.known && self.addresses[turn % AHEAD] == address {
            self.values[turn % AHEAD]
        } else {
            routes.lookup(address)
        }
    }
}
