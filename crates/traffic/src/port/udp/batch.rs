//! Datagrams that are received together: recvmmsg(2).
#![allow(unsafe_code)]

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use rustix::time::{ClockId, clock_gettime};

/// What the kernel says beside a datagram: one control message with the time it came (cmsg(3), socket(7)), as it lies in memory where
/// pointers and times have 64 bits.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Control {
    length: usize,
    level: libc::c_int,
    kind: libc::c_int,
    seconds: i64,
    nanoseconds: i64,
}

/// Nothing was said.
const SILENT: Control = Control { length: 0, level: 0, kind: 0, seconds: 0, nanoseconds: 0 };

// The layout above is that of the machine.
const _: () = assert!(size_of::<libc::cmsghdr>() == 16 && size_of::<libc::timespec>() == 16 && size_of::<Control>() == 32);

/// Room for `N` datagrams, each behind room for headers. All memory is taken beforehand.
pub(super) struct Batch<const N: usize> {
    /// One after the other, `room` bytes for each: `headers` that are left free, and the datagram.
    bytes: Box<[u8]>,
    room: usize,
    headers: usize,
    controls: Box<[Control; N]>,
    /// Where each datagram may lie.
    _pieces: Box<[libc::iovec; N]>,
    /// Each points to its piece and its control message.
    messages: Box<[libc::mmsghdr; N]>,
    /// How many the kernel has written to since they were made ready.
    used: usize,
}

// SAFETY: the pointers lead into boxes of the same structure, which nobody else has; they move with it and stay valid.
unsafe impl<const N: usize> Send for Batch<N> {}

impl<const N: usize> std::fmt::Debug for Batch<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("room", &self.room).finish_non_exhaustive()
    }
}

impl<const N: usize> Batch<N> {
    /// Room for frames of at most `room` bytes, of which `headers` lie before the datagram.
    pub(super) fn new(room: usize, headers: usize) -> Self {
        let room = room.max(headers);
        let mut bytes = vec![0_u8; room * N].into_boxed_slice();
        let start = bytes.as_mut_ptr();
        let piece =
            |number: usize| libc::iovec { iov_base: start.wrapping_add(number * room + headers).cast(), iov_len: room - headers };
        let mut pieces = Box::new(std::array::from_fn(piece));
        let mut controls = Box::new([SILENT; N]);
        let (first_piece, first_control): (*mut libc::iovec, *mut Control) = (pieces.as_mut_ptr(), controls.as_mut_ptr());
        let message = |number: usize| {
            // SAFETY: a structure of integers and pointers, of which all zeroes are a value; a zero length goes with each null pointer.
            let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
            message.msg_hdr.msg_iov = first_piece.wrapping_add(number);
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_control = first_control.wrapping_add(number).cast();
            message.msg_hdr.msg_controllen = size_of::<Control>();
            message
        };
        let messages = Box::new(std::array::from_fn(message));
        Self { bytes, room, headers, controls, _pieces: pieces, messages, used: 0 }
    }

    /// Takes the datagrams that wait, as many as there is room for, in place of those taken before; how many there were. An error of the
    /// socket is no datagram, and is gone when it has been told once.
    #[inline]
    pub(super) fn fill(&mut self, socket: impl AsFd) -> usize {
        for message in self.messages.iter_mut().take(self.used) {
            message.msg_hdr.msg_controllen = size_of::<Control>();
        }
        let count = libc::c_uint::try_from(N).unwrap_or(0);
        let socket = socket.as_fd().as_raw_fd();
        // SAFETY: the pointer and the count describe headers that outlive the call. Each points to its piece and its control message, with
        // the length of either, and these lie in boxes of `self`, to which there is no other reference now. No time limit is given.
        let taken =
            unsafe { libc::recvmmsg(socket, self.messages.as_mut_ptr(), count, libc::MSG_DONTWAIT, std::ptr::null_mut()) };
        self.used = usize::try_from(taken).unwrap_or(0);
        self.used
    }

    /// One of those that were taken, counted from 0: its bytes behind the room for headers, when it came (ns since 1970), and whether its end
    /// is missing.
    #[inline]
    pub(super) fn frame(&mut self, number: usize) -> (&mut [u8], u64, bool) {
        let message = &self.messages[number];
        let truncated = message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
        let length = (message.msg_len as usize).min(self.room - self.headers);
        let control = self.controls[number];
        let said = message.msg_hdr.msg_controllen >= size_of::<Control>()
            && (control.level, control.kind) == (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS);
        let stamp = if said { nanoseconds(control.seconds, control.nanoseconds) } else { now() };
        let start = number * self.room;
        (&mut self.bytes[start..start + self.headers + length], stamp, truncated)
    }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> u64 {
    seconds.cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(nanoseconds.cast_unsigned())
}

/// A socket that was told `SO_TIMESTAMPNS` says a time with every datagram (`__sock_recv_timestamp` in net/socket.c reads the clock itself
/// where the frame has none); for any other it is now.
#[cold]
fn now() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    nanoseconds(now.tv_sec, now.tv_nsec)
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};

    use super::*;
    use crate::port::socket::set_option;

    #[test]
    fn datagrams_come_whole_in_order_and_with_their_time() {
        let (one, other) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::empty(), None).unwrap();
        set_option(&other, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1).unwrap();
        let mut batch = Batch::<3>::new(14, 4);
        assert_eq!(batch.fill(&other), 0);
        let before = now();
        for payload in [&[1; 10][..], &[2; 4], &[3; 11], &[4; 1]] {
            send(&one, payload, SendFlags::DONTWAIT).unwrap();
        }
        let mut taken = Vec::new();
        for _ in 0..3 {
            for number in 0..batch.fill(&other) {
                let (bytes, stamp, truncated) = batch.frame(number);
                assert!((before..=now()).contains(&stamp), "{stamp}");
                taken.push((bytes[4..].to_vec(), truncated));
            }
        }
        assert_eq!(taken, [(vec![1; 10], false), (vec![2; 4], false), (vec![3; 10], true), (vec![4], false)]);
    }
}
