//! HdrHistogram interval logs (`.hlog`), version 1.3, with a histogram in the compressed V2 encoding for each second of a run: what
//! HistogramLogAnalyzer, `HistogramLogProcessor` and PyPI's `hdrhistogram` read.
//!
//! The format is that of HdrHistogram's `HistogramLogWriter`: comments, `StartTime` and `BaseTime`, a line of column names, and a line
//! for each interval with its beginning and length in seconds from `BaseTime`, its greatest value, and the histogram in base64.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;
use tailbed_format::packet::PacketRecord;

use crate::counter::Counter;
use crate::hgrm::{TooLarge, histogram};

/// Nanoseconds of an interval.
const SECOND: i64 = 1_000_000_000;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum NoLog {
    /// A latency that no histogram holds.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// What the encoder says.
    #[error("a second of the log cannot be written: {0}")]
    Encoding(String),
}

/// The log of a run: latencies in ns (kernel receive stamp minus send stamp) by the second in which packets were sent, warm-up left
/// out. A second in which packets were sent and none came through has an empty histogram. `origin` is when the first counted packet was
/// due, seconds since 1970; `writer` the program's name and version.
///
/// # Errors
/// When a latency is beyond 2^62 ns.
pub fn interval_log(records: &[PacketRecord], origin: f64, writer: &str) -> Result<String, NoLog> {
    let mut seconds: BTreeMap<i64, Counter> = BTreeMap::new();
    for record in records.iter().filter(|record| record.departure.due >= 0) {
        let counter = seconds.entry(record.departure.sent.div_euclid(SECOND).max(0)).or_default();
        counter.extend(record.latency().and_then(|latency| u64::try_from(latency).ok()));
    }
    let greatest = seconds.values().filter_map(Counter::maximum).max().unwrap_or(0);
    let mut lines: Vec<u8> = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let wrong = |error: &dyn std::fmt::Display| NoLog::Encoding(error.to_string());
    {
        let begun = IntervalLogWriterBuilder::new().begin_log_with(&mut lines, &mut serializer);
        let mut log = begun.map_err(|error| wrong(&error))?;
        for (second, counter) in &seconds {
            // one range for all intervals, so that every reader can add them up
            let histogram = histogram(counter, greatest)?;
            let start = Duration::from_secs(second.unsigned_abs());
            log.write_histogram(&histogram, start, Duration::from_secs(1), None).map_err(|error| wrong(&error))?;
        }
    }
    let mut text = format!("#[Logged with {writer}]\n#[Histogram log format version 1.3]\n");
    // writing to a String cannot fail
    let _ = writeln!(text, "#[StartTime: {origin:.3} (seconds since epoch)]\n#[BaseTime: {origin:.3} (seconds since epoch)]");
    text.push_str("#[Values are in nanoseconds]\n");
    text.push_str("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
    text.push_str(&String::from_utf8_lossy(&lines));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use proptest::prelude::*;
    use tailbed_format::packet::{Departure, Received};

    fn record(sent: i64, latency: Option<i64>) -> PacketRecord {
        PacketRecord {
            departure: Departure { flow: 0, sequence: 0, due: sent, sent },
            received: latency.map(|latency| Received { kernel: sent + latency, user: sent + latency }),
        }
    }

    /// Base64 (RFC 4648, section 4).
    fn decoded(text: &str) -> Vec<u8> {
        const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digits: Vec<u32> = text
            .bytes()
            .filter(|sign| *sign != b'=')
            .map(|sign| u32::try_from(SIGNS.iter().position(|known| *known == sign).unwrap()).unwrap())
            .collect();
        let group = |digits: &[u32]| {
            let bits = digits.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - digits.len()));
            bits.to_be_bytes()[1..digits.len()].to_vec()
        };
        digits.chunks(4).flat_map(group).collect()
    }

    /// Start in seconds and histogram of every interval, by the library's own reader.
    fn read(log: &str) -> Vec<(u64, Histogram<u64>)> {
        let mut deserializer = Deserializer::new();
        let entries = IntervalLogIterator::new(log.as_bytes()).map(Result::unwrap);
        let intervals = entries.filter_map(|entry| if let LogEntry::Interval(interval) = entry { Some(interval) } else { None });
        intervals
            .map(|interval| {
                let bytes = decoded(interval.encoded_histogram());
                (interval.start_timestamp().as_secs(), deserializer.deserialize(&mut bytes.as_slice()).unwrap())
            })
            .collect()
    }

    #[test]
    fn every_second_has_a_line() {
        let records = [
            record(-5, Some(900_000)),
            record(10, Some(3_000)),
            record(SECOND - 1, Some(4_000)),
            record(SECOND, None),
            record(3 * SECOND + 7, Some(1_234_567)),
        ];
        let log = interval_log(&records, 1_441_812_279.474, "tailbed 0.1.0").unwrap();
        assert!(
            log.starts_with("#[Logged with tailbed 0.1.0]\n#[Histogram log format version 1.3]\n#[StartTime: 1441812279.474 ("),
            "{log}"
        );
        let intervals = read(&log);
        let counts: Vec<(u64, u64)> = intervals.iter().map(|(start, histogram)| (*start, histogram.len())).collect();
        assert_eq!(counts, [(0, 2), (1, 0), (3, 1)]);
        assert!(intervals[2].1.equivalent(intervals[2].1.max(), 1_234_567));
    }

    #[test]
    fn nothing_sent_is_a_log_without_lines() {
        assert_eq!(read(&interval_log(&[], 0.0, "tailbed").unwrap()).len(), 0);
    }

    proptest! {
        /// Read back and added up, the log has every packet, and each of its quantiles is the naive sort's within three digits.
        #[test]
        fn what_is_read_back_is_what_was_sent(latencies in prop::collection::vec(1_i64..2_000_000_000, 1..300)) {
            let records: Vec<_> = (0_i64..).zip(&latencies).map(|(number, latency)| record(number * 20_000_000, Some(*latency))).collect();
            let mut whole = Histogram::<u64>::new(3).unwrap();
            for (_, histogram) in read(&interval_log(&records, 0.0, "tailbed").unwrap()) {
                whole.add(&histogram).unwrap();
            }
            let mut sorted: Vec<u64> = latencies.iter().map(|latency| latency.unsigned_abs()).collect();
            sorted.sort_unstable();
            prop_assert_eq!(whole.len(), sorted.len() as u64);
            for permille in [1_u32, 250, 500, 900, 990, 999, 1000] {
                let rank = (sorted.len() * permille as usize).div_ceil(1000).max(1);
                let found = whole.value_at_quantile(f64::from(permille) / 1000.0);
                prop_assert!(whole.equivalent(found, sorted[rank - 1]), "{} and {}", found, sorted[rank - 1]);
            }
        }
    }
}
