//! What fuzzing runs: arbitrary bytes in, an error when something that always holds does not. Beside cargo-fuzz (`fuzz/`) a test runs these
//! over the kept corpus and over mutations of it.

use std::io::{self, Read};

use crate::capture::{Batch, Reader};
use crate::import::{self, Format, Read as Distribution, Scale};
use crate::proof::counters::{Counters, steal};
use crate::proof::task::Scanned;
use crate::proof::{csv, group};

/// Packets with their times, and how the capture ended.
type Seen = (Vec<(u64, Vec<u8>)>, Result<(), String>);

/// A capture: every packet lies within its batch, times do not run backwards, and however its bytes come in, the same is read.
///
/// # Errors
/// What does not hold.
pub fn capture(bytes: &[u8]) -> Result<(), String> {
    let whole = packets(bytes)?;
    let piecemeal = packets(Piecemeal { rest: bytes, turn: 0 })?;
    if whole != piecemeal {
        return Err(format!("read at once: {whole:?}; read in pieces: {piecemeal:?}"));
    }
    Ok(())
}

fn packets(source: impl Read) -> Result<Seen, String> {
    let mut reader = Reader::new(source, "fuzz");
    let (mut batch, mut seen, mut last) = (Batch::default(), Vec::new(), 0);
    let end = loop {
        match reader.next(&mut batch) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error.to_string()),
        }
        for packet in batch.packets() {
            if packet.time < last || packet.captured > packet.original {
                return Err(format!("{packet:?} after {last}"));
            }
            last = packet.time;
            seen.push((packet.time, batch.frame(packet).to_vec()));
        }
    };
    if reader.packets() != seen.len() as u64 && end.is_ok() {
        return Err(format!("{} packets are counted, {} were given out", reader.packets(), seen.len()));
    }
    Ok((seen, end))
}

/// Two texts of /proc, one after the other with a zero byte in between: each is read as whatever it may be, nothing
/// is said to have come that has not, and a text is the same whatever was read before it.
///
/// # Errors
/// What does not hold.
pub fn proc(bytes: &[u8]) -> Result<(), String> {
    let mut texts = bytes.splitn(2, |byte| *byte == 0).map(String::from_utf8_lossy);
    let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
    let before = Counters::parse(&first, None);
    let after = Counters::parse(&second, Some(&before));
    if let Some(came) = after.since(&before).iter().find(|came| came.count == 0) {
        return Err(format!("{came:?}"));
    }
    let again = Counters::parse(&second, Some(&after));
    if again != after {
        return Err(format!("{again:?} is not {after:?}"));
    }
    steal(&first);
    group::candidates(&first);
    group::throttled(&second);
    Scanned::parse(&first, &second);
    csv::read_foreign_tasks(&first);
    match csv::read_interrupts(&second) {
        Some(points) if csv::read_interrupts(&csv::interrupts(&points)) != Some(points.clone()) => Err(format!("{points:?}")),
        _ => Ok(()),
    }
}

/// Another program's results, read as each of the formats: what is read ascends, adds up, and stays where it may be.
///
/// # Errors
/// What does not hold.
pub fn results(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    Format::of(&text);
    for format in Format::ALL {
        for scale in [None, Some(Scale::SECOND)] {
            let found = import::read(&text, format, scale);
            found.iter().flatten().try_for_each(|read| sound(read).map_err(|fault| format!("{}: {fault}", format.name())))?;
            if found.is_ok_and(|reads| reads.is_empty()) {
                return Err(format!("{} holds nothing, and no fault either", format.name()));
            }
        }
    }
    Ok(())
}

/// What holds of every distribution that is read.
fn sound(read: &Distribution) -> Result<(), String> {
    let ascends = read.percentiles.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1);
    let shares = read.percentiles.iter().all(|(share, _)| (0.0..=1.0).contains(share));
    let counts = read.counts.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let sum: u64 = read.counts.iter().map(|(_, times)| times).sum();
    let whole = read.counts.is_empty() || read.count == Some(sum);
    let between = read.minimum.zip(read.maximum).is_none_or(|(least, greatest)| least <= greatest);
    if ascends && shares && counts && whole && between { Ok(()) } else { Err(format!("{read:?}")) }
}

/// Gives out a few bytes at a time, and is interrupted in between.
struct Piecemeal<'a> {
    rest: &'a [u8],
    turn: usize,
}

impl Read for Piecemeal<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = (1 + self.turn % 13).min(buffer.len());
        self.rest.read(&mut buffer[..length])
    }
}
