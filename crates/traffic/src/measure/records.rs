//! What is kept of each packet during the run, in memory taken beforehand.

/// Stands for "not sent": no counter gets there within centuries.
const NOT_SENT: u64 = u64::MAX;

/// A packet as it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its number among all packets of the run.
    pub(super) number: u64,
    /// The kernel's stamp, `CLOCK_REALTIME` in ns.
    pub(super) kernel: u64,
    /// Our stamp, ticks.
    pub(super) user: u64,
}

/// Stamps of all packets: 8 bytes for each sent, 24 for each received.
#[derive(Debug)]
pub(super) struct Records {
    /// By number, ticks.
    sent: Vec<u64>,
    /// In the order they came in; only the first `seen_count` are real.
    seen: Vec<Seen>,
    seen_count: usize,
    overflow: u64,
}

impl Records {
    /// Room for a schedule of `packets`, and for one in eight of them to come in twice. All of it is written to, so that the kernel has
    /// found the memory before the first packet. `None` when there is not enough.
    pub(super) fn for_packets(packets: u64) -> Option<Self> {
        let count = usize::try_from(packets).ok()?;
        let nothing = Seen { number: u64::MAX, kernel: u64::MAX, user: u64::MAX };
        let arrivals = count.checked_add(count / 8)?.checked_add(1024)?;
        Some(Self { sent: filled(count, NOT_SENT)?, seen: filled(arrivals, nothing)?, seen_count: 0, overflow: 0 })
    }

    /// A packet was sent at these ticks.
    #[inline]
    pub(super) fn sent(&mut self, number: u64, ticks: u64) {
        if let Some(sent) = usize::try_from(number).ok().and_then(|number| self.sent.get_mut(number)) {
            *sent = ticks;
        }
    }

    /// Of the packets before `next` the one that was sent `back` sends ago (1 for the latest) was not sent after all. Of several the
    /// earliest is to be named first.
    #[cold]
    pub(super) fn not_sent(&mut self, next: u64, back: usize) {
        let before = usize::try_from(next).unwrap_or(usize::MAX).min(self.sent.len());
        let mut sent = self.sent[..before].iter_mut().rev().filter(|ticks| **ticks != NOT_SENT);
        if let Some(sent) = sent.nth(back.saturating_sub(1)) {
            *sent = NOT_SENT;
        }
    }

    /// A packet came in.
    #[inline]
    pub(super) fn seen(&mut self, seen: Seen) {
        match self.seen.get_mut(self.seen_count) {
            Some(free) => {
                *free = seen;
                self.seen_count += 1;
            }
            None => self.overflow += 1,
        }
    }

    /// Packets that came in when there was no room left.
    pub(super) fn overflow(&self) -> u64 {
        self.overflow
    }

    /// The ticks at which a packet of the schedule was sent; `None` when it was not.
    pub(super) fn departure(&self, number: u64) -> Option<u64> {
        let sent = usize::try_from(number).ok().and_then(|number| self.sent.get(number));
        sent.copied().filter(|&ticks| ticks != NOT_SENT)
    }

    /// Each packet that came in, in order.
    pub(super) fn arrivals(&self) -> &[Seen] {
        &self.seen[..self.seen_count]
    }
}

/// A vector of copies whose memory has been written to. No value here is zero, which the allocator could leave to be found later.
fn filled<T: Clone>(length: usize, value: T) -> Option<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(length).ok()?;
    vector.resize(length, value);
    Some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_not_sent_have_no_time() {
        let mut records = Records::for_packets(3).unwrap();
        records.sent(0, 10);
        records.sent(2, 30);
        records.sent(3, 40);
        assert_eq!([0, 1, 2, 3].map(|number| records.departure(number)), [Some(10), None, Some(30), None]);
    }

    /// Packet 1 was refused at once and is in no queue; of the queue of the other three the first and the last were refused.
    #[test]
    fn what_was_refused_later_was_not_sent_either() {
        let mut records = Records::for_packets(6).unwrap();
        for number in [0, 2, 3] {
            records.sent(number, 10 * (number + 1));
        }
        records.not_sent(4, 3);
        records.not_sent(4, 1);
        assert_eq!((0..6).map(|number| records.departure(number)).collect::<Vec<_>>(), [None, None, Some(30), None, None, None]);
    }

    #[test]
    fn arrivals_beyond_the_room_are_counted() {
        let mut records = Records::for_packets(8).unwrap();
        for number in 0..1_034 {
            records.seen(Seen { number, kernel: 1, user: 2 });
        }
        assert_eq!((records.arrivals().len(), records.overflow()), (1_033, 1));
    }

    #[test]
    fn what_cannot_fit_is_refused() {
        assert!(Records::for_packets(u64::MAX).is_none());
        assert!(Records::for_packets(1 << 58).is_none());
    }
}
