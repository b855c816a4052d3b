//! Times with decimals into whole nanoseconds, exactly.

use std::fmt;
use std::str::FromStr;

/// How many nanoseconds a unit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale(u64);

impl Scale {
    /// Nanoseconds.
    pub const NANO: Self = Self(1);
    /// Microseconds.
    pub const MICRO: Self = Self(1_000);
    /// Milliseconds.
    pub const MILLI: Self = Self(1_000_000);
    /// Seconds.
    pub const SECOND: Self = Self(1_000_000_000);

    const NAMED: [(&'static str, Self); 5] =
        [("ns", Self::NANO), ("us", Self::MICRO), ("µs", Self::MICRO), ("ms", Self::MILLI), ("s", Self::SECOND)];

    /// A decimal number of this unit in whole ns, exact but for what lies below a nanosecond, which is rounded half up; `None` when it is
    /// none, is negative, or beyond 2^62 ns, more than a century.
    pub fn time(self, text: &str) -> Option<u64> {
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
            return None;
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        // in ten-billionths of the unit, so that a digit beyond the nanosecond of a second is there to round by
        let places = fraction.bytes().chain(std::iter::repeat(b'0')).take(10);
        let part = places.fold(0_u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
        let below = (part * u128::from(self.0) + 5_000_000_000) / 10_000_000_000;
        let ns = u128::from(whole) * u128::from(self.0) + below;
        u64::try_from(ns).ok().filter(|ns| *ns <= 1 << 62)
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::NAMED.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, scale)| scale).ok_or_else(|| format!("`{text}` is no unit of time; write ns, us, ms or s"))
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMED.into_iter().rfind(|(_, scale)| scale == self).map_or("ns", |(name, _)| name))
    }
}

/// A share from 0 to 1.
pub(super) fn share(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share))
}
