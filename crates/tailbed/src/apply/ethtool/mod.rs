//! Interfaces tuned as ethtool(8) does, by its netlink family (Documentation/networking/ethtool-netlink.rst).

mod message;

use std::io;

use anyhow::Context;
use tailbed_plan::step::{Tunable, Tuning};

use self::message::{Attributes, Family, attributes, number, text};
use super::{NotHeld, TakenBack, namespace};

/// Requests (`ETHTOOL_MSG_*` in include/uapi/linux/ethtool_netlink.h).
const FEATURES_GET: u8 = 11;
const FEATURES_SET: u8 = 12;
const CHANNELS_GET: u8 = 17;
const CHANNELS_SET: u8 = 18;
const COALESCE_GET: u8 = 19;
const COALESCE_SET: u8 = 20;

/// The interface's name, in the first attribute of each request.
const HEADER: u16 = 1;
const NAME: u16 = 2;

/// What may be changed, what is wanted and what is active of features, and the parts of a set of bits.
const CHANGEABLE: u16 = 2;
const WANTED: u16 = 3;
const ACTIVE: u16 = 4;
const BITS: u16 = 3;
const BIT: u16 = 1;
const BIT_NAME: u16 = 2;
const BIT_VALUE: u16 = 3;

/// Numbers of queues: combined ones at most and now, those to receive and to send.
const COMBINED_MOST: u16 = 5;
const RECEIVE: u16 = 6;
const SEND: u16 = 7;
const COMBINED: u16 = 9;

/// Microseconds that a card waits for more packets.
const RECEIVE_WAIT: u16 = 2;

/// An interface, spoken of in its namespace.
struct Card<'a> {
    family: Family,
    name: &'a str,
}

impl<'a> Card<'a> {
    fn of(tuning: &'a Tuning) -> io::Result<Self> {
        let open = || Family::open("ethtool");
        let family = match &tuning.namespace {
            None => open(),
            Some(name) => namespace::inside(&namespace::path(name), open),
        };
        Ok(Self { family: family?, name: &tuning.interface })
    }

    fn header(&self) -> Attributes {
        Attributes::default().nested(HEADER, &Attributes::default().text(NAME, self.name))
    }

    fn number_of(&self, command: u8, kinds: &[u16]) -> io::Result<Vec<Option<u32>>> {
        let answer = self.family.ask(command, &self.header())?;
        let found = attributes(&answer);
        let one = |kind: &u16| found.iter().find(|(found, _)| found == kind).and_then(|(_, payload)| number(payload));
        Ok(kinds.iter().map(one).collect())
    }

    /// Of the features that join packets or cut them apart, those that can be changed and those that are active.
    fn features(&self) -> io::Result<(Vec<String>, Vec<String>)> {
        let answer = self.family.ask(FEATURES_GET, &self.header())?;
        let found = attributes(&answer);
        let names = |wanted: u16| {
            let set = found.iter().filter(|(kind, _)| *kind == wanted).flat_map(|(_, set)| attributes(set));
            let bits = set.filter(|(kind, _)| *kind == BITS).flat_map(|(_, bits)| attributes(bits));
            let names = bits.filter(|(kind, _)| *kind == BIT).flat_map(|(_, bit)| attributes(bit));
            let names = names.filter(|(kind, _)| *kind == BIT_NAME).map(|(_, name)| text(name));
            names.filter(|name| Tunable::OFFLOADS.contains(&name.as_str())).collect::<Vec<_>>()
        };
        Ok((names(CHANGEABLE), names(ACTIVE)))
    }

    fn set_features(&self, names: &[(String, bool)]) -> io::Result<()> {
        let bits = names.iter().fold(Attributes::default(), |bits, (name, on)| {
            let bit = Attributes::default().text(BIT_NAME, name);
            bits.nested(BIT, &if *on { bit.flag(BIT_VALUE) } else { bit })
        });
        let set = Attributes::default().nested(BITS, &bits);
        self.family.ask(FEATURES_SET, &self.header().nested(WANTED, &set)).map(drop)
    }

    fn read(&self, what: Tunable) -> io::Result<String> {
        let missing = || io::Error::from(io::ErrorKind::Unsupported);
        match what {
            Tunable::Coalescing => {
                let found = self.number_of(COALESCE_GET, &[RECEIVE_WAIT])?;
                found.first().copied().flatten().map(|wait| wait.to_string()).ok_or_else(missing)
            }
            Tunable::Queues => {
                let found = self.number_of(CHANNELS_GET, &[COMBINED_MOST, COMBINED, RECEIVE])?;
                let queues = match found.as_slice() {
                    [Some(most), Some(combined), _] if *most > 0 => Some(*combined),
                    [_, _, receive] => *receive,
                    _ => None,
                };
                queues.map(|queues| queues.to_string()).ok_or_else(missing)
            }
            Tunable::Offloads => {
                let (changeable, active) = self.features()?;
                let on: Vec<_> = active.into_iter().filter(|name| changeable.contains(name)).collect();
                Ok(if on.is_empty() { "off".to_owned() } else { on.join(" ") })
            }
        }
    }

    /// `value` as [`Self::read`] gives it, or `on` for all that can be.
    fn write(&self, what: Tunable, value: &str) -> io::Result<()> {
        let counted = || value.parse::<u32>().map_err(io::Error::other);
        match what {
            Tunable::Coalescing => self.family.ask(COALESCE_SET, &self.header().number(RECEIVE_WAIT, counted()?)).map(drop),
            Tunable::Queues => {
                let combined =
                    self.number_of(CHANNELS_GET, &[COMBINED_MOST])?.first().copied().flatten().is_some_and(|most| most > 0);
                let queues = counted()?;
                let request = self.header();
                let request = if combined {
                    request.number(COMBINED, queues)
                } else {
                    request.number(RECEIVE, queues).number(SEND, queues)
                };
                self.family.ask(CHANNELS_SET, &request).map(drop)
            }
            Tunable::Offloads => {
                let (changeable, _) = self.features()?;
                let on = |name: &str| value == "on" || value.split(' ').any(|wanted| wanted == name);
                let names: Vec<_> = changeable.into_iter().map(|name| (name.clone(), on(&name))).collect();
                self.set_features(&names)
            }
        }
    }
}

fn what(tuning: &Tuning) -> String {
    let name = match tuning.what {
        Tunable::Coalescing => "rx-usecs",
        Tunable::Queues => "queues",
        Tunable::Offloads => "offloads",
    };
    format!("{name} of {} in {}", tuning.interface, tuning.namespace.as_deref().unwrap_or("the host's namespace"))
}

/// What it says now.
pub(super) fn read(tuning: &Tuning) -> anyhow::Result<String> {
    Card::of(tuning).and_then(|card| card.read(tuning.what)).with_context(|| format!("cannot read {}", what(tuning)))
}

/// Whether what it says is what was wanted.
pub(super) fn holds(tuning: &Tuning, now: &str) -> bool {
    match (tuning.what, tuning.value) {
        (Tunable::Offloads, 1..) => now != "off",
        _ => now == tuning.wanted(),
    }
}

/// What the step is about to replace; nothing where it cannot be read, which the step then tells.
pub(super) fn before(tuning: &Tuning) -> Option<String> {
    read(tuning).ok()
}

/// Sets it and reads it back.
pub(super) fn tune(tuning: &Tuning) -> anyhow::Result<()> {
    let wanted = tuning.wanted();
    let refused = |error: io::Error| NotHeld::because(&tuning.knob, &what(tuning), &wanted, &error);
    let card = Card::of(tuning).map_err(refused)?;
    let before = card.read(tuning.what).map_err(refused)?;
    if holds(tuning, &before) {
        return Ok(());
    }
    card.write(tuning.what, &wanted).map_err(refused)?;
    let now = card.read(tuning.what).map_err(refused)?;
    if holds(tuning, &now) {
        return Ok(());
    }
    card.write(tuning.what, &before).with_context(|| format!("cannot put {} back to {before}", what(tuning)))?;
    Err(NotHeld::of(&tuning.knob, &what(tuning), &wanted, &now).into())
}

/// Puts back what was there before, unless somebody else has changed it since; an interface that is gone, as those of ours are with their
/// namespace, needs nothing.
pub(super) fn put_back(tuning: &Tuning, before: &str) -> anyhow::Result<TakenBack> {
    let Ok(now) = read(tuning) else { return Ok(TakenBack::Done) };
    if now == before {
        return Ok(TakenBack::Done);
    }
    if !holds(tuning, &now) {
        return Ok(TakenBack::NotOurs(format!(
            "{} says {now}, neither ours nor as found: somebody else changed it",
            what(tuning)
        )));
    }
    let put = Card::of(tuning).and_then(|card| card.write(tuning.what, before));
    put.with_context(|| format!("cannot put {} back to {before}", what(tuning)))?;
    Ok(TakenBack::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_tells_its_offloads() {
        let tuning = Tuning {
            namespace: None,
            interface: "lo".to_owned(),
            what: Tunable::Offloads,
            value: 0,
            knob: "offloads".to_owned(),
        };
        let now = read(&tuning).unwrap();
        assert!(now == "off" || now.split(' ').all(|name| Tunable::OFFLOADS.contains(&name)), "{now}");
        let absent = Tuning { interface: "no-such-thing".to_owned(), ..tuning };
        assert!(read(&absent).unwrap_err().to_string().contains("offloads of no-such-thing in the host's namespace"));
    }
}
