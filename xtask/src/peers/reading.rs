//! Reading captures, beside `tcpdump -r`: it prints one capture as text, we match two and count.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;

use super::{Gate, median, print_ratio, shell, tailbed};

const CAPTURES: &str = "../shared/data/captures";
const PACKETS: f64 = 300_000.0;

pub(super) fn compare(turns: usize) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("tailbed-peers-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let compared = compare_in(&folder, turns);
    fs::remove_dir_all(&folder).ok();
    compared
}

fn compare_in(folder: &Path, turns: usize) -> anyhow::Result<()> {
    let pre = Path::new(CAPTURES).join("l2fwd-host.pre.pcap.zst");
    if !pre.exists() {
        println!("skipped: {} is not there", pre.display());
        return Ok(());
    }
    let folder = folder.display();
    for side in ["pre", "post"] {
        shell(&format!("zstd --quiet --decompress {CAPTURES}/l2fwd-host.{side}.pcap.zst -o {folder}/{side}.pcap"))
            .context("zstd is needed to unpack the captures for tcpdump")?;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        let analyze = format!("{} analyze {folder}/pre.pcap {folder}/post.pcap --out {folder}/results-{turn}", tailbed());
        ours.push(nanoseconds(&analyze)? / (2.0 * PACKETS));
        theirs.push(nanoseconds(&format!("tcpdump -nn -r {folder}/pre.pcap"))? / PACKETS);
    }
    println!("reading a packet (ours: match, count, plots and report of two captures; tcpdump -r: one capture to text)");
    print_ratio("per packet", "ns", median(ours), median(theirs), Gate::AtMost(1.0 / 15.0));
    Ok(())
}

fn nanoseconds(line: &str) -> anyhow::Result<f64> {
    let began = Instant::now();
    shell(&format!("{line} > /dev/null"))?;
    Ok(began.elapsed().as_secs_f64() * 1e9)
}
