//! Filter rules as text: `drop udp from 10.0.0.0/8 port 1-1024 to any port 53 payload "evil\x00"`.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::lines::{self, WrongLine};
use super::{Prefix, WrongPrefix};

/// Protocols that can be written by name, with their numbers (the registry of RFC 5237).
const PROTOCOLS: [(&str, u8); 3] = [("icmp", 1), ("tcp", 6), ("udp", 17)];

/// Longest text to look for, bytes: the payload of the longest frame of an MTU of 1500.
const LONGEST_PAYLOAD: usize = 1472;

/// Ports, both ends included.
pub type PortRange = RangeInclusive<u16>;

/// What becomes of a packet that a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It goes on.
    Accept,
    /// It goes no further.
    Drop,
}

/// A filter rule. All that is given must hold of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What then becomes of it.
    pub action: Action,
    /// The IPv4 protocol; `None` for any.
    pub protocol: Option<u8>,
    /// Where it comes from.
    pub source: Prefix,
    /// The UDP or TCP port it comes from; `None` for any, and for packets without ports.
    pub source_ports: Option<PortRange>,
    /// Where it goes.
    pub destination: Prefix,
    /// The UDP or TCP port it goes to; `None` for any, and for packets without ports.
    pub destination_ports: Option<PortRange>,
    /// Bytes that its payload (after the UDP or TCP header where there is one) holds somewhere.
    pub payload: Option<Vec<u8>>,
}

/// A line is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongRule {
    /// No action at its beginning.
    #[error("`{0}` is not what becomes of a packet; a rule begins with accept or drop")]
    Action(String),
    /// A word out of its place.
    #[error("`{0}` cannot stand here; a rule is like: drop udp from 10.0.0.0/8 port 1-1024 to any port 53 payload \"text\"")]
    Word(String),
    /// Something is missing at the end.
    #[error(
        "after `{0}` something is missing; a rule is like: drop udp from 10.0.0.0/8 port 1-1024 to any port 53 payload \"text\""
    )]
    Missing(String),
    /// No prefix.
    #[error(transparent)]
    Prefix(#[from] WrongPrefix),
    /// No port.
    #[error("`{0}` is not a port or a range of ports; write 53 or 1-1024")]
    Ports(String),
    /// Ports of a protocol without any.
    #[error("ports are those of tcp or udp; write drop udp … or drop tcp …, or leave the ports out")]
    NoPorts,
    /// A payload that is no text.
    #[error("`{0}` is not a text in quotes; write \"evil\", with \\\" for a quote, \\\\ for a backslash and \\x00 for any byte")]
    Payload(String),
    /// A payload that no packet has.
    #[error("a payload to look for has 1 to {LONGEST_PAYLOAD} bytes, this one {0}")]
    PayloadLength(usize),
}

impl FromStr for Rule {
    type Err = WrongRule;

    fn from_str(line: &str) -> Result<Self, WrongRule> {
        let mut words = Words(line.trim());
        let action = match words.next().unwrap_or_default() {
            "accept" => Action::Accept,
            "drop" => Action::Drop,
            other => return Err(WrongRule::Action(other.to_owned())),
        };
        let mut rule = Self {
            action,
            protocol: None,
            source: Prefix::ALL,
            source_ports: None,
            destination: Prefix::ALL,
            destination_ports: None,
            payload: None,
        };
        if !words.take("any")
            && let Some(protocol) = words.peek().and_then(protocol)
        {
            words.next();
            rule.protocol = Some(protocol);
        }
        if words.take("from") {
            (rule.source, rule.source_ports) = words.end("from")?;
        }
        if words.take("to") {
            (rule.destination, rule.destination_ports) = words.end("to")?;
        }
        if words.take("payload") {
            let text = words.rest().ok_or_else(|| WrongRule::Missing("payload".to_owned()))?;
            rule.payload = Some(payload(text)?);
        }
        if let Some(word) = words.next() {
            return Err(WrongRule::Word(word.to_owned()));
        }
        let has_ports = rule.source_ports.is_some() || rule.destination_ports.is_some();
        if has_ports && !matches!(rule.protocol, Some(6 | 17)) {
            return Err(WrongRule::NoPorts);
        }
        Ok(rule)
    }
}

/// The words of a line that are still to be read.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.0.split_whitespace().next()
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.0 = self.0.trim_start().strip_prefix(word).unwrap_or_default();
        Some(word)
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(word);
        if is_next {
            self.next();
        }
        is_next
    }

    /// All that is left.
    fn rest(&mut self) -> Option<&'a str> {
        let rest = self.0.trim();
        self.0 = "";
        (!rest.is_empty()).then_some(rest)
    }

    /// `PREFIX`, `any`, each with or without `port RANGE`.
    fn end(&mut self, after: &str) -> Result<(Prefix, Option<PortRange>), WrongRule> {
        let missing = |after: &str| WrongRule::Missing(after.to_owned());
        let prefix = match self.next().ok_or_else(|| missing(after))? {
            "any" => Prefix::ALL,
            word => word.parse()?,
        };
        let ports = if self.take("port") { Some(ports(self.next().ok_or_else(|| missing("port"))?)?) } else { None };
        Ok((prefix, ports))
    }
}

/// A protocol by name or number.
fn protocol(word: &str) -> Option<u8> {
    let known = PROTOCOLS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    known.or_else(|| word.parse().ok())
}

fn ports(word: &str) -> Result<PortRange, WrongRule> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        _ => Err(WrongRule::Ports(word.to_owned())),
    }
}

/// The bytes that a text in quotes stands for.
fn payload(text: &str) -> Result<Vec<u8>, WrongRule> {
    let wrong = || WrongRule::Payload(text.to_owned());
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or_else(wrong)?;
    let mut bytes = Vec::new();
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'"' => return Err(wrong()),
            b'\\' => match rest.next() {
                Some(byte @ (b'"' | b'\\')) => byte,
                Some(b'x') => {
                    let digits = [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
                    let [Some(high), Some(low)] = digits else { return Err(wrong()) };
                    u8::try_from(high << 4 | low).map_err(|_| wrong())?
                }
                _ => return Err(wrong()),
            },
            byte => byte,
        });
    }
    if (1..=LONGEST_PAYLOAD).contains(&bytes.len()) { Ok(bytes) } else { Err(WrongRule::PayloadLength(bytes.len())) }
}

/// The rules of a text; `name` is what errors call it.
///
/// # Errors
/// The first line that is not a rule.
pub fn rules(name: &str, text: &str) -> Result<Vec<Rule>, WrongLine> {
    lines::read(name, text, str::parse, |_: &Rule| None::<()>)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rule_with_everything() {
        let rule: Rule = "drop udp from 10.0.0.0/8 port 1-1024 to any port 53 payload \"a # \\\"b\\\\\\x0d\"".parse().unwrap();
        assert_eq!((rule.action, rule.protocol), (Action::Drop, Some(17)));
        assert_eq!((rule.source, rule.destination), (Prefix::of(0x0a00_0000, 8), Prefix::ALL));
        assert_eq!((rule.source_ports, rule.destination_ports), (Some(1..=1024), Some(53..=53)));
        assert_eq!(rule.payload.unwrap(), b"a # \"b\\\x0d");
        let rule: Rule = "accept".parse().unwrap();
        assert_eq!((rule.action, rule.protocol, rule.payload), (Action::Accept, None, None));
        let rule: Rule = "accept 47 to 1.2.3.4".parse().unwrap();
        assert_eq!((rule.protocol, rule.destination), (Some(47), Prefix::of(0x0102_0304, 32)));
    }

    #[test]
    fn a_wrong_line_is_named_with_the_way_out() {
        let refused = |text: &str| rules("f.txt", text).unwrap_err().to_string();
        assert_eq!(refused("# no\nblock"), "f.txt:2: `block` is not what becomes of a packet; a rule begins with accept or drop");
        assert!(refused("drop from").contains("after `from` something is missing"));
        assert!(refused("drop udp from any port").contains("after `port` something is missing"));
        assert!(refused("drop tpc").contains("`tpc` cannot stand here"));
        assert!(refused("drop udp to any from any").contains("`from` cannot stand here"));
        assert!(refused("drop udp from any port 9-7").contains("`9-7` is not a port"));
        assert!(refused("drop from any port 9").contains("ports are those of tcp or udp"));
        assert!(refused("drop payload evil").contains("is not a text in quotes"));
        assert!(refused("drop payload \"\\y\"").contains("is not a text in quotes"));
        assert!(refused("drop payload \"\"").contains("has 1 to 1472 bytes, this one 0"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_of_rules_or_not(text in "(accept|drop)?[ a-z0-9./\"\\\\-]{0,40}(\n\\PC{0,20})?") {
            let _ = rules("f", &text);
        }
    }
}
