//! The results folder: made once, written as the campaign goes, never overwritten.

pub(crate) mod begun;
pub(crate) mod campaign;
pub(crate) mod metadata;
pub(crate) mod packets;
pub(crate) mod progress;
pub(crate) mod sums;
pub(crate) mod tallies;

pub(crate) use begun::{Begun, Identity, Kind, Outline, kind_of};
pub(crate) use campaign::CampaignFolder;
pub(crate) use progress::ProgressFile;
