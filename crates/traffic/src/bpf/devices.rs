//! Which devices the tasks of a control group of version 2 may open: there are no files for it, but a program that is asked
//! (cgroup-v2.rst in the kernel's documentation, "Device controller").
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{bpf, instruction, load};

/// Device nodes that may be opened, read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// A block device; else a character device.
    pub block: bool,
    /// Major number, below 4 096.
    pub major: u32,
    /// Minor number; `None` for all of the major number.
    pub minor: Option<u32>,
}

/// linux/bpf.h
const PROG_ATTACH: libc::c_int = 8;
const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
const F_ALLOW_MULTI: u32 = 1 << 1;

/// From now on tasks of the group, and of those below it, open these devices and no others (EPERM); the nodes of any may be made, as
/// container runtimes have it. The program goes with the group; where other programs are attached, all must agree.
///
/// # Errors
/// The kernel's reason: it takes `CAP_BPF` and `CAP_NET_ADMIN` in the first user namespace, and a group of version 2.
pub fn allow_devices(group: BorrowedFd<'_>, devices: &[Device]) -> io::Result<()> {
    #[repr(C)]
    struct Attribute {
        group: u32,
        program: u32,
        attach_type: u32,
        flags: u32,
    }
    let program = load(PROG_TYPE_CGROUP_DEVICE, ATTACH_CGROUP_DEVICE, *b"tailbed_devices\0", &instructions(devices))?;
    let attribute = Attribute {
        group: group.as_raw_fd().cast_unsigned(),
        program: program.as_raw_fd().cast_unsigned(),
        attach_type: ATTACH_CGROUP_DEVICE,
        flags: F_ALLOW_MULTI,
    };
    // SAFETY: the attribute of this command as far as it is used, without pointers.
    unsafe { bpf(PROG_ATTACH, &attribute) }.map(drop)
}

/// Says 1 to what is allowed and 0 to everything else. It is given `struct bpf_cgroup_dev_ctx`: the kind of device and, in the upper
/// half of the same word, the kinds of access; major number; minor number.
fn instructions(devices: &[Device]) -> Vec<u64> {
    const MOVE: u8 = 0xb7;
    const MOVE_REGISTER: u8 = 0xbf;
    const AND: u8 = 0x57;
    const SHIFT_RIGHT: u8 = 0x77;
    const LOAD_WORD: u8 = 0x61;
    const IF_NOT_EQUAL: u8 = 0x55;
    const EXIT: u8 = 0x95;
    /// `BPF_DEVCG_ACC_MKNOD`, without reading or writing.
    const MAKE_NODE: i32 = 1;
    /// `BPF_DEVCG_DEV_BLOCK` and `BPF_DEVCG_DEV_CHAR`.
    const BLOCK: i32 = 1;
    const CHARACTER: i32 = 2;
    let op = instruction;
    let yes = [op(MOVE, 0, 0, 0, 1), op(EXIT, 0, 0, 0, 0)];
    let mut program = vec![
        op(LOAD_WORD, 2, 1, 0, 0),
        op(MOVE_REGISTER, 3, 2, 0, 0),
        op(AND, 2, 0, 0, 0xffff),
        op(SHIFT_RIGHT, 3, 0, 0, 16),
        op(LOAD_WORD, 4, 1, 4, 0),
        op(LOAD_WORD, 5, 1, 8, 0),
        op(IF_NOT_EQUAL, 3, 0, 2, MAKE_NODE),
    ];
    program.extend(yes);
    for Device { block, major, minor } in devices {
        let wanted = [
            (2, Some(if *block { BLOCK } else { CHARACTER })),
            (4, i32::try_from(*major).ok()),
            (5, minor.and_then(|minor| i32::try_from(minor).ok())),
        ];
        let wanted: Vec<(u8, i32)> = wanted.into_iter().filter_map(|(register, value)| Some((register, value?))).collect();
        for (passed, (register, value)) in wanted.iter().enumerate() {
            // past the comparisons that follow, and the yes
            let over = i16::try_from(wanted.len() - 1 - passed + yes.len()).unwrap_or(i16::MAX);
            program.push(op(IF_NOT_EQUAL, *register, 0, over, *value));
        }
        program.extend(yes);
    }
    program.extend([op(MOVE, 0, 0, 0, 0), op(EXIT, 0, 0, 0, 0)]);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program says, by carrying it out: the few instructions it is made of.
    fn says(program: &[u64], access: u32, kind: u32, major: u32, minor: u32) -> u64 {
        let context = [access << 16 | kind, major, minor];
        let mut registers = [0_u64; 11];
        let mut at = 0;
        loop {
            let bytes = program[at].to_le_bytes();
            let (to, from) = (usize::from(bytes[1] & 15), usize::from(bytes[1] >> 4));
            let offset = i16::from_le_bytes([bytes[2], bytes[3]]);
            let value = u64::from(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]));
            at += 1;
            match bytes[0] {
                0xb7 => registers[to] = value,
                0xbf => registers[to] = registers[from],
                0x57 => registers[to] &= value,
                0x77 => registers[to] >>= value,
                0x61 => registers[to] = u64::from(context[usize::try_from(offset).unwrap() / 4]),
                0x55 if registers[to] != value => at += usize::try_from(offset).unwrap(),
                0x55 => {}
                0x95 => return registers[0],
                other => panic!("{other:#x}"),
            }
        }
    }

    /// `BPF_DEVCG_ACC_READ`.
    const READ: u32 = 2;

    #[test]
    fn what_is_named_may_be_opened_and_nothing_else() {
        let null = Device { block: false, major: 1, minor: Some(3) };
        let terminals = Device { block: false, major: 136, minor: None };
        let disk = Device { block: true, major: 8, minor: Some(0) };
        let program = instructions(&[null, terminals, disk]);
        let reads = |kind, major, minor| says(&program, READ, kind, major, minor);
        assert_eq!((reads(2, 1, 3), reads(2, 136, 7), reads(1, 8, 0)), (1, 1, 1));
        assert_eq!((reads(2, 1, 11), reads(1, 1, 3), reads(1, 8, 1), reads(2, 10, 196)), (0, 0, 0, 0));
        assert_eq!(says(&program, 6, 2, 1, 3), 1);
        // any node may be made, but not made and read
        assert_eq!((says(&program, 1, 2, 10, 196), says(&program, 3, 2, 10, 196)), (1, 0));
        assert_eq!(says(&instructions(&[]), READ, 2, 1, 3), 0);
    }
}
