//! What fuzzing runs: arbitrary bytes in, an error when something that always holds does not. Beside cargo-fuzz (`fuzz/`) a test runs these
//! over the kept corpus and over mutations of it.

use std::net::Ipv4Addr;

use tailbed_format::function::{Bng as Settings, Listing, Table};
use tailbed_format::mac::MacAddress;
use tailbed_format::order::ForwardRule;

use crate::function::{
    Bng, Buffer, Exit, Exits, Filter, L2fwd, L3fwd, NetworkFunction, None as Moved, Reflect, TableError, holds_header,
};
use crate::packet::{ethernet, identify, vlan};

/// Bytes that a gateway's tunnel puts between Ethernet header and packet.
const TUNNEL: usize = 28;

/// The functions that frames are put through, with small tables.
#[derive(Debug)]
pub struct Functions {
    none: Moved,
    l2fwd: L2fwd,
    l3fwd: L3fwd,
    bng: Bng,
    reflect: Reflect,
    filter: Filter,
    memory: Vec<u8>,
}

impl Functions {
    /// All of them.
    ///
    /// # Errors
    /// Never: the tables are right.
    pub fn new() -> Result<Self, TableError> {
        let text = |text: &str| Table::Text { name: "fuzz".to_owned(), text: text.to_owned() };
        let bng = Settings {
            subscribers: text("1 1 16\n100 7 1000\n4094 4094 1048575"),
            routes: text("0.0.0.0/0 out\n10.0.0.0/8 in"),
            local: Ipv4Addr::new(198, 19, 255, 1),
            remote: Ipv4Addr::new(198, 19, 255, 2),
        };
        let rules = text("drop udp to any port 53\ndrop tcp from any port 1-1023 payload \"a\"\naccept payload \"tb\"\ndrop 47");
        Ok(Self {
            none: Moved,
            l2fwd: L2fwd::new(exits()),
            l3fwd: L3fwd::new(exits(), &text("10.0.0.0/8 in\n10.1.0.0/16 out\n0.0.0.0/1 out\n10.1.2.3/32 in"))?,
            bng: Bng::new(exits(), &bng)?,
            reflect: Reflect::new(exits()),
            filter: Filter::new(exits(), &rules)?,
            memory: vec![0; 8192],
        })
    }

    /// The first byte tells the function and the direction, the others are the frame.
    ///
    /// # Errors
    /// What does not hold of the frame that is sent on.
    pub fn frame(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some((&first, frame)) = bytes.split_first() else { return Ok(()) };
        // as a sink does with whatever comes
        let before = identify(frame);
        let rule = usize::from(first & 1);
        let memory = &mut self.memory;
        let sent = match first >> 1 & 7 {
            0 => pass(&mut self.none, rule, frame, memory),
            1 => pass(&mut self.l2fwd, rule, frame, memory),
            2 => pass(&mut self.l3fwd, rule, frame, memory),
            3 | 6 | 7 => pass(&mut self.bng, rule, frame, memory),
            4 => pass(&mut self.reflect, rule, frame, memory),
            _ => pass(&mut self.filter, rule, frame, memory),
        };
        let Some((exit, sent)) = sent else { return Ok(()) };
        let expected = match (first >> 1 & 7, rule) {
            (2, _) => (exit <= 1, sent.len() == frame.len() && header_at(sent, ethernet::HEADER)),
            (3 | 6 | 7, 0) => (exit == 0, header_at(sent, ethernet::HEADER) && header_at(sent, ethernet::HEADER + TUNNEL)),
            (3 | 6 | 7, _) => (exit == 1, sent.len() >= 60 && header_at(sent, ethernet::HEADER + 2 * vlan::TAG)),
            (4, _) => (exit != rule, sent.len() == frame.len()),
            _ => (exit == rule, sent.len() == frame.len()),
        };
        if expected != (true, true) {
            return Err(format!(
                "byte {first}: exit {exit} of rule {rule}, {} bytes of {}: {sent:02x?}",
                sent.len(),
                frame.len()
            ));
        }
        // whatever a function writes, the packet's mark survives
        if before.is_some() && identify(sent) != before {
            return Err(format!("byte {first}: {before:?} became {:?}: {sent:02x?}", identify(sent)));
        }
        Ok(())
    }
}

fn exits() -> Exits {
    let rule = |receive: &str, transmit: &str, number: u32| ForwardRule {
        receive: receive.to_owned(),
        transmit: transmit.to_owned(),
        source: MacAddress::local(1, number),
        destination: MacAddress::local(2, number),
    };
    Exits::of(&[rule("in", "out", 0), rule("out", "in", 1)])
}

/// What becomes of a frame, as in a forwarder's loop.
fn pass<'a, F: NetworkFunction>(function: &mut F, rule: usize, frame: &[u8], memory: &'a mut [u8]) -> Option<(Exit, &'a [u8])> {
    let mut buffer = Buffer::copied(memory, frame, F::ROOM)?;
    let exit = function.process(&mut buffer, rule).ok()?;
    Some((exit, buffer.into_bytes()))
}

/// Whether a right IPv4 header stands there.
fn header_at(frame: &[u8], at: usize) -> bool {
    frame.get(at..).is_some_and(holds_header)
}

/// Text of a table: the first byte tells the kind, the rest is read as one. Lines are read or refused by number.
///
/// # Errors
/// A refusal that names no line of the text.
pub fn table(bytes: &[u8]) -> Result<(), String> {
    let Some((&first, text)) = bytes.split_first() else { return Ok(()) };
    let Ok(text) = std::str::from_utf8(text) else { return Ok(()) };
    let listing = [Listing::Routes, Listing::Subscribers, Listing::Rules][usize::from(first) % 3];
    match listing.check("fuzz", text) {
        Err(wrong) if !(1..=text.lines().count()).contains(&wrong.line) => Err(format!("{wrong}: {text:?}")),
        _ => Ok(()),
    }
}

/// A link in shared memory of which somebody else has the file: the first byte tells what the rings are like, the others what both ends
/// send and take, and what the third writes into counters, bells, slots and the file's own description. Nothing of that makes an end read
/// or write outside the file, give out more than a slot holds, or give out frames without end; and as long as nobody else writes, or once
/// the ends were opened anew, what comes out is what went in.
///
/// # Errors
/// What does not hold.
pub fn ring(bytes: &[u8]) -> Result<(), String> {
    crate::port::memory::rings(bytes)
}
