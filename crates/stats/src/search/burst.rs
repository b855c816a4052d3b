//! The longest burst that is carried without loss (RFC 9004), and the buffer it speaks of.

use tailbed_format::throughput::{Bounds, BurstFound, Status};

use super::bisection::{Bisected, ThroughputBisection};
use super::{Sent, TrialInput, time_of};

/// Bursts are as long as the bounds tell to within one packet, or this share of the upper one, ppm.
const WIDTH: u32 = 1_000;

/// First the throughput, which has to be known beforehand (RFC 9004, section 5), then the burst, unless the highest rate is carried
/// anyhow: no buffer fills then.
#[derive(Debug, Clone)]
pub struct BurstSearch {
    throughput: ThroughputBisection,
    rate: u64,
    bursts: Bisected,
}

impl BurstSearch {
    /// A search that has not begun. Bursts go out at `rate` packets per second, for at most `longest` ns.
    pub fn new(throughput: ThroughputBisection, rate: u64, longest: u64) -> Self {
        let most = TrialInput::load(rate, longest).packets.max(1);
        Self { throughput, rate, bursts: Bisected::new(1, most, WIDTH) }
    }

    /// The trial it wants next; `None` when it has its result.
    pub fn next(&self) -> Option<TrialInput> {
        self.throughput.next().or_else(|| {
            let fills = self.throughput.found().status != Status::AtMaximum;
            self.bursts.next().filter(|_| fills).map(|packets| TrialInput::burst(self.rate, packets))
        })
    }

    /// Takes into account what came of a trial.
    pub fn tell(&mut self, trial: TrialInput, sent: Sent) {
        if self.throughput.next() == Some(trial) {
            self.throughput.tell(trial, sent);
        } else {
            self.bursts.tell(trial.packets, sent.lost == 0);
        }
    }

    /// The throughput, found first.
    pub fn throughput(&self) -> &ThroughputBisection {
        &self.throughput
    }

    /// Where the bursts stand, packets; `None` when none is sought.
    pub fn bursts(&self) -> Option<Bounds> {
        let throughput = self.throughput.found().status;
        (!matches!(throughput, Status::AtMaximum | Status::Unfinished)).then(|| self.bursts.bounds())
    }

    /// What was found so far; `None` when no burst is sought.
    pub fn found(&self) -> Option<BurstFound> {
        let bounds = self.bursts()?;
        let implied = bounds.lower.map(|packets| time_of(packets, self.rate));
        let throughput = self.throughput.found().bounds.lower;
        // RFC 9004, section 6.4: without what leaves the device while the burst comes in
        let corrected = implied.zip(throughput).and_then(|(implied, throughput)| {
            let left = u128::from(implied) * u128::from(self.rate.saturating_sub(throughput)) / u128::from(self.rate.max(1));
            u64::try_from(left).ok()
        });
        Some(BurstFound { status: self.bursts.status(), bounds, rate: self.rate, implied, corrected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::throughput::{Bisection, Purpose};

    /// A device that carries 600 000 packets per second and holds 1 000.
    fn lost(trial: TrialInput) -> u64 {
        let carried = 600_000 * u128::from(trial.duration) / 1_000_000_000 + 1_000;
        u64::try_from(u128::from(trial.packets).saturating_sub(carried)).unwrap()
    }

    fn search(maximum: u64) -> BurstSearch {
        let throughput = ThroughputBisection::new(&Bisection { trial: 10_000_000_000, width: 1_000 }, 1_000, maximum);
        let mut search = BurstSearch::new(throughput, maximum, 2_000_000_000);
        for _ in 0..100 {
            let Some(trial) = search.next() else { return search };
            search.tell(trial, Sent { sent: trial.packets, lost: lost(trial) });
        }
        panic!("the search does not end");
    }

    #[test]
    fn the_buffer_is_what_the_burst_fills() {
        let search = search(1_000_000);
        let found = search.found().unwrap();
        assert_eq!(found.status, Status::Found);
        // 1 000 / (1 - 0.6) packets, of which 1 000 are in the buffer at the end: 1 ms at the rate of the burst
        let (lower, upper) = (found.bounds.lower.unwrap(), found.bounds.upper.unwrap());
        assert!(lower <= 2_500 && 2_500 <= upper && upper - lower <= 3, "{found:?}");
        let corrected = found.corrected.unwrap();
        assert!((995_000..=1_001_000).contains(&corrected), "{corrected}");
    }

    #[test]
    fn no_burst_is_sought_where_no_buffer_fills() {
        let search = search(500_000);
        assert_eq!(search.throughput().found().status, Status::AtMaximum);
        assert_eq!(search.found(), None);
    }

    #[test]
    fn bursts_have_as_many_packets_as_their_schedule() {
        for packets in [1, 3, 999_999] {
            let trial = TrialInput::burst(777_777, packets);
            assert_eq!((trial.packets, trial.purpose), (packets, Purpose::Burst));
            assert_eq!(TrialInput::load(777_777, trial.duration).packets, packets);
        }
    }
}
