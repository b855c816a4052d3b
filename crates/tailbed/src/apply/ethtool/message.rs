//! Messages of netlink: attributes written and read, one request and its answer at a time (netlink(7), and generic netlink in
//! Documentation/userspace-api/netlink/intro.rst).

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::{GENERIC, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, sendto, socket};

/// `NLM_F_REQUEST`, `NLM_F_ACK` (include/uapi/linux/netlink.h).
const REQUEST: u16 = 1;
const ACK: u16 = 4;
/// `NLMSG_ERROR`, `NLMSG_DONE`: an error of 0 is the acknowledgement.
const ERROR: u16 = 2;
/// `NLA_F_NESTED`, and the bits of an attribute's type that are its number.
const NESTED: u16 = 0x8000;
const NUMBER: u16 = 0x3fff;
/// `GENL_ID_CTRL` with `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_NAME` and `CTRL_ATTR_FAMILY_ID` (include/uapi/linux/genetlink.h).
const CONTROL: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_NAME: u16 = 2;
const FAMILY_ID: u16 = 1;

/// Attributes as bytes.
#[derive(Debug, Default, Clone)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    fn put(mut self, kind: u16, payload: &[u8]) -> Self {
        let length = u16::try_from(payload.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(payload);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// A number.
    pub(super) fn number(self, kind: u16, number: u32) -> Self {
        self.put(kind, &number.to_ne_bytes())
    }

    /// A text, with the zero that ends it.
    pub(super) fn text(self, kind: u16, text: &str) -> Self {
        self.put(kind, &[text.as_bytes(), &[0]].concat())
    }

    /// A mark that is there or not.
    pub(super) fn flag(self, kind: u16) -> Self {
        self.put(kind, &[])
    }

    /// Attributes within one.
    pub(super) fn nested(self, kind: u16, inner: &Self) -> Self {
        self.put(kind | NESTED, &inner.0)
    }
}

/// The attributes in some bytes: numbers with what they hold. What is cut short ends it.
pub(super) fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while let [low, high, kind_low, kind_high, ..] = *bytes {
        let length = usize::from(u16::from_ne_bytes([low, high]));
        let kind = u16::from_ne_bytes([kind_low, kind_high]) & NUMBER;
        let Some(payload) = bytes.get(4..length) else { break };
        found.push((kind, payload));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

/// A number in an attribute.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(payload.get(..4)?.try_into().ok()?))
}

/// A text in an attribute.
pub(super) fn text(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload).trim_end_matches('\0').to_owned()
}

/// A socket of generic netlink, and the number of the family that is spoken to.
pub(super) struct Family {
    socket: OwnedFd,
    id: u16,
}

impl Family {
    /// Opens a socket in the calling thread's network namespace, for the family of a name.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        let socket = socket(AddressFamily::NETLINK, SocketType::RAW, Some(GENERIC))?;
        let control = Self { socket, id: CONTROL };
        let answer = control.ask(GET_FAMILY, &Attributes::default().text(FAMILY_NAME, name))?;
        let id = attributes(&answer).into_iter().find(|(kind, _)| *kind == FAMILY_ID);
        let id = id.and_then(|(_, payload)| Some(u16::from_ne_bytes(payload.get(..2)?.try_into().ok()?)));
        let id = id.ok_or_else(|| io::Error::other(format!("the kernel has no netlink family {name}")))?;
        Ok(Self { id, ..control })
    }

    /// Sends a request and takes the attributes of its answer; none where it is only acknowledged.
    pub(super) fn ask(&self, command: u8, request: &Attributes) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        let length = u32::try_from(HEADERS + request.0.len()).map_err(io::Error::other)?;
        message.extend(length.to_ne_bytes());
        message.extend(self.id.to_ne_bytes());
        message.extend((REQUEST | ACK).to_ne_bytes());
        // one request at a time: sequence and port need tell nothing apart
        message.extend([0; 8]);
        message.extend([command, 1, 0, 0]);
        message.extend(&request.0);
        sendto(&self.socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut answer = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let (received, _) = recv(&self.socket, &mut buffer[..], RecvFlags::empty())?;
            let mut rest = &buffer[..received];
            while let Some((kind, payload, behind)) = next(rest) {
                rest = behind;
                if kind != ERROR {
                    answer = payload.get(4..).unwrap_or_default().to_vec();
                    continue;
                }
                // the error's number, negative, comes first (struct nlmsgerr)
                let code = payload.get(..4).and_then(|code| code.try_into().ok()).map_or(0, i32::from_ne_bytes);
                return if code == 0 { Ok(answer) } else { Err(Errno::from_raw_os_error(-code).into()) };
            }
        }
    }
}

/// Bytes of the headers of netlink and generic netlink.
const HEADERS: usize = 20;

/// The first message of some bytes: its type, what follows netlink's header, and the bytes behind it.
fn next(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(number(bytes)?).ok()?;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let payload = bytes.get(16..length)?;
    Some((kind, payload, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_they_are_written() {
        let inner = Attributes::default().text(2, "veth0").flag(3);
        let Attributes(bytes) = Attributes::default().nested(1, &inner).number(2, 7);
        let outer = attributes(&bytes);
        assert_eq!(outer.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [1, 2]);
        let found = attributes(outer[0].1);
        assert_eq!((text(found[0].1), found[1].1.len(), number(outer[1].1)), ("veth0".to_owned(), 0, Some(7)));
        assert_eq!(attributes(&bytes[..7]), []);
    }

    #[test]
    fn a_family_that_is_not_there_is_told() {
        assert!(Family::open("no such family").is_err());
    }
}
