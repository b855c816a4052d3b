//! cyclictest's output (rt-tests): the histogram of `-h`, else the last line of each thread with its least, mean and greatest latency.
//!
//! cyclictest cuts times off to whole µs, with `-N` to whole ns (the text does not say which; `--unit ns` does), and values are taken
//! as it wrote them. What lies beyond its histogram it counts and no more: such values are taken for as long as the longest.

use tailbed_format::summary::Parameter;

use super::{Fault, Read, Scale, lines};
use crate::counter::Counter;

/// More threads than this has no machine.
const MOST_THREADS: usize = 4096;

pub(super) fn is_like(text: &str) -> bool {
    lines(text).take(200).any(|(_, line)| line == "# Histogram" || is_thread_line(line))
}

fn is_thread_line(line: &str) -> bool {
    line.starts_with("T:") && line.contains("Min:") && line.contains("Max:")
}

/// Reads one distribution for each thread.
///
/// # Errors
/// A row with another number of columns than the one before, a number that is none, a text without histogram and thread lines;
/// [`Fault::is_empty`] when no cycle was counted.
pub fn read(text: &str, scale: Option<Scale>) -> Result<Vec<Read>, Fault> {
    let scale = scale.unwrap_or(Scale::MICRO);
    let threads =
        if lines(text).any(|(_, line)| line == "# Histogram") { histogram(text, scale)? } else { summary(text, scale)? };
    if threads.iter().all(|read| read.count.unwrap_or(0) == 0) {
        return Err(Fault::empty("it counts no cycle"));
    }
    if threads.iter().any(|read| read.count.unwrap_or(0) == 0) {
        return Err(Fault::whole("one of its threads has no cycle, others have; such output was cut off"));
    }
    let several = threads.len() > 1;
    let named = |(number, read): (usize, Read)| {
        let thread = Parameter { key: "thread".to_owned(), value: number.to_string() };
        Read { parameters: several.then_some(thread).into_iter().collect(), ..read }
    };
    Ok(threads.into_iter().enumerate().map(named).collect())
}

/// What follows the histogram, one number for each thread.
#[derive(Default)]
struct Footer {
    minimum: Vec<u64>,
    maximum: Vec<u64>,
    overflows: Vec<u64>,
}

fn histogram(text: &str, scale: Scale) -> Result<Vec<Read>, Fault> {
    let mut counters: Vec<Counter> = Vec::new();
    let mut footer = Footer::default();
    let mut last = None;
    for (at, line) in lines(text).skip_while(|(_, line)| *line != "# Histogram").skip(1) {
        if let Some(comment) = line.strip_prefix('#') {
            let keep = |name: &str, into: &mut Vec<u64>| -> Result<(), Fault> {
                if let Some(rest) = comment.trim().strip_prefix(name) {
                    *into = numbers(at, rest)?;
                }
                Ok(())
            };
            keep("Min Latencies:", &mut footer.minimum)?;
            keep("Max Latencies:", &mut footer.maximum)?;
            keep("Histogram Overflows:", &mut footer.overflows)?;
        } else if !line.is_empty() && !is_thread_line(line) {
            let row = numbers(at, line)?;
            let (&latency, counts) = row.split_first().ok_or_else(|| Fault::at(at, line, "is no row of the histogram"))?;
            if counts.is_empty() || counts.len() > MOST_THREADS || last.is_some() && counts.len() != counters.len() {
                return Err(Fault::at(at, line, "has another number of threads than the rows before it"));
            }
            if last.is_some_and(|last| latency <= last) {
                return Err(Fault::at(at, line, "is not above the row before it"));
            }
            last = Some(latency);
            counters.resize_with(counts.len(), Counter::new);
            let value = time(at, line, latency, scale)?;
            for (counter, times) in counters.iter_mut().zip(counts) {
                add(counter, value, *times).ok_or_else(|| Fault::at(at, line, "brings the count beyond 2^64"))?;
            }
        }
    }
    counters.iter_mut().enumerate().map(|(thread, counter)| with_footer(thread, counter, &footer, scale)).collect()
}

fn with_footer(thread: usize, counter: &mut Counter, footer: &Footer, scale: Scale) -> Result<Read, Fault> {
    let of = |numbers: &[u64]| numbers.get(thread).copied();
    let overflows = of(&footer.overflows).unwrap_or(0);
    let mut note = None;
    if overflows > 0 {
        let maximum = of(&footer.maximum).ok_or_else(|| {
            Fault::whole(format!("thread {thread} has {overflows} values beyond the histogram, and its greatest is not told"))
        })?;
        let longest = footer_time(maximum, scale)?;
        let beyond = counter.maximum().is_none_or(|greatest| greatest <= longest);
        add(counter, longest, overflows).filter(|()| beyond).ok_or_else(|| {
            Fault::whole(format!("thread {thread} has values beyond the histogram, and a greatest of {maximum} within it"))
        })?;
        note = Some(format!("{overflows} values lie beyond the histogram and are taken for as long as the longest"));
    }
    let read = Read::of_counter(counter);
    // the bucket of the least value and the footer agree, unless that value lies beyond the histogram
    let minimum = of(&footer.minimum).map(|least| footer_time(least, scale)).transpose()?;
    let minimum = minimum.filter(|least| read.minimum.is_some_and(|found| *least < found)).or(read.minimum);
    Ok(Read { minimum, note, ..read })
}

fn add(counter: &mut Counter, value: u64, times: u64) -> Option<()> {
    counter.count().checked_add(times)?;
    counter.record_many(value, times);
    Some(())
}

fn footer_time(value: u64, scale: Scale) -> Result<u64, Fault> {
    scale.time(&value.to_string()).ok_or_else(|| Fault::whole(format!("it has a time of {value} {scale}, more than a century")))
}

/// `T: 0 ( 4711) P:80 I:1000 C:  5000 Min:      3 Act:    5 Avg:    5 Max:      50`; of each thread the last such line.
fn summary(text: &str, scale: Scale) -> Result<Vec<Read>, Fault> {
    let mut threads: Vec<Option<Read>> = Vec::new();
    for (at, line) in lines(text).filter(|(_, line)| is_thread_line(line)) {
        let field = |name: &str| -> Result<u64, Fault> {
            let rest = line.split(name).nth(1).unwrap_or_default().trim_start();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().map_err(|_| Fault::at(at, line, format!("has no number after `{name}`")))
        };
        let number = usize::try_from(field("T:")?).ok().filter(|number| *number < MOST_THREADS);
        let number = number.ok_or_else(|| Fault::at(at, line, "names a thread that cannot be"))?;
        let (minimum, maximum) = (time(at, line, field("Min:")?, scale)?, time(at, line, field("Max:")?, scale)?);
        if minimum > maximum {
            return Err(Fault::at(at, line, "has a least latency above the greatest"));
        }
        let (count, mean) = (field(" C:")?, field("Avg:")?);
        if threads.len() <= number {
            threads.resize(number + 1, None);
        }
        threads[number] = Some(Read {
            count: Some(count),
            minimum: Some(minimum),
            maximum: Some(maximum),
            percentiles: vec![(1.0, maximum)],
            note: Some(format!("of the values only the least, the greatest and the mean of {mean} {scale} are told")),
            ..Read::default()
        });
    }
    if threads.is_empty() {
        return Err(Fault::whole("it has neither a histogram (cyclictest -h) nor a line of a thread (cyclictest -q)"));
    }
    let missing = threads.iter().position(Option::is_none);
    if let Some(missing) = missing {
        return Err(Fault::whole(format!("it has no line of thread {missing}, though of later ones")));
    }
    Ok(threads.into_iter().flatten().collect())
}

fn numbers(at: usize, line: &str) -> Result<Vec<u64>, Fault> {
    let number = |word: &str| word.parse::<u64>().map_err(|_| Fault::at(at, word, "is no number of the histogram"));
    line.split_whitespace().map(number).collect()
}

fn time(at: usize, line: &str, value: u64, scale: Scale) -> Result<u64, Fault> {
    scale
        .time(&value.to_string())
        .ok_or_else(|| Fault::at(at, line, format!("has a time of {value} {scale}, more than a century")))
}
