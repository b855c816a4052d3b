//! Pairs of captures, compared as `tailbed analyze` does with its usual key and window.

use std::fs::File as Opened;
use std::io::Read as _;
use std::path::Path;

use tailbed_stats::analysis::Options;
use tailbed_stats::import::Read;

use super::cells::{Held, imported};
use super::files::File;
use crate::analyze::{Known, compare_files};
use crate::failure::Failure;

/// What captures, plain or compressed, begin with: pcap in both orders of bytes with microseconds and nanoseconds, pcapng, zstd, gzip.
const BEGINNINGS: [&[u8]; 7] = [
    &[0xd4, 0xc3, 0xb2, 0xa1],
    &[0xa1, 0xb2, 0xc3, 0xd4],
    &[0x4d, 0x3c, 0xb2, 0xa1],
    &[0xa1, 0xb2, 0x3c, 0x4d],
    &[0x0a, 0x0d, 0x0d, 0x0a],
    &[0x28, 0xb5, 0x2f, 0xfd],
    &[0x1f, 0x8b],
];

/// Whether a file looks like a capture; one that cannot be read does not.
pub(super) fn is_capture(path: &Path) -> bool {
    let mut first = [0; 4];
    let read = Opened::open(path).and_then(|mut file| file.read(&mut first));
    read.is_ok_and(|length| BEGINNINGS.iter().any(|beginning| first[..length].starts_with(beginning)))
}

/// Runs of two files each: the first from before the device, the second from after it; the first one's name says what the run is.
///
/// # Errors
/// [`Failure::File`] when one is left over, cannot be read or is damaged, or no packet is in both.
pub(super) fn read_pairs(files: &[File]) -> Result<Vec<Held<'_>>, Failure> {
    let (pairs, rest) = files.as_chunks::<2>();
    if let [alone] = rest {
        return Err(Failure::File(format!(
            "error: {} has no partner: captures are imported two by two, each from before the device and then from after it",
            alone.path.display()
        )));
    }
    let mut runs = Vec::new();
    for [pre, post] in pairs {
        let analysis = compare_files(&pre.path, &post.path, &Known::default(), &Options::default())
            .map_err(|error| Failure::File(format!("error: {error:#}")))?;
        if analysis.latency.count() == 0 {
            return Err(Failure::File(format!(
                "error: no packet is in both {} and {}\n  = help: `tailbed analyze` with --key knows packets by other bytes, and the \
                 histogram it writes can be imported",
                pre.path.display(),
                post.path.display()
            )));
        }
        let note = format!(
            "from before the device to after it, in {} and {}; {} packets were lost",
            pre.shown, post.shown, analysis.lost
        );
        let read = Read { note: Some(note), ..Read::of_counter(&analysis.latency) };
        runs.push((pre, vec![(Vec::new(), imported(pre, "pcap-pairs", read, None))]));
    }
    Ok(runs)
}
