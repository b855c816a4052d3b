//! The program that redirects an interface's frames to our socket, put together by hand and loaded by bpf(2): no compiler is needed.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

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
    let program = load(&instructions(map.as_raw_fd())).map_err(|source| Refused {
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
    pub(super) const PROG_LOAD: libc::c_int = 5;
    pub(super) const LINK_CREATE: libc::c_int = 28;
}
const MAP_TYPE_XSKMAP: u32 = 17;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
/// linux/if_link.h
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;

/// bpf(2); what it gives is a descriptor for these commands, or 0.
///
/// # Safety
/// `attribute` is what the command reads, repr(C) without padding, and its pointers are good for the call.
unsafe fn bpf<T>(command: libc::c_int, attribute: &T) -> io::Result<RawFd> {
    // SAFETY: the pointer and the size describe `attribute`; the rest is the caller's.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attribute), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { RawFd::try_from(result).map_err(io::Error::other) }
}

fn owned(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us; the kernel makes those of bpf(2) close on exec.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

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

fn load(instructions: &[u64]) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Attribute {
        program_type: u32,
        count: u32,
        instructions: u64,
        licence: u64,
        log_level: u32,
        log_size: u32,
        log: u64,
        kernel_version: u32,
        flags: u32,
        name: [u8; 16],
        interface: u32,
        attach_type: u32,
    }
    let licence = c"Dual MIT/GPL";
    let attribute = Attribute {
        program_type: PROG_TYPE_XDP,
        count: u32::try_from(instructions.len()).map_err(io::Error::other)?,
        instructions: instructions.as_ptr() as u64,
        licence: licence.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name: *b"tailbed_redir\0\0\0",
        interface: 0,
        attach_type: ATTACH_XDP,
    };
    // SAFETY: the attribute of this command as far as it is used; the instructions and the licence outlive the call.
    unsafe { bpf(command::PROG_LOAD, &attribute) }.map(owned)
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

/// One instruction of `struct bpf_insn` (kernel documentation, bpf/standardization/instruction-set).
const fn instruction(code: u8, to: u8, from: u8, offset: i16, value: i32) -> u64 {
    let registers = (to | from << 4) as u64;
    code as u64 | registers << 8 | (offset.cast_unsigned() as u64) << 16 | (value.cast_unsigned() as u64) << 32
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel's own tools print them.
    #[test]
    fn instructions_are_laid_out_as_the_kernel_reads_them() {
        // r6 = r1; exit
        assert_eq!(instruction(0xbf, 6, 1, 0, 0).to_le_bytes(), [0xbf, 0x16, 0, 0, 0, 0, 0, 0]);
        // r2 = -8
        assert_eq!(instruction(0xb7, 2, 0, 0, -8).to_le_bytes(), [0xb7, 2, 0, 0, 0xf8, 0xff, 0xff, 0xff]);
        // r2 = *(u32 *)(r6 + 16)
        assert_eq!(instruction(0x61, 2, 6, 16, 0).to_le_bytes(), [0x61, 0x62, 16, 0, 0, 0, 0, 0]);
    }
}
