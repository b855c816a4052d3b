//! The name of a node's port.

use std::fmt;

/// A port of a node: a name of few letters, which is that of its interface as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Port([u8; Self::LONGEST]);

impl Port {
    /// An interface's name has at most 15 bytes (IFNAMSIZ in linux/if.h); on the host our prefix, the token and the node's number stand
    /// before the port's.
    pub(crate) const LONGEST: usize = 8;

    /// Where packets come in, unless something else is said.
    pub(crate) const IN: Self = Self(*b"in\0\0\0\0\0\0");

    /// Where they leave.
    pub(crate) const OUT: Self = Self(*b"out\0\0\0\0\0");

    /// The port of a name; `None` when none can have it: 1 to 8 letters, digits, `-` and `_`, beginning with a letter, and not the name
    /// that every network namespace has an interface of already.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let right = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(right) && name != "lo";
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        good.then_some(Self(bytes))
    }

    fn as_str(&self) -> &str {
        let length = self.0.iter().position(|&byte| byte == 0).unwrap_or(Self::LONGEST);
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_interface_can_be_called_is_a_port() {
        for name in ["in", "out", "left", "in-2", "UP_link", "a2345678"] {
            assert_eq!(Port::named(name).map(|port| port.to_string()).as_deref(), Some(name));
        }
        assert_eq!((Port::named("in"), Port::named("out")), (Some(Port::IN), Some(Port::OUT)));
        for name in ["", "lo", "2in", "-in", "a23456789", "a b", "a/b", "a:b", "ä", "in\0"] {
            assert_eq!(Port::named(name), None, "{name}");
        }
    }
}
