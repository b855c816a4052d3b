//! The flows, with every value within what its field holds.

use std::net::Ipv4Addr;

use tailbed_format::traffic::{Flows, Rule, Tag};

use super::place::Place;
use crate::experiment::{self, Address, Values};
use crate::text::error::Fault;

/// More flows than this are a slip: most of them would have no packet.
const MOST_FLOWS: u32 = 1_000_000;

/// The EtherTypes of the tags (IEEE 802.1Q-2022, table 9-1): customer and service.
const CUSTOMER: u16 = 0x8100;
const SERVICE: u16 = 0x88a8;

/// VLAN identifiers with no meaning of their own: 0 is no VLAN, 4095 is reserved (IEEE 802.1Q-2022, table 9-2).
const VLANS: std::ops::RangeInclusive<u32> = 1..=4094;

/// Checks `[traffic.flows]`.
pub(super) fn of(flows: &experiment::Flows, place: &Place<'_>) -> Result<Flows, Fault> {
    if flows.count == 0 || flows.count > MOST_FLOWS {
        return Err(Fault::file(format!("{} flows are not possible", flows.count))
            .at(place.span(&["flows", "count"]), format!("1 to {MOST_FLOWS} is allowed"))
            .help("leave `count` out for one flow"));
    }
    if let (Some(_), None) = (flows.outer_vlan, flows.vlan) {
        return Err(Fault::file("an outer VLAN tag needs one behind it")
            .at(place.key_span(&["flows", "outer_vlan"]), "alone")
            .help("add vlan = 100, or write `vlan` in place of `outer_vlan` for a single tag"));
    }
    let usual = Flows::default();
    let tag = |key, ethertype, values: Option<Values<u16>>| {
        let id = values.map(|values| rule(key, number(values), VLANS, place)).transpose()?;
        Ok(id.map(|id| Tag { ethertype, id }))
    };
    let tags = [tag("outer_vlan", SERVICE, flows.outer_vlan)?, tag("vlan", CUSTOMER, flows.vlan)?];
    let address = |key, values: Option<Values<Address>>, usual| {
        let number =
            |values: Values<Address>| Values { first: u32::from(values.first.0), count: values.count, every: values.every };
        values.map_or(Ok(usual), |values| rule(key, number(values), 0..=u32::MAX, place))
    };
    let port = |key, values: Option<Values<u16>>, usual| {
        values.map_or(Ok(usual), |values| rule(key, number(values), 0..=u32::from(u16::MAX), place))
    };
    Ok(Flows {
        count: flows.count,
        tags: tags.into_iter().flatten().collect(),
        source: address("source", flows.source, usual.source)?,
        destination: address("destination", flows.destination, usual.destination)?,
        source_port: port("source_port", flows.source_port, usual.source_port)?,
        destination_port: port("destination_port", flows.destination_port, usual.destination_port)?,
    })
}

fn number(Values { first, count, every }: Values<u16>) -> Values<u32> {
    Values { first: first.into(), count, every }
}

/// A rule all of whose values lie within the allowed ones.
fn rule(key: &str, values: Values<u32>, allowed: std::ops::RangeInclusive<u32>, place: &Place<'_>) -> Result<Rule, Fault> {
    let Values { first, count, every } = values;
    let at = |part: &[&str]| place.span(&[&["flows", key], part].concat());
    if count == 0 || every == 0 {
        let which = if count == 0 { "count" } else { "every" };
        return Err(Fault::file(format!("a range of `{key}` with a `{which}` of 0 has no value"))
            .at(at(&[which]), "at least 1 is needed")
            .help(format!("write it like {key} = {{ first = …, count = 10 }}")));
    }
    let last = u64::from(first) + u64::from(count) - 1;
    if !allowed.contains(&first) || last > u64::from(*allowed.end()) {
        let addresses = *allowed.end() == u32::MAX;
        let shown = |value: u64| match u32::try_from(value) {
            Ok(address) if addresses => Ipv4Addr::from(address).to_string(),
            Err(_) if addresses => "beyond the last one".to_owned(),
            _ => value.to_string(),
        };
        let found = if count == 1 { shown(last) } else { format!("{} to {}", shown(first.into()), shown(last)) };
        let bounds = (shown((*allowed.start()).into()), shown((*allowed.end()).into()));
        return Err(Fault::file(format!("`{key}` of {found} is out of range"))
            .at(at(&[]), format!("{} to {} is allowed", bounds.0, bounds.1))
            .help("the last value of a range is first + count - 1"));
    }
    Ok(Rule { first, count, every })
}
