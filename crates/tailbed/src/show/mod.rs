//! What the terminal shows.

pub(crate) mod lives;
pub(crate) mod noise;
pub(crate) mod progress;
pub(crate) mod quote;
pub(crate) mod searches;
pub(crate) mod table;
