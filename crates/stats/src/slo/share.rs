//! The exact interval of a share, and how many more would narrow it enough.
//!
//! Clopper and Pearson (1934): the shares at which so few, or so many, become as unlikely as [`ONE_SIDED`]. Where what is counted comes in
//! bursts, bursts are counted in place of it, out of as many fewer (the effective sample of Korn and Graubard 1998, whose design effect is
//! here the mean size of a burst): what a burst has in common tells no more than one of it does.

use crate::interval::{ONE_SIDED, binomial};

/// More packets than this nobody sends: a year at a hundred million a second.
const MOST: u64 = 3_000_000_000_000_000;

/// So many late ones make the exact interval that of the normal distribution.
const MANY: f64 = 10_000.0;

/// Bounds of the 95 % interval of a share of which `hits` of `of` were seen, 0 to 1; everything is possible where nothing was seen.
pub(super) fn interval(hits: u64, of: u64) -> (f64, f64) {
    let hits = hits.min(of);
    if of == 0 {
        return (0.0, 1.0);
    }
    let low = if hits == 0 { 0.0 } else { bisect(|share| 1.0 - binomial::at_most(of, share, hits - 1) > ONE_SIDED) };
    let high = if hits == of { 1.0 } else { bisect(|share| binomial::at_most(of, share, hits) < ONE_SIDED) };
    (low, high)
}

/// The share from which on `beyond` holds, by halves on a logarithmic scale: shares here are as small as one in a billion.
fn bisect(beyond: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (-60.0_f64, 0.0_f64);
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if beyond(middle.exp().min(1.0 - f64::EPSILON)) { high = middle } else { low = middle }
    }
    f64::midpoint(low, high).exp()
}

/// Bounds where `hits` came in `bursts`, 1 to `hits` of them: those of `bursts` out of as many as make the same share.
pub(crate) fn interval_of_bursts(hits: u64, bursts: u64, of: u64) -> (f64, f64) {
    interval(bursts.min(hits), effective(hits, bursts, of))
}

/// How many there are in effect.
fn effective(hits: u64, bursts: u64, of: u64) -> u64 {
    if hits == 0 || bursts >= hits {
        return of;
    }
    let effective = u128::from(of) * u128::from(bursts) / u128::from(hits);
    u64::try_from(effective).unwrap_or(u64::MAX).max(bursts)
}

/// How many more it takes until the interval leaves `allowed` out, if the share and the size of bursts stay as they are; `None` when the share
/// is what is allowed, or more than [`MOST`] would be needed.
pub(super) fn more(hits: u64, bursts: u64, of: u64, allowed: f64) -> Option<u64> {
    if hits == 0 {
        // nothing seen of n: the upper bound is the share at which (1 - share)^n is as unlikely
        let needed = (ONE_SIDED.ln() / (-allowed).ln_1p()).ceil();
        return Some(whole(needed).saturating_sub(of)).filter(|more| *more <= MOST);
    }
    let bursts = bursts.clamp(1, hits);
    let size = hits as f64 / bursts as f64;
    let share = if of == 0 { return None } else { hits as f64 / of as f64 };
    // by the normal distribution (Wald): where so many are late that the exact interval is the same, and slow to find
    let about = 3.841_459 * share * (1.0 - share) / (share - allowed).powi(2);
    if !about.is_finite() || about * size > MOST as f64 {
        return None;
    }
    if about * share > MANY {
        return Some(whole(about * size).saturating_sub(of));
    }
    let decides = |effective: u64| {
        let hits = whole((share * effective as f64).round()).min(effective);
        let (low, high) = interval(hits, effective);
        low > allowed || high <= allowed
    };
    let start = effective(hits, bursts, of).max(1);
    let (mut low, mut high) = (start, start);
    while !decides(high) {
        if high as f64 * size > MOST as f64 {
            return None;
        }
        low = high;
        high = high.saturating_mul(2);
    }
    while high - low > (high / 1_000).max(1) {
        let middle = low.midpoint(high);
        if decides(middle) { high = middle } else { low = middle }
    }
    Some(whole(high as f64 * size).saturating_sub(of))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats saturate, and counts are not negative"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From scipy 1.17.1: binomtest(k, n).proportion_ci(0.95, 'exact').
    #[test]
    fn the_interval_is_that_of_clopper_and_pearson() {
        let table = include_str!("clopper-pearson.csv");
        let mut rows = 0;
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
            let (low, high) = interval(whole(fields[0]), whole(fields[1]));
            assert!((low - fields[2]).abs() <= 1e-7 * fields[2] + 1e-15, "{line}: {low}");
            assert!((high - fields[3]).abs() <= 1e-7 * fields[3], "{line}: {high}");
            rows += 1;
        }
        assert!(rows >= 10);
    }

    #[test]
    fn nothing_late_needs_as_many_as_the_rule_says() {
        // ln 0.025 / ln(1 - 1e-6)
        assert_eq!(more(0, 0, 0, 1e-6), Some(3_688_878));
        assert_eq!(more(0, 0, 3_000_000, 1e-6), Some(688_878));
        assert_eq!(interval(0, 3_688_878).1 <= 1e-6, interval(0, 3_688_877).1 > 1e-6);
        assert_eq!(more(5, 5, 5_000_000, 1e-6), None, "as many as allowed");
    }

    proptest! {
        #[test]
        fn bursts_widen_and_more_decide(hits in 0u64..40, size in 1u64..10, of in 1_000u64..10_000_000, allowed in 1u32..100_000) {
            let allowed = f64::from(allowed) / 1e6;
            let bursts = hits.div_ceil(size);
            let (plain, wide) = (interval(hits, of), interval_of_bursts(hits, bursts, of));
            prop_assert!(wide.0 <= plain.0 + 1e-9 && wide.1 >= plain.1 - 1e-9, "{plain:?} {wide:?}");
            prop_assert!(0.0 <= wide.0 && wide.0 <= wide.1 && wide.1 <= 1.0);
            if let Some(more) = more(hits, bursts, of, allowed) {
                let grown = (of + more) as f64 / of as f64;
                let (low, high) = interval_of_bursts(whole((hits as f64 * grown).round()), whole((bursts as f64 * grown).round()), of + more);
                // counts are whole: one burst to either side
                let slack = 2.0 * grown.max(1.0) / (of + more) as f64 * size as f64;
                prop_assert!(low > allowed - slack || high <= allowed + slack, "{low} {high} {allowed}");
            }
        }
    }
}
