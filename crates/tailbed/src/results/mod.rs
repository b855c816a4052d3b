//! The results folder: made once, written as the campaign goes, never overwritten.

pub(crate) mod campaign;
pub(crate) mod packets;

pub(crate) use campaign::{CampaignFolder, Identity};
