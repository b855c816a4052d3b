//! A flag that ends a packet loop, and a descriptor that wakes it where it sleeps.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::event::{EventfdFlags, eventfd};

const DOWN: u8 = 0;
const RAISED: u8 = 1;
const ABANDONED: u8 = 2;

/// Raised once, by another thread; looked at in each turn of a loop.
#[derive(Debug)]
pub struct Stop {
    /// [`DOWN`], [`RAISED`] or [`ABANDONED`]; it only grows.
    state: AtomicU8,
    event: OwnedFd,
}

impl Stop {
    /// A flag that is not raised.
    ///
    /// # Errors
    /// When the kernel gives out no more descriptors (eventfd(2)).
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { state: AtomicU8::new(DOWN), event })
    }

    /// Ends the loop.
    pub fn raise(&self) {
        self.grow(RAISED);
    }

    fn grow(&self, state: u8) {
        self.state.fetch_max(state, Ordering::Release);
        // The only refusal possible is a full counter, and then the descriptor is readable already.
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    /// Ends the loop, since whoever would have what comes of it is gone.
    pub fn abandon(&self) {
        self.grow(ABANDONED);
    }

    /// Whether nobody waits for what comes of the loop.
    pub fn is_abandoned(&self) -> bool {
        self.state.load(Ordering::Relaxed) == ABANDONED
    }

    /// Whether the loop should end.
    #[inline]
    pub fn is_raised(&self) -> bool {
        self.state.load(Ordering::Relaxed) != DOWN
    }
}

impl AsFd for Stop {
    /// Readable from the moment the flag is raised.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::time::Timespec;

    #[test]
    fn raising_wakes_a_sleeper() {
        let stop = Stop::new().unwrap();
        let readable = |stop: &Stop| {
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut [PollFd::new(stop, PollFlags::IN)], Some(&now)).unwrap() == 1
        };
        assert!(!stop.is_raised() && !readable(&stop));
        stop.raise();
        stop.raise();
        assert!(stop.is_raised() && readable(&stop) && !stop.is_abandoned());
        let stop = Stop::new().unwrap();
        stop.abandon();
        assert!(stop.is_raised() && readable(&stop) && stop.is_abandoned());
    }
}
