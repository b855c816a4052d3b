//! Packets that the kernel keeps no connections of: a table of nftables that goes with the socket that made it.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, sendto, socket};
use tailbed_plan::step::Untrack;

use super::{NotHeld, namespace};

/// The subsystem of nftables, and what is said to it (include/uapi/linux/netfilter/nfnetlink.h, nf_tables.h).
const TABLES: u16 = 10;
const BEGIN: u16 = 16;
const END: u16 = 17;
const NEW_TABLE: u16 = TABLES << 8;
const GET_TABLE: u16 = TABLES << 8 | 1;
const NEW_CHAIN: u16 = TABLES << 8 | 3;
const NEW_RULE: u16 = TABLES << 8 | 6;

/// `NLM_F_REQUEST`, `NLM_F_ACK`, `NLM_F_CREATE` and `NLM_F_APPEND`.
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;

/// `NFPROTO_INET`: IPv4 and IPv6.
const INET: u8 = 1;

/// `NFT_TABLE_F_OWNER`: the table is its socket's, and goes when that is closed.
const OWNER: u32 = 2;

/// Before connections are looked up (`NF_IP_PRI_RAW`), in the hook of packets that come in (`NF_INET_PRE_ROUTING`).
const RAW: i32 = -300;
const COMING_IN: u32 = 0;

/// `NFT_REG_1`, and `NFT_META_IIFNAME`: the name of the interface that a packet came in by.
const REGISTER: u32 = 1;
const CAME_IN_BY: u32 = 6;

/// Length of an interface's name with what fills it up (`IFNAMSIZ`).
const NAME: usize = 16;

/// An attribute.
fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 4).unwrap_or(u16::MAX);
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn text(kind: u16, text: &str) -> Vec<u8> {
    attribute(kind, &[text.as_bytes(), &[0]].concat())
}

/// Numbers of nftables are in network order.
fn number(kind: u16, number: u32) -> Vec<u8> {
    attribute(kind, &number.to_be_bytes())
}

fn nested(kind: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    const NESTED: u16 = 0x8000;
    attribute(kind | NESTED, &parts.concat())
}

/// A message: netlink's header, that of netfilter, and attributes.
fn message(kind: u16, flags: u16, family: u8, resource: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    let attributes = attributes.concat();
    let length = u32::try_from(20 + attributes.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((REQUEST | flags).to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, 0]);
    bytes.extend(resource.to_be_bytes());
    bytes.extend(attributes);
    bytes
}

/// One expression of a rule.
fn expression(name: &str, data: &[Vec<u8>]) -> Vec<u8> {
    let parts = if data.is_empty() { vec![text(1, name)] } else { vec![text(1, name), nested(2, data)] };
    nested(1, &parts)
}

/// `meta iifname NAME notrack`.
fn rule(interface: &str) -> Vec<u8> {
    let mut name = interface.as_bytes().to_vec();
    name.resize(NAME, 0);
    let expressions = [
        expression("meta", &[number(1, REGISTER), number(2, CAME_IN_BY)]),
        expression("cmp", &[number(1, REGISTER), number(2, 0), nested(3, &[attribute(1, &name)])]),
        expression("notrack", &[]),
    ];
    nested(4, &expressions)
}

/// Has the kernel keep no connections of what comes in by interfaces, as long as the result is open.
pub(super) fn hold(untrack: &Untrack) -> anyhow::Result<OwnedFd> {
    let open = || -> io::Result<OwnedFd> {
        let socket = socket(AddressFamily::NETLINK, SocketType::RAW, Some(NETFILTER))?;
        make(&socket, untrack)?;
        exists(&socket, &untrack.table)?;
        Ok(socket)
    };
    let held = match &untrack.namespace {
        None => open(),
        Some(name) => namespace::inside(&namespace::path(name), open),
    };
    Ok(held.map_err(|error| NotHeld::because(&untrack.knob, &what(untrack), "notrack", &error))?)
}

/// The table in words.
pub(super) fn what(untrack: &Untrack) -> String {
    format!("the nftables table {} in {}", untrack.table, untrack.namespace.as_deref().unwrap_or("the host's namespace"))
}

/// Table, chain and rules in one transaction.
fn make(socket: &OwnedFd, untrack: &Untrack) -> io::Result<()> {
    let table = &untrack.table;
    let hook = nested(4, &[number(1, COMING_IN), attribute(2, &RAW.to_be_bytes())]);
    let mut batch = message(BEGIN, 0, 0, TABLES, &[]);
    batch.extend(message(NEW_TABLE, ACK | CREATE, INET, 0, &[text(1, table), number(2, OWNER)]));
    batch.extend(message(NEW_CHAIN, ACK | CREATE, INET, 0, &[text(1, table), text(3, CHAIN), hook, text(7, "filter")]));
    for interface in &untrack.interfaces {
        batch.extend(message(NEW_RULE, ACK | CREATE | APPEND, INET, 0, &[text(1, table), text(2, CHAIN), rule(interface)]));
    }
    batch.extend(message(END, 0, 0, TABLES, &[]));
    sendto(socket, &batch, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    acknowledged(socket, 2 + untrack.interfaces.len())
}

const CHAIN: &str = "links";

/// Whether the table is there, as the kernel says.
pub(super) fn exists(socket: &OwnedFd, table: &str) -> io::Result<()> {
    let ask = message(GET_TABLE, ACK, INET, 0, &[text(1, table)]);
    sendto(socket, &ask, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    acknowledged(socket, 1)
}

/// Takes in so many acknowledgements; the first error among them is the result.
fn acknowledged(socket: &OwnedFd, mut count: usize) -> io::Result<()> {
    const ERROR: u16 = 2;
    let mut buffer = vec![0; 1 << 16];
    while count > 0 {
        let (received, _) = recv(socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = buffer.get(..received).unwrap_or_default();
        while let [a, b, c, d, kind_low, kind_high, ..] = *rest {
            let length = u32::from_ne_bytes([a, b, c, d]) as usize;
            let code = rest.get(16..20).and_then(|code| code.try_into().ok()).map_or(0, i32::from_ne_bytes);
            if u16::from_ne_bytes([kind_low, kind_high]) == ERROR {
                if code != 0 {
                    return Err(Errno::from_raw_os_error(-code).into());
                }
                count = count.saturating_sub(1);
            }
            rest = rest.get(length.max(16).next_multiple_of(4)..).unwrap_or_default();
        }
    }
    Ok(())
}
