//! What is on its way to one command. A command that does not read must not keep others waiting whose programs run in the same node, nor
//! fill the memory: beyond a limit its program stands still until it reads again.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use tailbed_format::program::{Exit, Stream};

/// With more than this waiting, bytes, the program is stopped.
const HIGH: usize = 4 << 20;

/// With less than this, it goes on.
const LOW: usize = 1 << 20;

/// What is told of a program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// It has printed something.
    Printed(Stream, Vec<u8>),
    /// It has ended.
    Exited(Exit),
    /// No more will come: why.
    Gone(String),
}

impl Item {
    fn size(&self) -> usize {
        match self {
            Self::Printed(_, bytes) => bytes.len(),
            Self::Exited(_) | Self::Gone(_) => 0,
        }
    }
}

/// What is to be done to the program besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nothing.
    Same,
    /// Stop it.
    Stop,
    /// Let it go on.
    Continue,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    stopped: bool,
    closed: bool,
}

/// Items in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

impl Outbox {
    /// Adds an item; never waits.
    pub(super) fn put(&self, item: Item) -> Flow {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            return Flow::Same;
        }
        waiting.bytes += item.size();
        waiting.items.push_back(item);
        self.more.notify_one();
        if waiting.bytes > HIGH && !waiting.stopped {
            waiting.stopped = true;
            return Flow::Stop;
        }
        Flow::Same
    }

    /// Takes the next item; waits for it.
    pub(super) fn take(&self) -> (Item, Flow) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if waiting.closed {
                return (Item::Gone("nobody listens".to_owned()), Flow::Same);
            }
            if let Some(item) = waiting.items.pop_front() {
                waiting.bytes -= item.size();
                let goes_on = waiting.stopped && waiting.bytes < LOW;
                if goes_on {
                    waiting.stopped = false;
                }
                return (item, if goes_on { Flow::Continue } else { Flow::Same });
            }
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nobody takes any more: what waits and what comes is thrown away, and who waits is let go.
    pub(super) fn close(&self) -> Flow {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped = waiting.stopped;
        *waiting = Waiting { closed: true, ..Waiting::default() };
        self.more.notify_all();
        if stopped { Flow::Continue } else { Flow::Same }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_output_nobody_reads_stands_still_and_goes_on() {
        let outbox = Outbox::default();
        let printed = || Item::Printed(Stream::Output, vec![0; 1 << 20]);
        let flows: Vec<_> = (0..6).map(|_| outbox.put(printed())).collect();
        assert_eq!(flows.iter().filter(|flow| **flow == Flow::Stop).count(), 1);
        assert_eq!(flows[4], Flow::Stop);
        let flows: Vec<_> = (0..6).map(|_| outbox.take().1).collect();
        assert_eq!(flows.iter().position(|flow| *flow == Flow::Continue), Some(5));
        outbox.put(printed());
        assert_eq!(outbox.close(), Flow::Same);
        assert_eq!(outbox.put(printed()), Flow::Same);
        assert!(matches!(outbox.take().0, Item::Gone(_)));
    }
}
