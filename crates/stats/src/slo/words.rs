//! What is said of a deadline.

use std::fmt::Write as _;

use tailbed_format::extremes::{Extremes, Period};
use tailbed_format::slo::{Slo, SloCount, SloRepeat, SloVerdict, Subject};

use super::allowed;
use crate::compare::words::silence;
use crate::extremes::share_above;
use crate::plot::number::{count, time};

/// The figures behind a verdict, a sentence without its full stop.
pub(super) fn why(slo: &Slo, pooled: &SloCount, repeats: &[SloRepeat], more: Option<u64>, disagree: bool) -> String {
    if pooled.sent == 0 {
        return "no packet of a run that counts was sent".to_owned();
    }
    let mut text = format!(
        "{} of {} packets {}: {} ({} to {} with 95 % confidence), and {} is allowed",
        count(pooled.above()),
        count(pooled.sent),
        kinds(pooled),
        share(pooled.above() as f64 / pooled.sent as f64),
        share(pooled.low),
        share(pooled.high),
        share(allowed(slo)),
    );
    if pooled.bursts < pooled.above() {
        let _ =
            write!(text, "; they came in {} {}, which count as one each", count(pooled.bursts), plural(pooled.bursts, "burst"));
    }
    if disagree {
        let of = |verdict: SloVerdict| repeats.iter().filter(|repeat| repeat.verdict == verdict).count();
        let (held, missed) = (of(SloVerdict::Held), of(SloVerdict::Missed));
        let _ = write!(
            text,
            "; but of {} repeats {held} held it and {missed} missed it, each by itself: more packets of repeats as unlike decide nothing",
            repeats.len()
        );
    } else if let Some(more) = more {
        let _ = write!(text, "; {} more packets would decide it if as many of them are late", count(more));
    } else if pooled.low <= allowed(slo) && pooled.high > allowed(slo) {
        text.push_str("; so close to what is allowed no number of packets decides it");
    }
    text
}

/// Of a path through which nothing came.
pub(super) fn dead(runs: usize, sent: u64) -> String {
    format!("{}: no packet was in time", silence(runs, sent))
}

fn kinds(count: &SloCount) -> &'static str {
    match (count.late, count.lost) {
        (_, 0) => "came too late",
        (0, _) => "were lost",
        _ => "came too late or were lost",
    }
}

fn plural(number: u64, noun: &str) -> String {
    if number == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// A share as people say it: `none`, `2.4 in a million`, `1.2 %`.
fn share(share: f64) -> String {
    match share {
        0.0 => "none".to_owned(),
        share if share >= 0.001 => format!("{}\u{a0}%", digits(share * 100.0)),
        share if share >= 0.999_5e-7 => format!("{} in a million", digits(share * 1e6)),
        share => format!("{} in a billion", digits(share * 1e9)),
    }
}

/// Two or three significant digits without needless zeros.
fn digits(value: f64) -> String {
    let places = match value {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        value if value >= 0.995 => 2,
        value if value >= 0.099_5 => 3,
        _ => 4,
    };
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// What a tail fitted beyond the data says of the deadline of all packets, a sentence.
pub(super) fn remark(slo: &Slo, tail: &Extremes) -> Option<String> {
    if slo.subject != Subject::All {
        return None;
    }
    let fit = tail.fit.as_ref()?;
    if let Some(warning) = tail.warnings.first() {
        return Some(format!("The tail cannot carry an extrapolation: {warning}."));
    }
    let above = share_above(tail, slo.below as f64)?;
    let million = tail.levels.iter().find(|level| level.period == Period::Packets(1_000_000));
    let level = million.map_or_else(String::new, |level| {
        let high = level.high.map_or_else(|| "no bound".to_owned(), time);
        format!("; it reaches {} once in a million packets ({} to {high})", time(level.level), time(level.low))
    });
    let end = fit.end.map_or_else(String::new, |end| format!(" and ends at {}", time(end)));
    Some(format!(
        "A tail fitted beyond the data puts {} of the packets that arrive at or above the deadline{level}{end}: a remark, not the verdict.",
        share(above)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_as_people_say_them() {
        let said = [0.0, 2.4e-6, 1e-6, 12.34e-6, 0.0123, 0.5, 3.2e-10].map(|of| share(of).replace('\u{a0}', " "));
        assert_eq!(
            said,
            ["none", "2.4 in a million", "1 in a million", "12.3 in a million", "1.23 %", "50 %", "0.32 in a billion"]
        );
    }
}
