//! VLAN tags (IEEE 802.1Q-2022, clause 9).

/// Length of a tag, bytes: type and control information.
pub const TAG: usize = 4;

/// EtherType of a service tag, the outer of two (802.1ad).
pub const SERVICE: u16 = 0x88a8;

/// EtherType of a customer tag.
pub const CUSTOMER: u16 = super::ethernet::VLAN;

/// The bits of the control information that name the VLAN; the others are priority and drop eligibility.
pub const IDENTIFIER: u16 = 0x0fff;
