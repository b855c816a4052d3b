//! Two hundred simulated devices whose limits are known, the same ones for both searches.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// No trial has a lower rate, packets per second.
pub(crate) const MINIMUM: u64 = 10_000;
/// No trial has a higher rate, packets per second.
pub(crate) const MAXIMUM: u64 = 1_500_000;

/// What kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The same load always loses the same.
    Steady,
    /// Some trials lose a few packets whatever the load, and the limit wavers by a tenth of a percent.
    Noisy,
    /// Some trials meet a device of six tenths of the speed.
    Bimodal,
}

/// What a device does with more than it can carry.
#[derive(Debug, Clone, Copy)]
enum Overload {
    /// Carries as much as it can.
    Saturates,
    /// Carries half of what it could.
    Collapses,
    /// Begins to lose at its limit and loses more with the load, half a percent at this many times the limit.
    Bends(f64),
}

/// A device.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) kind: Kind,
    /// Highest load without loss, packets per second.
    pub(crate) limit: f64,
    overload: Overload,
    /// Share of trials that are out of order.
    odd: f64,
    random: ChaCha8Rng,
}

/// Packets sent and lost in a trial.
pub(crate) type Counts = (u64, u64);

/// How many devices there are.
pub(crate) const COUNT: u64 = 200;

impl Device {
    /// The device of a number: 80 steady, 70 noisy, 50 bimodal ones.
    pub(crate) fn new(number: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(0x9971_0000 + number);
        let limit = 20_000.0 * (1_400_000.0f64 / 20_000.0).powf(random.random::<f64>());
        let bends = 1.0 + 0.02 + 0.3 * random.random::<f64>();
        let odd: f64 = random.random();
        let overload = [Overload::Saturates, Overload::Collapses, Overload::Bends(bends)][usize::try_from(number % 3).unwrap()];
        let (kind, odd) = match number {
            0..80 => (Kind::Steady, 0.0),
            80..150 => (Kind::Noisy, 0.25 * odd),
            _ => (Kind::Bimodal, 0.02 + 0.18 * odd),
        };
        Self { kind, limit, overload, odd, random }
    }

    /// Sends at a rate for so many seconds.
    pub(crate) fn trial(&mut self, rate: f64, seconds: f64) -> Counts {
        let sent = (rate * seconds) as u64;
        let (odd, waver, few) =
            (self.random.random::<f64>() < self.odd, self.random.random::<f64>() - 0.5, self.random.random_range(1..40u64));
        let (limit, background) = match (self.kind, odd) {
            (Kind::Steady, _) | (Kind::Bimodal, false) => (self.limit, 0),
            (Kind::Bimodal, true) => (self.limit * 0.6, 0),
            (Kind::Noisy, odd) => (self.limit * (1.0 + 0.001 * waver), if odd { few } else { 0 }),
        };
        let over = match self.overload {
            _ if rate <= limit => 0.0,
            Overload::Saturates => 1.0 - limit / rate,
            Overload::Collapses => 1.0 - 0.5 * limit / rate,
            Overload::Bends(bend) => (0.005 * (rate / limit - 1.0) / (bend - 1.0)).min(0.9),
        };
        (sent, ((sent as f64 * over).ceil() as u64 + background).min(sent))
    }
}
