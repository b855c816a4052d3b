//! Conditions that a comparison must not meet: `p99.9 > +10%`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use tailbed_format::percentile::Percentile;
use tailbed_format::unit::Time;

/// What is held against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Measure {
    /// A percentile of the latency.
    At(Percentile),
    /// The greatest latency.
    Maximum,
    /// The share of packets lost.
    Loss,
}

/// What a value must not be above.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Limit {
    /// A time, ns.
    Time(u64),
    /// So much more than the base's, ns.
    MoreBy(u64),
    /// So much more than the base's, as a share of that: 0.1 is a tenth more.
    MoreByShare(f64),
    /// A share of the packets, 0 to 1.
    Share(f64),
}

/// `p99.9 > +10%`, `p99 > 50us`, `max > +20us`, `loss > 0.01%`: what ends with a failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// As it was written.
    pub text: String,
    /// What is looked at.
    pub measure: Measure,
    /// What it must not be above.
    pub limit: Limit,
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no condition: {reason}; write `p99.9 > +10%`, `p99 > 50us`, `max > +20us` or `loss > 0.01%`")]
pub struct NoCondition {
    text: String,
    reason: String,
}

impl FromStr for Condition {
    type Err = NoCondition;

    fn from_str(text: &str) -> Result<Self, NoCondition> {
        let wrong = |reason: String| NoCondition { text: text.to_owned(), reason };
        let (measure, limit) = text.split_once('>').ok_or_else(|| wrong("it has no `>`".to_owned()))?;
        let (name, limit) = (measure.trim(), limit.trim());
        let measure = match name {
            "max" => Measure::Maximum,
            "loss" => Measure::Loss,
            name => {
                let reported = || Percentile::REPORTED.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let known = Percentile::REPORTED.into_iter().find(|percentile| percentile.to_string() == name);
                Measure::At(known.ok_or_else(|| wrong(format!("`{name}` is none of {}, max and loss", reported())))?)
            }
        };
        let (more, size) = limit.strip_prefix('+').map_or((false, limit), |size| (true, size.trim()));
        let limit = match (size.strip_suffix('%'), measure, more) {
            (Some(percent), Measure::Loss, false) => Limit::Share(share(percent).map_err(wrong)?),
            (Some(percent), Measure::At(_) | Measure::Maximum, true) => Limit::MoreByShare(share(percent).map_err(wrong)?),
            (Some(_), Measure::Loss, true) => {
                return Err(wrong("a limit on loss is a share of the packets, without `+`".to_owned()));
            }
            (Some(_), _, false) => return Err(wrong("a share of a latency is one more than the base's, with `+`".to_owned())),
            (None, Measure::Loss, _) => return Err(wrong(format!("`{size}` is no share in %"))),
            (None, _, more) => {
                let time: Time = size.parse().map_err(|error| wrong(format!("`{size}` is no time: {error}")))?;
                if more { Limit::MoreBy(time.0) } else { Limit::Time(time.0) }
            }
        };
        Ok(Self { text: text.trim().to_owned(), measure, limit })
    }
}

fn share(percent: &str) -> Result<f64, String> {
    let number = percent.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.map(|number| number / 100.0).ok_or_else(|| format!("`{percent}` is no number of percent"))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What may be said of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not met: the whole interval lies at or below the limit.
    Held,
    /// The interval holds the limit, or there are too few values for one.
    Undecided,
    /// Met: the whole interval lies above the limit.
    Failed,
}

/// Of an interval and a limit.
pub(crate) fn judge(low: f64, high: f64, limit: f64) -> Outcome {
    if low > limit {
        Outcome::Failed
    } else if high <= limit {
        Outcome::Held
    } else {
        Outcome::Undecided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Measure, Limit) {
        let condition: Condition = text.parse().unwrap();
        (condition.measure, condition.limit)
    }

    #[test]
    fn conditions_read_as_people_write_them() {
        let p999 = Measure::At(Percentile::from_ppm(999_000).unwrap());
        assert_eq!(parsed("p99.9 > +10%"), (p999, Limit::MoreByShare(0.1)));
        assert_eq!(parsed("p99.9>50us"), (p999, Limit::Time(50_000)));
        assert_eq!(parsed(" max > +1ms "), (Measure::Maximum, Limit::MoreBy(1_000_000)));
        assert_eq!(parsed("loss > 0%"), (Measure::Loss, Limit::Share(0.0)));
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, reason) in [
            ("p99.9 < 10us", "no `>`"),
            ("p98 > 10us", "`p98` is none of p50, p90"),
            ("p99 > 10%", "with `+`"),
            ("loss > 10us", "no share"),
            ("loss > +1%", "without `+`"),
            ("p99 > +x%", "no number of percent"),
            ("p99 > -1%", "with `+`"),
            ("p99 > soon", "no time"),
            ("", "no `>`"),
        ] {
            let error = text.parse::<Condition>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_interval_that_holds_the_limit_decides_nothing() {
        assert_eq!(judge(1.0, 2.0, 0.5), Outcome::Failed);
        assert_eq!(judge(1.0, 2.0, 1.0), Outcome::Undecided);
        assert_eq!(judge(1.0, 2.0, 2.0), Outcome::Held);
    }
}
