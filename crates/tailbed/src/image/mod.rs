//! Images: root file systems out of archives, and archives out of recipes.

mod cache;
mod digest;
mod unpack;

pub(crate) use unpack::{ImageConfig, Unpacked, unpack};
