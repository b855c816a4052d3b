//! What noise tests measured on a host, as findings beside those that its files gave.

use tailbed_format::noise::{CoreFound, NoiseFound, NoiseRun, Test};
use tailbed_format::percentile::Percentile;
use tailbed_format::rounded::time;
use tailbed_format::summary::Estimate;
use tailbed_format::unit::Time;

use super::Advice;
use super::finding::{Effect, Finding};

const GAPS: &str = "measured gaps";
const TIMER: &str = "measured wake-ups";

/// Adds to the advice what every core showed, and puts the findings in order again.
pub fn add(advice: &mut Advice, run: &NoiseRun) {
    let one = |found: &NoiseFound| found.cores.iter().map(|core| finding(&found.test, core)).collect::<Vec<_>>();
    advice.findings.extend(run.tests.iter().flat_map(one));
    advice.sort();
}

fn finding(test: &Test, core: &CoreFound) -> Finding {
    let name = core.cpu.map_or_else(|| "A core".to_owned(), |cpu| format!("CPU {cpu}"));
    let (topic, is, why) = match *test {
        Test::Gaps { threshold, .. } => {
            (GAPS, gaps(&name, threshold, core), "A packet that comes in such a gap waits until it is over.")
        }
        Test::Timer { interval, .. } => {
            (TIMER, timer(&name, interval, core), "A forwarder that sleeps when it is idle begins that much later.")
        }
    };
    let Some(most) = core.distribution.maximum else { return Finding::fine(topic, is) };
    let cpus = core.cpu.map_or_else(String::new, |cpu| format!(" --cpus {cpu}"));
    Finding::costly(topic, Effect::of_microseconds(most / 1000), is, why, "measured on this host just now; docs/method.md, Noise")
        .seen("noise test", test.name())
        .run(format!("tailbed noise{cpus}  # for longer, with how often what length came"))
}

/// How often the core was taken away, and for how long.
fn gaps(name: &str, threshold: u64, core: &CoreFound) -> String {
    let watched = time(core.span);
    match core.distribution.maximum {
        None => format!("{name} was never taken from a loop for {} or more in {watched}.", Time(threshold)),
        Some(most) => format!(
            "{name} was taken from a loop {} times in {watched} for {} or more: {} at the longest, {} in all.",
            core.distribution.count,
            Time(threshold),
            time(most),
            time(core.sum)
        ),
    }
}

/// How late sleepers were woken.
fn timer(name: &str, interval: u64, core: &CoreFound) -> String {
    let at = |percentile: Percentile| core.distribution.at(percentile).and_then(Estimate::value);
    let most = core.distribution.maximum.unwrap_or(0);
    let median = at(Percentile::REPORTED[0]).map_or_else(String::new, |value| format!("{} late in the median, ", time(value)));
    let tail = at(Percentile::REPORTED[3]).map_or_else(String::new, |value| format!("{} at p99.9, ", time(value)));
    format!("A sleeper on {name}, woken {} times every {}, ran {median}{tail}{} at most.", core.turns, Time(interval), time(most))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::record::Record;
    use super::super::{Wishes, check};
    use super::*;
    use tailbed_format::summary::{Distribution, PercentileRow};

    fn core(maximum: Option<u64>) -> CoreFound {
        let rows = [(Percentile::REPORTED[0], 3_000), (Percentile::REPORTED[3], 40_000)];
        let row = |(percentile, value)| PercentileRow { percentile, estimate: Estimate::Value { value, low: None, high: None } };
        let percentiles = rows.into_iter().map(row).collect();
        let distribution = Distribution { count: 7, minimum: maximum, maximum, mean: None, percentiles };
        CoreFound { cpu: Some(1), distribution, span: 2_000_000_000, turns: 25_000, sum: 90_000, overdue: 0, unlisted: 0 }
    }

    #[test]
    fn what_was_measured_weighs_by_its_longest_and_stands_in_order() {
        let mut advice = check(&Record::default(), &Wishes::default()).unwrap();
        let before = advice.findings.len();
        let gaps = |core| NoiseFound { test: Test::Gaps { threshold: 1_000, duration: 2_000_000_000 }, cores: vec![core] };
        let timer = NoiseFound { test: Test::Timer { interval: 200_000, cycles: 25_000 }, cores: vec![core(Some(1_200_000))] };
        let run = NoiseRun {
            run: String::new(),
            cell: 0,
            repeat: 0,
            began: 0,
            parameters: Vec::new(),
            tests: vec![gaps(core(Some(41_000))), gaps(core(None)), timer],
            load: None,
            downgrades: Vec::new(),
            invalid: Vec::new(),
            knobs: None,
            proof: None,
        };
        add(&mut advice, &run);
        assert_eq!(advice.findings.len(), before + 3);
        assert!(advice.findings.is_sorted_by_key(|finding| finding.level));
        let said = |topic: &str, level: Level| {
            let found = advice.findings.iter().find(|finding| finding.topic == topic && finding.level == level);
            found.map(|finding| finding.is.replace('\u{a0}', " ")).unwrap()
        };
        assert_eq!(
            said(TIMER, Level::Serious),
            "A sleeper on CPU 1, woken 25000 times every 200µs, ran 3.00 µs late in the median, 40.0 µs at p99.9, 1.20 ms at most."
        );
        assert_eq!(
            said(GAPS, Level::Notable),
            "CPU 1 was taken from a loop 7 times in 2.00 s for 1µs or more: 41.0 µs at the longest, 90.0 µs in all."
        );
        assert_eq!(said(GAPS, Level::Fine), "CPU 1 was never taken from a loop for 1µs or more in 2.00 s.");
    }
}
