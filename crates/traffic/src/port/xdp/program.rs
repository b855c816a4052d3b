//! The program that redirects an interface's frames to our socket, put together by hand and loaded by bpf(2): no compiler is needed.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::bpf::{self, bpf, instruction, owned};

/// Why the program is not on the interface.
#[derive(Debug)]
pub(super) struct Refused {
    /// What was being done.
    pub(super) what: &'static str,
    /// The kernel's reason.
    pub(super) source: io::Error,
}

/// Puts the program on the interface, in the driver (native mode), for as long as the descriptor is open: the kernel takes it off when
/// the process ends, also when it is killed (`BPF_LINK_CREATE`, bpf(2)).
pub(super) fn redirect(socket: &OwnedFd, interface: u32) -> Result<OwnedFd, Refused> {
    let map =
        map().map_err(|source| Refused { what: "BPF_MAP_CREATE of an XSKMAP, which needs CAP_BPF or CAP_SYS_ADMIN,", source })?;
    insert(&map, socket).map_err(|source| Refused { what: "BPF_MAP_UPDATE_ELEM of the XSKMAP", source })?;
    let loaded = bpf::load(PROG_TYPE_XDP, ATTACH_XDP, *b"tailbed_redir\0\0\0", &instructions(map.as_raw_fd()));
    let program = loaded.map_err(|source| Refused {
        what: "BPF_PROG_LOAD of the redirect program, which needs CAP_BPF and CAP_NET_ADMIN,",
        source,
    })?;
    attach(&program, interface).map_err(|source| Refused {
        what: "attaching the redirect program to the driver (native XDP, which the driver must have and the MTU must allow)",
        source,
    })
}

/// linux/bpf.h
mod command {
    pub(super) const MAP_CREATE: libc::c_int = 0;
    pub(super) const MAP_UPDATE_ELEM: libc::c_int = 2;
    pub(super) const LINK_CREATE: libc::c_int = 28;
}
const MAP_TYPE_XSKMAP: u32 = 17;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
/// linux/if_link.h
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;

/// A map with room for the socket of the first queue.
fn map() -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Attribute {
        map_type: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        flags: u32,
    }
    let attribute = Attribute { map_type: MAP_TYPE_XSKMAP, key_size: 4, value_size: 4, max_entries: 1, flags: 0 };
    // SAFETY: the attribute of this command as far as it is used, without pointers.
    unsafe { bpf(command::MAP_CREATE, &attribute) }.map(owned)
}

fn insert(map: &OwnedFd, socket: &OwnedFd) -> io::Result<()> {
    #[repr(C)]
    struct Attribute {
        map: u32,
        padding: u32,
        key: u64,
        value: u64,
        flags: u64,
    }
    let (key, value) = (0_u32, socket.as_raw_fd());
    let attribute = Attribute {
        map: map.as_raw_fd().cast_unsigned(),
        padding: 0,
        key: std::ptr::from_ref(&key) as u64,
        value: std::ptr::from_ref(&value) as u64,
        flags: 0,
    };
    // SAFETY: the attribute of this command; key and value have the sizes the map was made with and outlive the call.
    unsafe { bpf(command::MAP_UPDATE_ELEM, &attribute) }.map(drop)
}

fn attach(program: &OwnedFd, interface: u32) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Attribute {
        program: u32,
        interface: u32,
        attach_type: u32,
        flags: u32,
    }
    let program = program.as_raw_fd().cast_unsigned();
    let attribute = Attribute { program, interface, attach_type: ATTACH_XDP, flags: XDP_FLAGS_DRV_MODE };
    // SAFETY: the attribute of this command as far as it is used, without pointers.
    unsafe { bpf(command::LINK_CREATE, &attribute) }.map(owned)
}

/// Puts the time before the frame, where there is room (bpf-helpers(7)), and gives the frame to the socket of its queue; where there is
/// none, to the network stack.
fn instructions(map: RawFd) -> [u64; 17] {
    const MOVE: u8 = 0xb7;
    const MOVE_REGISTER: u8 = 0xbf;
    const ADD: u8 = 0x07;
    const LOAD_WORD: u8 = 0x61;
    const LOAD_MAP: u8 = 0x18;
    const STORE_DOUBLE: u8 = 0x7b;
    const IF_NOT_EQUAL: u8 = 0x55;
    const IF_GREATER: u8 = 0x2d;
    const CALL: u8 = 0x85;
    const EXIT: u8 = 0x95;
    const KTIME_GET_NS: i32 = 5;
    const REDIRECT_MAP: i32 = 51;
    const XDP_ADJUST_META: i32 = 54;
    const XDP_PASS: i32 = 2;
    /// Members of `struct xdp_md`.
    const DATA: i16 = 0;
    const DATA_META: i16 = 8;
    const RX_QUEUE: i16 = 16;
    /// The register holds a map, named by its descriptor.
    const MAP: u8 = 1;
    let op = instruction;
    [
        op(MOVE_REGISTER, 6, 1, 0, 0),
        // make room for eight bytes before the frame
        op(MOVE, 2, 0, 0, -8),
        op(CALL, 0, 0, 0, XDP_ADJUST_META),
        op(IF_NOT_EQUAL, 0, 0, 7, 0),
        op(CALL, 0, 0, 0, KTIME_GET_NS),
        op(LOAD_WORD, 2, 6, DATA_META, 0),
        op(LOAD_WORD, 3, 6, DATA, 0),
        op(MOVE_REGISTER, 1, 2, 0, 0),
        op(ADD, 1, 0, 0, 8),
        op(IF_GREATER, 1, 3, 1, 0),
        op(STORE_DOUBLE, 2, 0, 0, 0),
        // redirect to the socket of the queue, or else pass
        op(LOAD_WORD, 2, 6, RX_QUEUE, 0),
        op(LOAD_MAP, 1, MAP, 0, map),
        0,
        op(MOVE, 3, 0, 0, XDP_PASS),
        op(CALL, 0, 0, 0, REDIRECT_MAP),
        op(EXIT, 0, 0, 0, 0),
    ]
}
