//! Time stamps of network cards: what an interface's driver can do, what it is told to do, and how its clock stands to ours (kernel
//! documentation, networking/timestamping and driver-api/ptp).
//!
//! A card that stamps has a clock of its own (PHC, `/dev/ptp<n>`), which nobody sets unless asked to; what lies between it and the host's clock is
//! read, with a bound, before and after a capture.

mod ask;
mod card_clock;

use std::fmt;
use std::str::FromStr;

pub use ask::{abilities, set, settings};
pub use card_clock::{CardClock, Reading};

/// Bits of `SOF_TIMESTAMPING_…` (linux/net_tstamp.h) by the names that ethtool(8) gives them.
const FLAGS: [(u32, &str); 7] = [
    (libc::SOF_TIMESTAMPING_TX_HARDWARE, "hardware-transmit"),
    (libc::SOF_TIMESTAMPING_TX_SOFTWARE, "software-transmit"),
    (libc::SOF_TIMESTAMPING_RX_HARDWARE, "hardware-receive"),
    (libc::SOF_TIMESTAMPING_RX_SOFTWARE, "software-receive"),
    (libc::SOF_TIMESTAMPING_SOFTWARE, "software-system-clock"),
    (libc::SOF_TIMESTAMPING_SYS_HARDWARE, "hardware-legacy-clock"),
    (libc::SOF_TIMESTAMPING_RAW_HARDWARE, "hardware-raw-clock"),
];

/// `HWTSTAMP_FILTER_ALL` of linux/net_tstamp.h: every frame that comes in is stamped.
const ALL_FRAMES: i32 = 1;

/// What the driver of an interface says that it can stamp (`ETHTOOL_GET_TS_INFO`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Bits of `SOF_TIMESTAMPING_…`.
    pub flags: u32,
    /// The number of the card's clock; `None` where it has none.
    pub clock: Option<u32>,
    /// A bit for each of `HWTSTAMP_FILTER_…`: which frames the card can be told to stamp as they come in.
    pub filters: u32,
}

impl Abilities {
    /// The clock, where the card can stamp every frame that comes in by it.
    pub fn stamps_all(&self) -> Option<u32> {
        let needed = libc::SOF_TIMESTAMPING_RX_HARDWARE | libc::SOF_TIMESTAMPING_RAW_HARDWARE;
        self.clock.filter(|_| self.flags & needed == needed && self.filters & (1 << ALL_FRAMES) != 0)
    }
}

impl fmt::Display for Abilities {
    /// As a clause behind "its driver says": `software-receive, software-system-clock, and no clock of its own`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = FLAGS.iter().filter(|(bit, _)| self.flags & bit != 0).map(|(_, name)| *name).collect();
        f.write_str(if names.is_empty() { "nothing" } else { "" })?;
        f.write_str(&names.join(", "))?;
        match self.clock {
            None => f.write_str(", and no clock of its own"),
            Some(number) if self.filters & (1 << ALL_FRAMES) == 0 => {
                write!(f, ", with the clock ptp{number}, but not of every frame that comes in (filters {:#x})", self.filters)
            }
            Some(number) => write!(f, ", with the clock ptp{number}"),
        }
    }
}

/// What a driver is told to stamp (`struct hwtstamp_config` of linux/net_tstamp.h), as three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `HWTSTAMP_FLAG_…`.
    pub flags: i32,
    /// `HWTSTAMP_TX_…`: 0 for no frame that leaves.
    pub transmit: i32,
    /// `HWTSTAMP_FILTER_…`: 0 for no frame that comes in, 1 for all.
    pub receive: i32,
}

impl Settings {
    /// With every frame stamped that comes in, and nothing else changed.
    #[must_use]
    pub fn with_all_frames(self) -> Self {
        Self { receive: ALL_FRAMES, ..self }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.flags, self.transmit, self.receive)
    }
}

/// Not three numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not say what a card stamps; flags, tx_type and rx_filter are wanted, for example 0 0 1")]
pub struct WrongSettings(String);

impl FromStr for Settings {
    type Err = WrongSettings;

    fn from_str(text: &str) -> Result<Self, WrongSettings> {
        let wrong = |_| WrongSettings(text.to_owned());
        let numbers = text.split_whitespace().map(str::parse::<i32>).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        let [flags, transmit, receive] = numbers[..] else { return Err(WrongSettings(text.to_owned())) };
        Ok(Self { flags, transmit, receive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOFTWARE: u32 =
        libc::SOF_TIMESTAMPING_TX_SOFTWARE | libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;
    const HARDWARE: u32 = libc::SOF_TIMESTAMPING_RX_HARDWARE | libc::SOF_TIMESTAMPING_RAW_HARDWARE;

    #[test]
    fn only_a_card_that_stamps_every_frame_by_a_clock_of_its_own_will_do() {
        let card = Abilities { flags: SOFTWARE | HARDWARE, clock: Some(2), filters: 0b11 };
        assert_eq!(card.stamps_all(), Some(2));
        assert_eq!(Abilities { clock: None, ..card }.stamps_all(), None);
        assert_eq!(Abilities { flags: SOFTWARE, ..card }.stamps_all(), None);
        assert_eq!(Abilities { flags: libc::SOF_TIMESTAMPING_RX_HARDWARE, ..card }.stamps_all(), None);
        // packets of PTP alone
        assert_eq!(Abilities { filters: 1 << 12 | 1, ..card }.stamps_all(), None);
    }

    #[test]
    fn what_a_driver_says_is_told_in_the_words_of_ethtool() {
        let software = Abilities { flags: SOFTWARE, clock: None, filters: 0 };
        assert_eq!(software.to_string(), "software-transmit, software-receive, software-system-clock, and no clock of its own");
        let card = Abilities { flags: HARDWARE, clock: Some(0), filters: 2 };
        assert_eq!(card.to_string(), "hardware-receive, hardware-raw-clock, with the clock ptp0");
        let some = Abilities { filters: 0x1001, ..card }.to_string();
        assert!(some.ends_with("with the clock ptp0, but not of every frame that comes in (filters 0x1001)"), "{some}");
        assert_eq!(Abilities { flags: 0, clock: None, filters: 0 }.to_string(), "nothing, and no clock of its own");
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        let settings = Settings { flags: 0, transmit: 1, receive: 12 };
        assert_eq!(settings.to_string().parse(), Ok(settings));
        assert_eq!(settings.with_all_frames().to_string(), "0 1 1");
        for wrong in ["", "0 1", "0 1 2 3", "0 1 all"] {
            assert_eq!(wrong.parse::<Settings>(), Err(WrongSettings(wrong.to_owned())));
        }
    }
}
