//! Sleeping until a frame comes: on a word of the shared file (futex(2)), which works between processes whatever their namespaces.
//!
//! The receiver sets the bell, looks once more whether there is a frame, and sleeps while the bell is set; the sender counts the frame, and
//! clears the bell and wakes the sleeper where it is set. A futex wakes nobody under another kernel, and is no file descriptor that could be
//! waited for together with sockets: there a sleeper looks again every [`LOOK`].

use std::sync::atomic::{AtomicU32, Ordering, fence};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::thread::futex;
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::MemoryReceiver;
use crate::port::packet_ring::{SHORTEST_SLEEP, WAKE_EARLY};
use crate::stop::Stop;

/// How long a sleeper that nobody wakes sleeps at a time, ns: about as long as waking takes.
const LOOK: u64 = 50_000;

/// How long a sleeper that the sender wakes sleeps at most before it looks at the flag that ends its loop, ns: the flag is no futex.
const PATIENCE: u64 = 5_000_000;

/// The bell's two states.
const SILENT: u32 = 0;
const SET: u32 = 1;

/// Wakes the receiver where it sleeps. After the frame was counted, with a full fence between.
#[inline]
pub(super) fn ring(bell: &AtomicU32) {
    if bell.load(Ordering::Relaxed) == SET {
        wake(bell);
    }
}

#[cold]
fn wake(bell: &AtomicU32) {
    bell.store(SILENT, Ordering::Relaxed);
    // Nothing to be done about a refusal: the sleeper looks again by itself.
    let _ = futex::wake(bell, futex::Flags::empty(), 1);
}

/// Sleeps until a frame comes, the flag is raised or shortly before `ns` nanoseconds have passed; not at all, and says `false`, when that is
/// near.
pub(super) fn until(receiver: &MemoryReceiver, ns: u64, stop: &Stop) -> bool {
    let ns = ns.saturating_sub(WAKE_EARLY);
    if ns < SHORTEST_SLEEP {
        return false;
    }
    if receiver.can_be_woken() {
        sleep(&[receiver], ns);
    } else {
        doze(&mut [PollFd::new(stop, PollFlags::IN)], ns);
    }
    true
}

/// The same for a loop that receives by several: rings of this kind, and descriptors (the flag's among them). Comes back early.
pub(crate) fn rest(receivers: &[&MemoryReceiver], descriptors: &mut [PollFd<'_>], others: bool) {
    if others || receivers.iter().any(|receiver| !receiver.can_be_woken()) {
        doze(descriptors, LOOK);
    } else {
        sleep(receivers, PATIENCE);
    }
}

/// Sleeps on descriptors alone.
fn doze(descriptors: &mut [PollFd<'_>], ns: u64) {
    // An interrupted sleep is a short one, and the caller looks again in any case.
    let _ = poll(descriptors, Some(&time(ns.min(LOOK))));
}

fn time(ns: u64) -> Timespec {
    let seconds = i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX);
    Timespec { tv_sec: seconds, tv_nsec: (ns % 1_000_000_000).cast_signed() }
}

/// Sleeps on the bells, each of which its sender rings. More than one takes futex_waitv(2), which kernels before 5.16 and some lists of
/// system calls refuse, and which takes only so many: then on the first alone, no longer than if nobody would be woken.
fn sleep(receivers: &[&MemoryReceiver], ns: u64) {
    let set_all = |to| {
        for receiver in receivers {
            receiver.bell().store(to, Ordering::Relaxed);
        }
    };
    set_all(SET);
    // Full, as the sender's: see there.
    fence(Ordering::SeqCst);
    if !receivers.iter().any(|receiver| receiver.has_any()) {
        match receivers {
            [] => {}
            [one] => {
                on(one.bell(), ns.min(PATIENCE));
            }
            [first, ..] => {
                if on_all(receivers, ns.min(PATIENCE)).is_none() {
                    on(first.bell(), ns.min(LOOK));
                }
            }
        }
    }
    set_all(SILENT);
}

/// Whether the bell was rung. A loop looks at the ring in any case.
pub(super) fn on(bell: &AtomicU32, ns: u64) -> bool {
    match futex::wait(bell, futex::Flags::empty(), SET, Some(&time(ns))) {
        // silent before the sleep began
        Ok(()) | Err(Errno::AGAIN) => true,
        Err(_) => false,
    }
}

/// Most rings that are slept on at once: a forwarder has two directions, and more where paths cross. The kernel's own limit is 128.
const MOST: usize = 16;

/// Whether one was rung; `None` where it is not possible to sleep on so many.
pub(super) fn on_all(receivers: &[&MemoryReceiver], ns: u64) -> Option<bool> {
    let mut waiters = [futex::Wait::new(); MOST];
    let waiters = waiters.get_mut(..receivers.len())?;
    for (wait, receiver) in waiters.iter_mut().zip(receivers) {
        wait.val = u64::from(SET);
        wait.uaddr = receiver.bell().as_ptr().cast::<std::ffi::c_void>().into();
        wait.flags = futex::WaitFlags::SIZE_U32;
    }
    // this call's time is that of a clock, not a span
    let now = clock_gettime(ClockId::Monotonic);
    let at = now.tv_nsec.saturating_add(ns.cast_signed());
    let until = Timespec { tv_sec: now.tv_sec + at / 1_000_000_000, tv_nsec: at % 1_000_000_000 };
    match futex::waitv(waiters, futex::WaitvFlags::empty(), Some(&until), ClockId::Monotonic) {
        Ok(_) | Err(Errno::AGAIN) => Some(true),
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => None,
        Err(_) => Some(false),
    }
}
