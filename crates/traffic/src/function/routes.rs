//! Routing tables: made or read, then put into the form they are looked up in.

mod ahead;
mod forwarding;
mod generate;
mod huge_pages;
mod poptrie;

use std::collections::BTreeMap;

use tailbed_format::function::{self, Port, Prefix, Table};

pub(super) use ahead::Ahead;
pub use forwarding::Forwarding;
pub use generate::generated;
use poptrie::Poptrie;

use super::{TableError, entries};

/// What the table holds for the port `in`.
pub(super) const IN: u8 = 1;

/// What the table holds for the port `out`.
pub(super) const OUT: u8 = 2;

/// What the table holds for a port.
pub(super) fn value(port: Port) -> u8 {
    match port {
        Port::In => IN,
        Port::Out => OUT,
        Port::Further(number) => OUT + number.saturating_sub(1).min(Port::MOST),
    }
}

/// The table for lookups. It always has the routes of [`generate::required`]; a given route of the same prefix takes the place of one.
pub(super) fn table(table: &Table) -> Result<Forwarding, TableError> {
    let given = entries(table, generated, function::routes)?;
    let all = generate::required().into_iter().chain(given);
    let by_prefix: BTreeMap<Prefix, Port> = all.map(|route| (route.prefix, route.port)).collect();
    let routes: Vec<_> = by_prefix.into_iter().map(|(prefix, port)| (prefix, value(port))).collect();
    Ok(Forwarding::new(&routes))
}
