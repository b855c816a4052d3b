//! IPv4 prefixes (RFC 4632).

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An IPv4 prefix; bits of the address beyond its length are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    address: u32,
    length: u8,
}

/// The text is not a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongPrefix {
    /// Not of the form.
    #[error("`{0}` is not an IPv4 prefix; write it like 10.0.0.0/8")]
    Form(String),
    /// A length that no address has.
    #[error("the prefix `{0}` is longer than an address; its length is 0 to 32")]
    Length(String),
    /// Bits beyond the length.
    #[error("the address of `{found}` has bits beyond the prefix; write {meant}")]
    HostBits {
        /// As found.
        found: String,
        /// Without the bits.
        meant: Prefix,
    },
}

impl Prefix {
    /// Every address.
    pub const ALL: Self = Self { address: 0, length: 0 };

    /// The prefix of this length that holds an address. Lengths beyond 32 count as 32.
    pub fn of(address: u32, length: u8) -> Self {
        let length = length.min(32);
        Self { address: address & mask(length), length }
    }

    /// The first address, as a number.
    pub fn address(self) -> u32 {
        self.address
    }

    /// How many bits are given, 0 to 32.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether an address lies in it.
    pub fn holds(self, address: u32) -> bool {
        address & mask(self.length) == self.address
    }
}

/// The bits that a prefix of this length gives.
fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0)
}

impl FromStr for Prefix {
    type Err = WrongPrefix;

    /// A prefix, or a single address.
    fn from_str(text: &str) -> Result<Self, WrongPrefix> {
        let form = || WrongPrefix::Form(text.to_owned());
        let (address, length) = text.split_once('/').unwrap_or((text, "32"));
        let address = u32::from(address.parse::<Ipv4Addr>().map_err(|_| form())?);
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(form());
        }
        let length = length.parse().ok().filter(|length| *length <= 32).ok_or_else(|| WrongPrefix::Length(text.to_owned()))?;
        let prefix = Self::of(address, length);
        if prefix.address == address { Ok(prefix) } else { Err(WrongPrefix::HostBits { found: text.to_owned(), meant: prefix }) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.address), self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_prefix_is_refused_with_the_way_out() {
        let refused = |text: &str| text.parse::<Prefix>().unwrap_err().to_string();
        assert_eq!(refused("10.0.0.1/8"), "the address of `10.0.0.1/8` has bits beyond the prefix; write 10.0.0.0/8");
        assert_eq!(refused("10.0.0.0/33"), "the prefix `10.0.0.0/33` is longer than an address; its length is 0 to 32");
        for text in ["", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "::/0"] {
            assert!(refused(text).contains("is not an IPv4 prefix"), "{text}");
        }
        assert_eq!("0.0.0.0/0".parse(), Ok(Prefix::ALL));
        assert_eq!("1.2.3.4".parse(), Ok(Prefix::of(0x0102_0304, 32)));
    }

    proptest! {
        #[test]
        fn text_round_trips(address in any::<u32>(), length in 0u8..=32, other in any::<u32>()) {
            let prefix = Prefix::of(address, length);
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
            prop_assert!(prefix.holds(address));
            let same = (address ^ other).leading_zeros() >= u32::from(length);
            prop_assert_eq!(prefix.holds(other), same);
        }

        #[test]
        fn any_text_is_a_prefix_or_not(text in "\\PC{0,20}") {
            let _ = text.parse::<Prefix>();
        }
    }
}
