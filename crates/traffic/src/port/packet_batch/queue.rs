//! Frames that wait to be sent, as sendmmsg(2) wants them.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;
use rustix::net::{SendFlags, send};

/// Up to `N` copies of frames, each with what tells the kernel where it lies. All memory is taken beforehand.
pub(in crate::port) struct Queue<const N: usize> {
    /// One after the other, `room` bytes for each.
    bytes: Box<[u8]>,
    room: usize,
    /// Where each frame lies: a base within `bytes`, and a length.
    pieces: Box<[libc::iovec; N]>,
    /// Each points to its piece.
    headers: Box<[libc::mmsghdr; N]>,
    waiting: usize,
}

// SAFETY: the pointers lead into boxes of the same structure, which nobody else has; they move with it and stay valid.
unsafe impl<const N: usize> Send for Queue<N> {}

impl<const N: usize> std::fmt::Debug for Queue<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.waiting).field("room", &self.room).finish_non_exhaustive()
    }
}

impl<const N: usize> Queue<N> {
    /// A queue for frames of at most `room` bytes.
    pub(in crate::port) fn new(room: usize) -> Self {
        let mut bytes = vec![0_u8; room * N].into_boxed_slice();
        let start = bytes.as_mut_ptr();
        let pieces = std::array::from_fn(|number| libc::iovec { iov_base: start.wrapping_add(number * room).cast(), iov_len: 0 });
        let mut pieces = Box::new(pieces);
        let first: *mut libc::iovec = pieces.as_mut_ptr();
        let header = |number: usize| {
            // SAFETY: a structure of integers and pointers, of which all zeroes are a value; a zero length goes with each null pointer.
            let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
            header.msg_hdr.msg_iov = first.wrapping_add(number);
            header.msg_hdr.msg_iovlen = 1;
            header
        };
        Self { bytes, room, pieces, headers: Box::new(std::array::from_fn(header)), waiting: 0 }
    }

    /// Frames in it.
    #[inline]
    pub(in crate::port) fn len(&self) -> usize {
        self.waiting
    }

    /// Adds a copy of a frame.
    ///
    /// # Errors
    /// `EMSGSIZE` when it is longer than the room for one, `ENOBUFS` when there are `N` in it.
    #[inline]
    pub(in crate::port) fn push(&mut self, frame: &[u8]) -> Result<(), Errno> {
        if frame.len() > self.room {
            return Err(Errno::MSGSIZE);
        }
        let piece = self.pieces.get_mut(self.waiting).ok_or(Errno::NOBUFS)?;
        self.bytes[self.waiting * self.room..][..frame.len()].copy_from_slice(frame);
        piece.iov_len = frame.len();
        self.waiting += 1;
        Ok(())
    }

    /// The frame, when there is one alone.
    #[inline]
    pub(in crate::port) fn only(&self) -> Option<&[u8]> {
        (self.waiting == 1).then(|| &self.bytes[..self.pieces[0].iov_len])
    }

    /// Has the kernel send those from `first` on; how many it took, at least 1.
    ///
    /// # Errors
    /// Why it did not take the first of them.
    #[inline]
    pub(in crate::port) fn send(&mut self, socket: impl AsFd, first: usize) -> Result<usize, Errno> {
        let headers = self.headers.get_mut(first..self.waiting).unwrap_or_default();
        let count = libc::c_uint::try_from(headers.len()).unwrap_or(0);
        let socket = socket.as_fd().as_raw_fd();
        // SAFETY: the pointer and the count describe headers that outlive the call. Each points to its piece, each piece to as many
        // bytes within `bytes` as `push` has put there; the call only reads those, and writes a length into each header.
        let sent = unsafe { libc::sendmmsg(socket, headers.as_mut_ptr(), count, libc::MSG_DONTWAIT) };
        match usize::try_from(sent) {
            Ok(0) => Err(Errno::AGAIN),
            Ok(sent) => Ok(sent),
            Err(_) => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
        }
    }

    /// Sends all of them, in order, and empties it; `refused` is called with each that the kernel did not take. One alone leaves by send(2).
    #[inline]
    pub(in crate::port) fn flush(&mut self, socket: impl AsFd, mut refused: impl FnMut(usize, Errno)) {
        if let Some(only) = self.only() {
            send(&socket, only, SendFlags::DONTWAIT).map_or_else(|error| refused(0, error), drop);
        } else {
            let mut next = 0;
            while next < self.len() {
                match self.send(&socket, next) {
                    Ok(sent) => next += sent,
                    // The call ends at the first frame that is refused; those behind it are tried by themselves.
                    Err(error) => {
                        refused(next, error);
                        next += 1;
                    }
                }
            }
        }
        self.clear();
    }

    /// Empties it.
    #[inline]
    fn clear(&mut self) {
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_leave_whole_and_in_order() {
        let flags = rustix::net::SocketFlags::empty();
        let (one, other) =
            rustix::net::socketpair(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::DGRAM, flags, None).unwrap();
        let mut queue = Queue::<3>::new(10);
        assert_eq!(queue.push(&[0; 11]), Err(Errno::MSGSIZE));
        for frame in [&[1; 10][..], &[2; 4], &[3; 7]] {
            queue.push(frame).unwrap();
        }
        assert_eq!((queue.push(&[4]), queue.len(), queue.only()), (Err(Errno::NOBUFS), 3, None));
        assert_eq!(queue.send(&one, 1), Ok(2));
        assert_eq!(queue.send(&one, 0), Ok(3));
        queue.clear();
        queue.push(&[5; 2]).unwrap();
        assert_eq!(queue.only(), Some(&[5; 2][..]));
        let mut received = Vec::new();
        for _ in 0..5 {
            let mut room = [0; 32];
            let (length, _) = rustix::net::recv(&other, &mut room[..], rustix::net::RecvFlags::DONTWAIT).unwrap();
            received.push(room[..length].to_vec());
        }
        assert_eq!(received, [vec![2; 4], vec![3; 7], vec![1; 10], vec![2; 4], vec![3; 7]]);
        drop(other);
        assert_eq!(queue.send(&one, 0), Err(Errno::CONNREFUSED));
    }
}
