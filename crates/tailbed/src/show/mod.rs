//! What the terminal shows.

pub(crate) mod charset;
pub(crate) mod deadlines;
pub(crate) mod density;
pub(crate) mod lives;
pub(crate) mod noise;
pub(crate) mod progress;
pub(crate) mod quote;
pub(crate) mod searches;
pub(crate) mod table;
