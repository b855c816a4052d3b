//! Layer-2 forwarding.

use tailbed_format::function::Reason;

use super::{Buffer, Exit, Exits, NetworkFunction};

/// Writes both MAC addresses anew and leaves the rest alone.
#[derive(Debug, Clone)]
pub struct L2fwd(Exits);

impl L2fwd {
    /// Between these exits.
    pub fn new(exits: Exits) -> Self {
        Self(exits)
    }
}

impl NetworkFunction for L2fwd {
    #[inline]
    fn process(&mut self, frame: &mut Buffer<'_>, rule: usize) -> Result<Exit, Reason> {
        self.0.address(frame.bytes_mut(), rule).ok_or(Reason::Malformed)?;
        Ok(rule)
    }
}
