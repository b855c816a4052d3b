//! No function: frames are moved as they are.

use tailbed_format::function::Reason;

use super::{Buffer, Exit, NetworkFunction};

/// Moves every frame untouched, whatever it is.
#[derive(Debug, Clone, Copy)]
pub struct None;

impl NetworkFunction for None {
    #[inline]
    fn process(&mut self, _: &mut Buffer<'_>, rule: usize) -> Result<Exit, Reason> {
        Ok(rule)
    }
}
