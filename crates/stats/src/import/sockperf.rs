//! sockperf's output: the summary of a client with its percentiles, or the log of every message that `--full-log` writes; both in µs.
//!
//! sockperf gives half of the round trip unless it is told `--full-rtt`. Which of both is said in the note.

use tailbed_format::summary::Parameter;

use super::{Fault, Read, Scale, lines};
use crate::counter::Counter;

/// What each line of the program begins with.
const MARK: &str = "sockperf:";

/// What a client says that had no answer after its warm-up.
const NOTHING: &str = "No valid observations found";

const ROUND_TRIP: &str = "whole round trips";
const HALF: &str = "half of each round trip, as sockperf gives it without --full-rtt";

pub(super) fn is_like(text: &str) -> bool {
    lines(text).take(200).any(|(_, line)| line.contains(MARK) || is_log_header(line))
}

fn is_log_header(line: &str) -> bool {
    line.starts_with("packet,") && line.contains("txTime") && line.contains("rxTime")
}

/// Reads a summary, one distribution for each server, or a log.
///
/// # Errors
/// A line that is none of either, a summary without percentiles; [`Fault::is_empty`] when no message came back.
pub fn read(text: &str, scale: Option<Scale>) -> Result<Vec<Read>, Fault> {
    if lines(text).any(|(_, line)| is_log_header(line)) {
        return log(text, scale.unwrap_or(Scale::MICRO)).map(|read| vec![read]);
    }
    summary(text, scale.unwrap_or(Scale::MICRO))
}

/// `sockperf: ---> percentile 99.999 =  123.456`, without the colours that terminals get.
fn plain(line: &str) -> Option<String> {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        // ECMA-48, 5.4: a control sequence ends with a byte from 64 to 126
        let end = rest.char_indices().skip(1).find(|(_, sign)| matches!(sign, '@'..='~'));
        rest = end.map_or("", |(at, sign)| &rest[at + sign.len_utf8()..]);
    }
    plain.push_str(rest);
    plain.find(MARK).map(|at| plain[at + MARK.len()..].trim().to_owned())
}

fn summary(text: &str, scale: Scale) -> Result<Vec<Read>, Fault> {
    let mut servers: Vec<Read> = Vec::new();
    let mut number = "0".to_owned();
    for (at, line) in lines(text) {
        let Some(line) = plain(line) else { continue };
        if let Some(named) = line.split("statistics for Server No:").nth(1) {
            named.trim().clone_into(&mut number);
        } else if let Some(said) = line.strip_prefix("Summary:") {
            let note = if said.contains("Round trip") { ROUND_TRIP } else { HALF };
            let server = Parameter { key: "server".to_owned(), value: number.clone() };
            servers.push(Read { parameters: vec![server], note: Some(note.to_owned()), ..Read::default() });
        } else if let Some(read) = servers.last_mut() {
            observation(at, &line, scale, read)?;
        }
    }
    if servers.is_empty() && lines(text).any(|(_, line)| line.contains(NOTHING)) {
        return Err(Fault::empty("no message came back in the time that counts"));
    }
    if servers.is_empty() {
        return Err(Fault::whole(
            "it has no `Summary:` line: is it the output of a client that came to its end, such as of sockperf ping-pong?",
        ));
    }
    for read in &mut servers {
        if read.count == Some(0) {
            return Err(Fault::empty("no message came back"));
        }
        if read.percentiles.is_empty() {
            return Err(Fault::whole(
                "its summary has no percentiles; sockperf throughput has none, ping-pong and under-load have",
            ));
        }
        read.percentiles.reverse();
        read.percentiles.extend(read.maximum.map(|maximum| (1.0, maximum)));
        let ascends = read.percentiles.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1);
        if !ascends || read.minimum > read.percentiles.first().map(|(_, value)| *value) {
            return Err(Fault::whole("its percentiles do not descend from the maximum to the minimum as sockperf writes them"));
        }
    }
    if let [read] = servers.as_mut_slice() {
        read.parameters.clear();
    }
    Ok(servers)
}

fn observation(at: usize, line: &str, scale: Scale, read: &mut Read) -> Result<(), Fault> {
    if let Some(total) = line.strip_prefix("Total").and_then(|rest| rest.split_once("observations")) {
        let count = total.0.trim();
        read.count = Some(count.parse().map_err(|_| Fault::at(at, count, "is no number of observations"))?);
        return Ok(());
    }
    let Some((what, value)) = line.strip_prefix("--->").and_then(|rest| rest.split_once('=')) else { return Ok(()) };
    let value = scale.time(value).ok_or_else(|| Fault::at(at, value.trim(), format!("is no time in {scale}")))?;
    match what.trim() {
        "<MAX> observation" => read.maximum = Some(value),
        "<MIN> observation" => read.minimum = Some(value),
        other => {
            let percent = other.strip_prefix("percentile").map(str::trim).and_then(|text| text.parse::<f64>().ok());
            let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
            let percent = percent.ok_or_else(|| Fault::at(at, line, "is no percentile from 0 to 100"))?;
            read.percentiles.push((share(percent), value));
        }
    }
    Ok(())
}

/// A percentage with at most three decimals as a share, the nearest float to the decimal fraction: 99.999 is 0.99999.
fn share(percent: f64) -> f64 {
    (percent * 1_000.0).round() / 100_000.0
}

/// After the header, a line for each message: its number, when it left and when its answer came, and what that took.
fn log(text: &str, scale: Scale) -> Result<Read, Fault> {
    let mut counter = Counter::new();
    let mut rows = lines(text).skip_while(|(_, line)| !is_log_header(line));
    let header = rows.next().map_or("", |(_, line)| line);
    let note = if header.contains("rtt(") { ROUND_TRIP } else { HALF };
    let columns = header.split(',').count();
    for (at, line) in rows {
        if line.is_empty() || line.starts_with('-') {
            continue;
        }
        let took = line.rsplit(',').next().filter(|_| line.split(',').count() == columns).and_then(|took| scale.time(took));
        counter.record(took.ok_or_else(|| Fault::at(at, line, format!("is no line of the log: {header}")))?);
    }
    if counter.count() == 0 {
        return Err(Fault::empty("it lists no message"));
    }
    Ok(Read { note: Some(note.to_owned()), ..Read::of_counter(&counter) })
}
