//! Both captures brought to the matcher: each unpacked, parsed and digested on a thread of its own where there is more than one
//! core, all on this thread where there is not.

use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use tailbed_stats::analysis::{self, Analysis, Keyed, Options, Side};
use tailbed_stats::capture::{Error, Fault, Reader};

use super::known::Known;
use super::open::{Opened, unpacked};
use super::progress::Progress;

/// Batches of 64 KiB that may wait for the matcher on each side: enough that a short break of one does not stop the other.
const WAITING: usize = 16;

/// Compares two opened captures.
///
/// # Errors
/// When one is damaged or cannot be unpacked.
pub(super) fn analyse(
    pre: Opened,
    post: Opened,
    known: &Known,
    options: &Options,
    progress: &Progress,
    strict: Strictness,
) -> Result<Analysis, Error> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (pre, post) = (reader(pre, progress)?, reader(post, progress)?);
    let with = With { known, options, strict };
    if cores > 1 { on_threads(pre, post, with) } else { on_this_thread(pre, post, with) }
}

/// Whether captures without any packet that can be known again are a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// They are: the key is wrong.
    Strict,
    /// They are not: nothing passed.
    Lenient,
}

/// How captures are compared.
#[derive(Clone, Copy)]
struct With<'a> {
    known: &'a Known,
    options: &'a Options,
    strict: Strictness,
}

impl With<'_> {
    fn compare(self, pre: &mut impl Side, post: &mut impl Side) -> Result<Analysis, Error> {
        match self.strict {
            Strictness::Strict => analysis::analyse(pre, post, self.options),
            Strictness::Lenient => analysis::compare(pre, post, self.options),
        }
    }
}

type PlainReader<'a> = Reader<Box<dyn Read + Send + 'a>>;

fn reader(opened: Opened, progress: &Progress) -> Result<PlainReader<'_>, Error> {
    let Opened { name, packed, .. } = opened;
    match unpacked(progress.watch(packed)) {
        Ok(plain) => Ok(Reader::new(plain, name)),
        Err(error) => Err(Error { name, packet: None, offset: 0, fault: Fault::Unreadable(error) }),
    }
}

fn on_this_thread(pre: PlainReader<'_>, post: PlainReader<'_>, with: With<'_>) -> Result<Analysis, Error> {
    let side = |reader| Here { reader, known: with.known };
    with.compare(&mut side(pre), &mut side(post))
}

/// A side that is read when its packets are asked for.
struct Here<'a> {
    reader: PlainReader<'a>,
    known: &'a Known,
}

impl Side for Here<'_> {
    fn name(&self) -> &str {
        self.reader.name()
    }

    fn next(&mut self, mut spent: Keyed) -> Result<Option<Keyed>, Error> {
        Ok(self.known.read(&mut spent, &mut self.reader)?.then_some(spent))
    }
}

fn on_threads(pre: PlainReader<'_>, post: PlainReader<'_>, with: With<'_>) -> Result<Analysis, Error> {
    let (mut pre, read_pre) = fed(pre, with.known);
    let (mut post, read_post) = fed(post, with.known);
    thread::scope(move |scope| {
        scope.spawn(read_pre);
        scope.spawn(read_post);
        // Both sides are dropped here, before the scope waits for its threads: one that still has a batch to hand over then ends.
        with.compare(&mut pre, &mut post)
    })
}

/// A side fed by another thread.
struct Fed {
    name: String,
    full: Receiver<Result<Keyed, Error>>,
    /// Batches go back, to be filled again.
    empty: Sender<Keyed>,
}

impl Side for Fed {
    fn name(&self) -> &str {
        &self.name
    }

    fn next(&mut self, spent: Keyed) -> Result<Option<Keyed>, Error> {
        // The reading thread has ended when it cannot be given back.
        let _ = self.empty.send(spent);
        self.full.recv().ok().transpose()
    }
}

/// A side, and what the thread that feeds it has to do.
fn fed<'a>(reader: PlainReader<'a>, known: &'a Known) -> (Fed, impl FnOnce() + Send + 'a) {
    let (full_sender, full) = sync_channel(WAITING);
    let (empty, empty_receiver) = channel();
    let name = reader.name().to_owned();
    (Fed { name, full, empty }, move || read(reader, known, &full_sender, &empty_receiver))
}

/// Reads to the end, to the first fault, or until nobody wants more.
fn read(mut reader: PlainReader<'_>, known: &Known, full: &SyncSender<Result<Keyed, Error>>, empty: &Receiver<Keyed>) {
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        let read = match known.read(&mut batch, &mut reader) {
            Ok(true) => Ok(batch),
            Ok(false) => return,
            Err(error) => Err(error),
        };
        let last = read.is_err();
        if full.send(read).is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A capture of packets of 64 bytes that differ in their number, every microsecond, `late` ns later than the other.
    fn capture(packets: u32, late: u32) -> Vec<u8> {
        let mut file = Vec::new();
        let mut words = |words: &[u32]| words.iter().for_each(|word| file.extend_from_slice(&word.to_le_bytes()));
        words(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, 1500, 1]);
        for number in 0..packets {
            words(&[7, number * 1_000 + late, 64, 64]);
            words(&[0; 11]);
            words(&[number, 0, 0, 0, 0]);
        }
        file
    }

    fn opened(name: &str, bytes: Vec<u8>) -> Opened {
        Opened { name: name.to_owned(), packed: Box::new(std::io::Cursor::new(bytes)), length: None }
    }

    fn both(pre: &[u8], post: &[u8]) -> [Result<Analysis, Error>; 2] {
        let (options, progress) = (Options::default(), Progress::new(None));
        let pair = || {
            let pre = reader(opened("pre", pre.to_vec()), &progress).unwrap();
            (pre, reader(opened("post", post.to_vec()), &progress).unwrap())
        };
        let with = With { known: &Known::default(), options: &options, strict: Strictness::Strict };
        let (pre, post) = pair();
        let alone = on_this_thread(pre, post, with);
        let (pre, post) = pair();
        [alone, on_threads(pre, post, with)]
    }

    #[test]
    fn threads_change_nothing() {
        for analysis in both(&capture(100_000, 0), &zstd::encode_all(capture(99_000, 3_000).as_slice(), 1).unwrap()) {
            let analysis = analysis.unwrap();
            assert_eq!(analysis.latency.iter().collect::<Vec<_>>(), [(3_000, 99_000)]);
            assert_eq!(analysis.lost, 1_000);
        }
    }

    #[test]
    fn damage_on_one_side_ends_both() {
        let mut damaged = capture(50_000, 3_000);
        damaged.truncate(24 + 80 * 20_000 + 5);
        for analysis in both(&capture(100_000, 0), &damaged) {
            let error = analysis.unwrap_err();
            assert_eq!((error.name.as_str(), error.packet), ("post", Some(20_001)));
        }
    }
}
