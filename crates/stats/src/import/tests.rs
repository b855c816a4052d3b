#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests; shares are compared with the decimals they were written as")]

use proptest::prelude::*;
use tailbed_format::imported::{Imported, ImportedCell, ImportedRun};
use tailbed_format::percentile::Percentile;
use tailbed_format::summary::{Estimate, Parameter};

use super::*;
use crate::hgrm::percentile_table;
use crate::interval;

macro_rules! real {
    ($name:literal) => {
        include_str!(concat!("../../../../fuzz/corpus/results/", $name))
    };
}

fn only(text: &str, scale: Option<Scale>) -> Read {
    let format = Format::of(text).unwrap();
    let [read] = <[Read; 1]>::try_from(self::read(text, format, scale).unwrap()).unwrap();
    read
}

fn fault(text: &str, format: Format) -> String {
    read(text, format, None).unwrap_err().to_string()
}

/// How a note begins of values that are half of round trips.
fn sockperf_half() -> String {
    only(real!("sockperf-ping-pong.txt"), None).note.unwrap()
}

fn run_of(read: Read) -> ImportedRun {
    ImportedRun {
        file: "a.csv".to_owned(),
        format: "percentiles".to_owned(),
        count: read.count,
        minimum: read.minimum,
        maximum: read.maximum,
        percentiles: read.percentiles,
        counts: read.counts,
        note: read.note,
        sha256: None,
    }
}

#[test]
fn percentiles_as_they_are_published() {
    let text = "percentile,value,onefraconeminuspercentile\n0.0,4681,1.0\n0.5,80179,2\n0.9,81000,10\n0.99,82000,100\n0.999,425092,1000\n0.9999,425092,10000\n";
    let read = only(text, None);
    assert_eq!((read.minimum, read.maximum, read.count), (Some(4681), Some(425_092), None));
    assert_eq!(read.percentiles[1], (0.5, 80_179));
    // the greatest value is that of the last rank from 99.9 % on, so there are 100 values or more: ten lie beyond 90 % and one beyond 99 %
    assert_eq!(summary::at_least(&read.percentiles), 100);
    let distribution = summary::distribution_of(&run_of(read));
    let values: Vec<Option<u64>> = distribution.percentiles.iter().map(|row| row.estimate.value()).collect();
    assert_eq!(values, [Some(80_179), Some(81_000), None, None, None, None, None]);
    assert_eq!(distribution.maximum, Some(425_092));
}

#[test]
fn wrong_percentiles_name_the_line() {
    let of = |text: &str| fault(text, Format::Percentiles);
    assert_eq!(of("percentile,value\n0.5,10\n99.9,11\n"), "line 3: `99.9` is no percentile from 0 to 1; 99.9 % is written 0.999");
    assert_eq!(of("0.5,10\n0.9,abc\n"), "line 2: `abc` is no time in ns; write a number such as 83029");
    assert_eq!(of("0.5,10\n0.4,11\n"), "line 2: `0.4` is below the percentile 0.5 before it; sort the rows by percentile");
    assert!(of("0.5,10\n0.9,9\n").contains("such a table is damaged"));
    assert!(of("0.5\n").contains("is no row"));
    let lost = read("percentile,value,x\n0.0,,1\n0.5,,2\n", Format::Percentiles, None).unwrap_err();
    assert!(lost.is_empty() && lost.to_string() == "none of its percentiles has a value", "{lost}");
}

#[test]
fn our_own_tables_come_back() {
    let mut counter: Counter = (0..1_000).map(|n| 3_000 + n % 200).collect();
    counter.record(1_234_567);
    let read = only(&percentile_table(&counter).unwrap(), None);
    assert_eq!((read.count, read.maximum), (Some(1_001), Some(1_234_567)));
    assert_eq!(read.percentiles.last(), Some(&(1.0, 1_234_567)));
}

#[test]
fn a_table_without_a_unit_asks_for_it() {
    let text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n  12.3 0.5 5 2.0\n  15.0 1.0 10\n#[Max     = 15.0, Total count    = 10]\n";
    assert!(fault(text, Format::Hgrm).contains("--unit"));
    assert_eq!(only(text, Some(Scale::MILLI)).maximum, Some(15_000_000));
    assert!(fault("Value Percentile TotalCount\n 1.0 0.5\n", Format::Hgrm).contains("--unit"));
    let damaged = text.replace("0.5 5 2.0", "nan 5 2.0");
    let error = read(&damaged, Format::Hgrm, Some(Scale::MICRO)).unwrap_err();
    assert_eq!(error.to_string(), "line 3: `nan` is no percentile from 0 to 1");
}

#[test]
fn buckets_count_as_their_upper_ends() {
    let read = only("latency_bucket,count\n3000,32271\n3100,255363\n3300,1\n", None);
    assert_eq!(read.counts, [(3_100, 32_271), (3_200, 255_363), (3_400, 1)]);
    assert_eq!((read.minimum, read.maximum, read.count), (Some(3_000), Some(3_400), Some(287_635)));
    assert_eq!(only("value,count\n3000,2\n3100,1\n", None).counts, [(3_000, 2), (3_100, 1)]);
    let error = fault("bucket,count\n3000,1\n2900,1\n", Format::Histogram);
    assert_eq!(error, "line 3: `2900` is not above the bucket before it; sort the rows, each bucket once");
}

#[test]
fn units_are_exact() {
    assert_eq!(Scale::MICRO.time("20.640"), Some(20_640));
    assert_eq!(Scale::SECOND.time("12.345678901"), Some(12_345_678_901));
    assert_eq!(Scale::SECOND.time("0.0000000005"), Some(1));
    assert_eq!(Scale::NANO.time("83029.4"), Some(83_029));
    assert_eq!((Scale::NANO.time("-1"), Scale::NANO.time("."), Scale::SECOND.time("99999999999")), (None, None, None));
    assert!("min".parse::<Scale>().unwrap_err().contains("ns, us, ms or s"));
}

#[test]
fn a_cell_is_read_as_a_campaigns() {
    let counts: Vec<(u64, u64)> = vec![(100, 500), (200, 499), (900, 1)];
    let run = |counts: &[(u64, u64)]| {
        let mut counter = Counter::new();
        for (value, times) in counts {
            counter.record_many(*value, *times);
        }
        run_of(Read::of_counter(&counter))
    };
    let parameters = vec![Parameter { key: "rate".to_owned(), value: "10".to_owned() }];
    let cell = ImportedCell { parameters: parameters.clone(), runs: vec![run(&counts), run(&counts)] };
    let imported =
        Imported { version: Imported::VERSION, name: "them".to_owned(), source: None, cells: vec![cell], left_out: Vec::new() };
    let campaign = summary::campaign(&imported);
    assert_eq!((campaign.cells.len(), campaign.runs.len()), (1, 2));
    assert_eq!(campaign.cells[0].latency.count, 2_000);
    let median = campaign.runs[1].latency.at(Percentile::from_ppm(500_000).unwrap()).unwrap();
    assert!(matches!(median, Estimate::Value { value: 100, low: Some(100), high: Some(200) }), "{median:?}");
    assert_eq!(campaign.runs[1].parameters, parameters);
    assert!(campaign.runs.iter().all(tailbed_format::summary::RunSummary::is_valid));
}

/// One client that waits for each answer, one that sends 200 messages a second with its log: sockperf 3.7 over the loopback.
#[test]
fn what_sockperf_says() {
    let read = only(real!("sockperf-ping-pong.txt"), None);
    assert_eq!((read.count, read.minimum, read.maximum), (Some(31_019), Some(3_970), Some(2_706_119)));
    assert_eq!((read.percentiles.first(), read.percentiles.len()), (Some(&(0.25, 4_172)), 9));
    assert_eq!(read.percentiles.iter().find(|(share, _)| *share == 0.999), Some(&(0.999, 1_852_073)));
    assert!(read.note.unwrap().starts_with("half of each round trip"));
    let (summary, log) = (only(real!("sockperf-under-load.txt"), None), only(real!("sockperf-full-log.csv"), None));
    assert_eq!((summary.note.as_deref(), log.note.as_deref()), (Some("whole round trips"), Some("whole round trips")));
    assert_eq!((log.count, summary.count), (Some(110), Some(110)));
    // the log's times are rounded, the summary's cut off
    let near = |one: Option<u64>, other: Option<u64>| one.unwrap().abs_diff(other.unwrap()) <= 1;
    assert!(near(log.minimum, summary.minimum) && near(log.maximum, summary.maximum), "{log:?} {summary:?}");
    assert_eq!(only(&real!("sockperf-full-log.csv").replace("rtt(usec)", "latency(usec)"), None).note.unwrap(), sockperf_half());
    let nothing = self::read(real!("sockperf-nothing.txt"), Format::Sockperf, None).unwrap_err();
    assert!(nothing.is_empty(), "{nothing}");
    let cut = real!("sockperf-ping-pong.txt").split("---> percentile 99.999").next().unwrap();
    assert!(fault(cut, Format::Sockperf).contains("has no percentiles"));
    let wrong = real!("sockperf-ping-pong.txt").replace("4.279", "four");
    assert_eq!(fault(&wrong, Format::Sockperf), "line 23: `four` is no time in µs");
}

/// cyclictest of rt-tests 2.4: one thread with its summary, two with a histogram that some values lie beyond.
#[test]
fn what_cyclictest_says() {
    let read = only(real!("cyclictest-summary.txt"), None);
    assert_eq!((read.count, read.minimum, read.maximum), (Some(5_000), Some(12_000), Some(9_476_000)));
    assert_eq!(read.percentiles, [(1.0, 9_476_000)]);
    assert_eq!(only(real!("cyclictest-summary.txt"), Some(Scale::NANO)).maximum, Some(9_476));
    let threads = self::read(real!("cyclictest-histogram.txt"), Format::Cyclictest, None).unwrap();
    let told: Vec<_> = threads.iter().map(|read| (read.count, read.minimum, read.maximum)).collect();
    assert_eq!(told, [(Some(4_000), Some(6_000), Some(3_339_000)), (Some(4_000), Some(17_000), Some(4_856_000))]);
    assert_eq!(threads[1].parameters, [Parameter { key: "thread".to_owned(), value: "1".to_owned() }]);
    assert_eq!(threads[0].counts.last(), Some(&(3_339_000, 393)));
    assert!(threads[0].note.as_deref().unwrap().starts_with("393 values lie beyond"));
    let wrong = real!("cyclictest-histogram.txt").replace("000057 000306\t000329", "000057 000306");
    assert_eq!(
        fault(&wrong, Format::Cyclictest),
        "line 60: `000057 000306` has another number of threads than the rows before it"
    );
}

proptest! {
    /// What every value is known of is as exact as if it had been measured here: nearest ranks of the sorted values.
    #[test]
    fn tables_of_single_values_are_exact(mut values in prop::collection::vec(0_u64..5_000_000, 1..400)) {
        values.sort_unstable();
        let counter: Counter = values.iter().copied().collect();
        let rows: Vec<String> = counter.iter().map(|(value, times)| format!("{value},{times}")).collect();
        let read = only(&format!("value,count\n{}\n", rows.join("\n")), None);
        prop_assert_eq!(read.counts.iter().map(|(_, times)| times).sum::<u64>(), values.len() as u64);
        let found = summary::distribution_of(&run_of(read));
        prop_assert_eq!(found, interval::distribution(&counter));
    }

    #[test]
    fn tables_of_percentiles_come_back(mut values in prop::collection::vec(1_u64..1_000_000_000, 20..200)) {
        values.sort_unstable();
        let shares = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ranks of a short list")]
        let at = |share: f64| values[((share * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1];
        let rows: Vec<String> = shares.iter().map(|share| format!("{share},{}", at(*share))).collect();
        let read = only(&format!("percentile,value\n{}\n", rows.join("\n")), None);
        prop_assert_eq!(read.percentiles, shares.map(|share| (share, at(share))).to_vec());
        prop_assert_eq!((read.minimum, read.maximum), (values.first().copied(), values.last().copied()));
    }

    #[test]
    fn a_table_stands_for_no_more_values_than_it_has(mut values in prop::collection::vec(0_u64..50, 1..300)) {
        values.sort_unstable();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ranks of a short list")]
        let at = |share: f64| values[((share * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1];
        let points: Vec<(f64, u64)> = (0..40).map(|n| 1.0 - 0.8_f64.powi(n)).map(|share| (share, at(share))).collect();
        prop_assert!(summary::at_least(&points) <= values.len() as u64, "{points:?}");
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,200}") {
        prop_assert_eq!(crate::fuzz::results(text.as_bytes()), Ok(()));
    }
}
