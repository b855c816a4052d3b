//! How a run's latencies went over its time: an early regime, a drift. What is found is reported, never cut away.

use tailbed_format::course::{Course, Drift, WarmUp};
use tailbed_format::percentile::Percentile;

use crate::counter::Counter;
use crate::interval::needed;

mod blocks;
pub(crate) mod trend;
pub(crate) mod warm_up;

pub use blocks::Blocks;

/// The percentiles that are looked at: the middle and the tail that most runs carry.
pub const WATCHED: [Percentile; 2] = [Percentile::REPORTED[0], Percentile::REPORTED[2]];

/// A steady run is said to drift with at most this probability, at each of two percentiles: with 1 % at either.
pub const FALSE_ALARM: f64 = 0.005;

/// Blocks whose order is tested for a drift.
const DRIFT_BLOCKS: usize = 32;

/// Packets beyond the percentile that a block must have on average for its count to say something.
const LEAST_EACH: f64 = 2.0;

/// Looks for a warm-up and a drift in the packets of a run: when each was due and how long it took, ns, in the order of departure.
/// `counter` and `blocks` are of the same packets. `None` where they are too few.
///
/// A drift makes the beginning unlike the rest as well: so where what follows the beginning goes on in the same direction, at either percentile,
/// it is called a drift, and not a warm-up.
pub fn course(packets: &(impl Iterator<Item = (i64, u64)> + Clone), counter: &Counter, blocks: &Blocks) -> Option<Course> {
    let series = |percentile, count| blocks.coarse(percentile, count, LEAST_EACH);
    series(WATCHED[0], warm_up::BLOCKS)?;
    let warm_up = WATCHED.into_iter().find_map(|percentile| {
        let values = series(percentile, warm_up::BLOCKS)?;
        let end = warm_up::warm_up(&values)?;
        let (early, rest) = values.split_at(end);
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        let step = trend::sign(mean(rest) - mean(early));
        let goes_on = |percentile| {
            let found = series(percentile, warm_up::BLOCKS).and_then(|all| trend::trend(all.get(end..)?));
            found.is_some_and(|(chance, direction)| chance <= FALSE_ALARM && (direction - step).abs() < 0.5)
        };
        (!WATCHED.into_iter().any(goes_on)).then(|| (percentile, blocks.first_packet(end, warm_up::BLOCKS)))
    });
    let after = warm_up.map_or(0, |(_, packets)| packets);
    let drift = WATCHED.into_iter().filter_map(|percentile| {
        let series = series(percentile, DRIFT_BLOCKS)?;
        let from = (0..DRIFT_BLOCKS).find(|block| blocks.first_packet(*block, DRIFT_BLOCKS) >= after)?;
        let (chance, _) = trend::trend(&series[from..]).filter(|(chance, _)| *chance <= FALSE_ALARM)?;
        let (from, to) = quarters(packets.clone().map(|(_, latency)| latency), counter.count(), after, percentile)?;
        // what moves by less than a nanosecond does not move
        (from != to).then_some(Drift { percentile, from, to, chance })
    });
    let drift = drift.collect();
    let warm_up = warm_up.and_then(|(percentile, first)| early_regime(packets.clone(), counter, percentile, first));
    Some(Course { warm_up, drift })
}

fn early_regime(
    mut packets: impl Iterator<Item = (i64, u64)>,
    counter: &Counter,
    percentile: Percentile,
    first: u64,
) -> Option<WarmUp> {
    let early: Counter = packets.by_ref().take(usize::try_from(first).ok()?).map(|(_, latency)| latency).collect();
    let (until, _) = packets.next()?;
    let rest = counter.without(&early);
    let (early, rest) = (early.quantile(percentile)?, rest.quantile(percentile)?);
    (early != rest).then_some(WarmUp { percentile, until, packets: first, early, rest })
}

/// The percentile of the first and of the last quarter of what follows the packet with number `after`; `None` where a quarter does not
/// carry it.
fn quarters(latencies: impl Iterator<Item = u64>, packets: u64, after: u64, percentile: Percentile) -> Option<(u64, u64)> {
    let quarter = (packets - after) / 4;
    if quarter < needed(percentile)? {
        return None;
    }
    let (mut first, mut last) = (Counter::new(), Counter::new());
    for (number, latency) in (0..).zip(latencies) {
        if (after..after + quarter).contains(&number) {
            first.record(latency);
        } else if number >= packets - quarter {
            last.record(latency);
        }
    }
    first.quantile(percentile).zip(last.quantile(percentile))
}

#[cfg(test)]
mod tests;
