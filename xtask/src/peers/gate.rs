//! The ratios that comparisons are held to, and how many of them are.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a ratio, ours / theirs, is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Gate {
    /// Of times.
    AtMost(f64),
    /// Of rates.
    AtLeast(f64),
    /// Where both are to measure the same.
    Between(f64, f64),
    /// Shown for its own sake.
    None,
}

static MET: AtomicUsize = AtomicUsize::new(0);
static MISSED: AtomicUsize = AtomicUsize::new(0);
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

impl Gate {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(most) => ratio <= most,
            Self::AtLeast(least) => ratio >= least,
            Self::Between(least, most) => (least..=most).contains(&ratio),
            Self::None => true,
        }
    }

    /// What is said of a ratio; one that is held to nothing is not counted.
    pub(super) fn judged(self, ratio: f64) -> String {
        if self == Self::None {
            return String::new();
        }
        let holds = self.holds(ratio);
        let (count, word) = if holds { (&MET, "met") } else { (&MISSED, "MISSED") };
        count.fetch_add(1, Ordering::Relaxed);
        format!("gate {self}: {word}")
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "<= {most:.2}"),
            Self::AtLeast(least) => write!(f, ">= {least:.2}"),
            Self::Between(least, most) => write!(f, "{least:.2} to {most:.2}"),
            Self::None => f.write_str("none"),
        }
    }
}

/// Counts a comparison whose peer does not run here.
pub(super) fn skip() {
    SKIPPED.fetch_add(1, Ordering::Relaxed);
}

/// The last line.
///
/// # Errors
/// A gate was missed.
pub(super) fn close() -> anyhow::Result<()> {
    let [met, missed, skipped] = [&MET, &MISSED, &SKIPPED].map(|count| count.load(Ordering::Relaxed));
    let line = format!("gates: {met} met, {missed} missed; comparisons skipped: {skipped}");
    if missed > 0 {
        anyhow::bail!("{line}");
    }
    println!("{line}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_held_to_its_side() {
        assert!(Gate::AtMost(0.6).holds(0.6) && !Gate::AtMost(0.6).holds(0.61));
        assert!(Gate::AtLeast(1.1).holds(1.1) && !Gate::AtLeast(1.1).holds(1.09));
        assert!(Gate::Between(0.9, 1.1).holds(1.0) && !Gate::Between(0.9, 1.1).holds(1.2));
        assert!(
            ![Gate::AtMost(1.0), Gate::AtLeast(1.0)].into_iter().any(|gate| gate.holds(f64::NAN)),
            "nothing measured meets nothing"
        );
        assert_eq!(Gate::None.judged(9.0), "");
    }
}
