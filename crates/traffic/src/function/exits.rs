//! Where frames leave a forwarder.

use tailbed_format::function::Port;
use tailbed_format::order::ForwardRule;

use crate::packet::ethernet;

/// The number of the rule by whose transmitting interface a frame leaves.
pub type Exit = usize;

/// Both addresses of a header, in the order they are written.
type Addresses = [u8; 12];

/// The exits of a forwarder, one per rule, with the addresses that frames get there.
#[derive(Debug, Clone)]
pub struct Exits {
    addresses: Vec<Addresses>,
    /// By port.
    towards: [Option<Exit>; 2],
    /// By what a table of routes holds: no route, then the ports, further ones by their numbers.
    by_route: Vec<Option<Exit>>,
    /// By rule: the exit on the interface that the rule receives on.
    back: Vec<Option<Exit>>,
}

impl Exits {
    /// The exits of these rules. The first rule leads from the port `in` to the port `out`.
    pub fn of(rules: &[ForwardRule]) -> Self {
        let on = |interface: &str| rules.iter().position(|rule| rule.transmit == interface);
        let inward = rules.first().and_then(|first| on(&first.receive));
        let outward = (!rules.is_empty()).then_some(0);
        Self {
            addresses: rules.iter().map(addresses).collect(),
            towards: [inward, outward],
            by_route: vec![None, inward, outward],
            back: rules.iter().map(|rule| on(&rule.receive)).collect(),
        }
    }

    /// The same, and exits on these interfaces of the rules, which are the ports `out2`, `out3` and so on.
    #[must_use]
    pub fn and_further(mut self, interfaces: &[String], rules: &[ForwardRule]) -> Self {
        let on = |interface: &String| rules.iter().position(|rule| rule.transmit == *interface);
        self.by_route.extend(interfaces.iter().map(on));
        self
    }

    /// The exit of a port; `None` when no rule transmits there.
    #[inline]
    pub fn towards(&self, port: Port) -> Option<Exit> {
        match port {
            Port::In => self.towards[0],
            Port::Out => self.towards[1],
            Port::Further(_) => self.by_route(super::routes::value(port)),
        }
    }

    /// The exit of what a table of routes holds; `None` where it holds nothing, or no rule transmits there.
    #[inline]
    pub fn by_route(&self, value: u8) -> Option<Exit> {
        self.by_route.get(usize::from(value)).copied().flatten()
    }

    /// The exit on the interface that a rule receives on; `None` when no rule transmits there.
    #[inline]
    pub fn back(&self, rule: usize) -> Option<Exit> {
        self.back.get(rule).copied().flatten()
    }

    /// The addresses of frames that leave there: destination, then source.
    #[inline]
    pub fn addresses(&self, exit: Exit) -> &Addresses {
        &self.addresses[exit]
    }

    /// Writes those addresses into a frame; `None` when it has no room for an Ethernet header.
    #[inline]
    pub fn address(&self, frame: &mut [u8], exit: Exit) -> Option<()> {
        let header = frame.first_chunk_mut::<{ ethernet::HEADER }>()?;
        header[..12].copy_from_slice(self.addresses(exit));
        Some(())
    }
}

fn addresses(rule: &ForwardRule) -> Addresses {
    let mut both = [0; 12];
    both[..6].copy_from_slice(&rule.destination.0);
    both[6..].copy_from_slice(&rule.source.0);
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::mac::MacAddress;

    #[test]
    fn ports_are_told_by_the_rules() {
        let rule = |receive: &str, transmit: &str, number| ForwardRule {
            receive: receive.to_owned(),
            transmit: transmit.to_owned(),
            source: MacAddress([number; 6]),
            destination: MacAddress([number + 1; 6]),
        };
        let exits = Exits::of(&[rule("a", "b", 1), rule("b", "a", 3)]);
        assert_eq!((exits.towards(Port::In), exits.towards(Port::Out)), (Some(1), Some(0)));
        assert_eq!((exits.back(0), exits.back(1), exits.back(2)), (Some(1), Some(0), None));
        assert_eq!([0, 1, 2, 3].map(|value| exits.by_route(value)), [None, Some(1), Some(0), None]);
        assert_eq!(exits.addresses(1), &[4, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3]);
        let three = [rule("a", "b", 1), rule("b", "a", 3), rule("c", "c", 5)];
        let further = Exits::of(&three).and_further(&[String::new(), "c".to_owned()], &three);
        assert_eq!([2, 3, 4, 5].map(|value| further.by_route(value)), [Some(0), None, Some(2), None]);
        assert_eq!((further.towards(Port::Further(2)), further.towards(Port::Further(3))), (None, Some(2)));
        let one_way = Exits::of(&[rule("a", "b", 1)]);
        assert_eq!((one_way.towards(Port::In), one_way.towards(Port::Out), one_way.back(0)), (None, Some(0), None));
        assert_eq!(Exits::of(&[]).towards(Port::Out), None);
    }
}
