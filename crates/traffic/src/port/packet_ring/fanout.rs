//! Several rings on one interface, each frame in one of them: packet(7), `PACKET_FANOUT`; kernel documentation, networking/packet_mmap.

use std::io;

use crate::port::socket::{self, Opened, Steer};

/// Values of linux/if_packet.h.
const PACKET_FANOUT: libc::c_int = 18;
const BY_HASH: u32 = 0;
const BY_PROGRAM: u32 = 6;
/// The kernel chooses a number for the group that no other has.
const UNIQUE: u32 = 0x2000;
const IGNORE_OUTGOING: u32 = 0x4000;

/// How frames are dealt out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// By the kernel's hash of addresses, protocol and ports: those within VLAN tags, and for fragments without the ports.
    Flow,
    /// By the label of MPLS in GRE over IPv4 without options: its remainder tells the ring.
    Label,
}

/// Rings that share the frames of one interface.
#[derive(Debug)]
pub struct FanoutGroup {
    steering: Steering,
    /// Its number, once the first ring has joined.
    number: Option<u32>,
}

impl FanoutGroup {
    /// A group that nobody has joined yet.
    pub fn new(steering: Steering) -> Self {
        Self { steering, number: None }
    }

    /// Adds a bound socket. What came in before that has it for itself.
    pub(in crate::port) fn add(&mut self, opened: &Opened) -> io::Result<()> {
        let mode = if self.steering == Steering::Flow { BY_HASH } else { BY_PROGRAM };
        let join = |number: u32, flags: u32| {
            let argument = (number | (mode | flags) << 16).cast_signed();
            socket::set_option(&opened.socket, libc::SOL_PACKET, PACKET_FANOUT, &argument)
        };
        if let Some(number) = self.number {
            return join(number, IGNORE_OUTGOING);
        }
        join(0, UNIQUE | IGNORE_OUTGOING)?;
        let group: libc::c_int = socket::option(&opened.socket, libc::SOL_PACKET, PACKET_FANOUT)?;
        self.number = Some(group.cast_unsigned() & 0xffff);
        if self.steering == Steering::Label { socket::steer(&opened.socket, &LABEL) } else { Ok(()) }
    }
}

/// The label lies 24 bytes into the packet: 20 of IPv4, 4 of GRE; its upper 20 bits count.
const LABEL: [Steer; 3] = [
    Steer { code: libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, value: 24 },
    Steer { code: libc::BPF_ALU | libc::BPF_RSH | libc::BPF_K, value: 12 },
    Steer { code: libc::BPF_RET | libc::BPF_A, value: 0 },
];
