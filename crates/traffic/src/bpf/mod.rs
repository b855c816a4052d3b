//! Programs for the kernel, put together by hand and loaded by bpf(2): no compiler is needed.
#![allow(unsafe_code)]

mod devices;

use std::io;
use std::mem::size_of;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

pub use devices::{Device, allow_devices};

/// `BPF_PROG_LOAD` of linux/bpf.h.
const PROG_LOAD: libc::c_int = 5;

/// bpf(2); what it gives is a descriptor for some commands, or 0.
///
/// # Safety
/// `attribute` is what the command reads, repr(C) without padding, and its pointers are good for the call.
pub(crate) unsafe fn bpf<T>(command: libc::c_int, attribute: &T) -> io::Result<RawFd> {
    // SAFETY: the pointer and the size describe `attribute`; the rest is the caller's.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attribute), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { RawFd::try_from(result).map_err(io::Error::other) }
}

/// A descriptor that bpf(2) has given.
pub(crate) fn owned(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us; the kernel makes those of bpf(2) close on exec.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// Loads a program of a type, for a place to attach it to (linux/bpf.h).
///
/// # Errors
/// The kernel's reason: it takes `CAP_BPF`, and the verifier's consent.
pub(crate) fn load(program_type: u32, attach_type: u32, name: [u8; 16], instructions: &[u64]) -> io::Result<OwnedFd> {
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
        program_type,
        count: u32::try_from(instructions.len()).map_err(io::Error::other)?,
        instructions: instructions.as_ptr() as u64,
        licence: licence.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name,
        interface: 0,
        attach_type,
    };
    // SAFETY: the attribute of this command as far as it is used; the instructions and the licence outlive the call.
    unsafe { bpf(PROG_LOAD, &attribute) }.map(owned)
}

/// One instruction of `struct bpf_insn` (kernel documentation, bpf/standardization/instruction-set).
pub(crate) const fn instruction(code: u8, to: u8, from: u8, offset: i16, value: i32) -> u64 {
    let registers = (to | from << 4) as u64;
    code as u64 | registers << 8 | (offset.cast_unsigned() as u64) << 16 | (value.cast_unsigned() as u64) << 32
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
