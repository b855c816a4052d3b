//! A gateway's subscriber lines as text: `100 7 1000`.

use std::str::FromStr;

use super::lines::{self, WrongLine};

/// A subscriber line: a pair of VLANs and the label its packets have in the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscriber {
    /// The outer, the service VLAN, 1 to 4094 (IEEE 802.1Q-2022, table 9-2: 0 and 4095 are reserved).
    pub service: u16,
    /// The inner, the customer's VLAN, 1 to 4094.
    pub customer: u16,
    /// The MPLS label, 16 to 1048575 (RFC 3032, section 2.1: lower ones are reserved).
    pub label: u32,
}

/// A line is not a subscriber's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongSubscriber {
    /// Not three numbers.
    #[error("`{0}` is not a subscriber line; write service VLAN, customer VLAN and label, for example 100 7 1000")]
    Form(String),
    /// A VLAN that cannot be.
    #[error("`{0}` is not a VLAN that can be used; they are 1 to 4094")]
    Vlan(String),
    /// A label that cannot be.
    #[error("`{0}` is not a label that can be used; they are 16 to 1048575")]
    Label(String),
}

impl FromStr for Subscriber {
    type Err = WrongSubscriber;

    fn from_str(line: &str) -> Result<Self, WrongSubscriber> {
        let words = lines::words(line);
        let [service, customer, label] = words[..] else { return Err(WrongSubscriber::Form(line.to_owned())) };
        let vlan = |word: &str| {
            let number = word.parse().ok().filter(|number| (1..=4094).contains(number));
            number.ok_or_else(|| WrongSubscriber::Vlan(word.to_owned()))
        };
        let (service, customer) = (vlan(service)?, vlan(customer)?);
        let number = label.parse().ok().filter(|number| (16..1 << 20).contains(number));
        Ok(Self { service, customer, label: number.ok_or_else(|| WrongSubscriber::Label(label.to_owned()))? })
    }
}

/// The subscriber lines of a text; `name` is what errors call it.
///
/// # Errors
/// The first line that is none, or whose VLANs or label an earlier one has.
pub fn subscribers(name: &str, text: &str) -> Result<Vec<Subscriber>, WrongLine> {
    let entries = lines::read(name, text, str::parse, |line: &Subscriber| Some((line.service, line.customer)))?;
    // Read a second time by the other key: towards subscribers it is the label that decides.
    lines::read(name, text, str::parse, |line: &Subscriber| Some(line.label)).map(|_| entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_table_is_read_and_a_wrong_line_named() {
        let read = subscribers("s.txt", "100 7 1000\n100 8 16 # the last\n").unwrap();
        assert_eq!(read[1], Subscriber { service: 100, customer: 8, label: 16 });
        let refused = |text: &str| subscribers("s.txt", text).unwrap_err().to_string();
        assert_eq!(refused("0 7 1000"), "s.txt:1: `0` is not a VLAN that can be used; they are 1 to 4094");
        assert_eq!(refused("1 4095 1000"), "s.txt:1: `4095` is not a VLAN that can be used; they are 1 to 4094");
        assert_eq!(refused("1 7 15"), "s.txt:1: `15` is not a label that can be used; they are 16 to 1048575");
        assert!(refused("1 7").contains("write service VLAN, customer VLAN and label"));
        assert!(refused("1 7 100\n1 7 101").contains("s.txt:2: `1 7 101` is there already, in line 1"));
        assert!(refused("1 7 100\n1 8 100").contains("s.txt:2: `1 8 100` is there already, in line 1"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_table_or_not(text in "[0-9 #x\n]{0,60}") {
            let _ = subscribers("s", &text);
        }
    }
}
