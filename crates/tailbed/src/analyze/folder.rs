//! The results folder of an analysis: made once, never overwritten.
//!
//! ```text
//! l2fwd-analysis/
//!   hist.csv jitterpre.csv jitterpost.csv     histograms of latency and gaps in buckets of 100 ns
//!   percentiles.csv transferrate.csv rates.csv
//!   worst.csv                                 the worst packets, longest latency first
//!   latency.hgrm                              HdrHistogram percentile table
//!   summary.json report.html plots/
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tailbed_format::results;
use tailbed_stats::analysis::{Analysis, BUCKET, csv};
use tailbed_stats::hgrm::percentile_table;
use tailbed_stats::plot::worst::WorstPoint;
use tailbed_stats::report::analysis::{AnalysisInput, analysis_html, analysis_plots};

use super::summary::Summary;
use crate::failure::Failure;
use crate::results::campaign::{json, write_new, write_plots};

/// Endings that are not part of a capture's own name.
const ENDINGS: [&str; 7] = [".zst", ".gz", ".pcapng", ".pcap", ".cap", ".pre", "-pre"];

/// The folder asked for, or one named after the capture before the device, with a number if that is taken.
///
/// # Errors
/// When the folder asked for exists.
pub(super) fn choose(asked: Option<&Path>, pre: &Path) -> Result<PathBuf, Failure> {
    if let Some(asked) = asked {
        let taken = fs::symlink_metadata(asked).is_ok();
        let complaint = || Failure::File(format!("{} exists already; give a new folder with --out", asked.display()));
        return if taken { Err(complaint()) } else { Ok(asked.to_owned()) };
    }
    let name = default_name(pre);
    let numbered = (2..).map(|number: u32| format!("{name}-{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).map(PathBuf::from).find(|path| fs::symlink_metadata(path).is_err());
    Ok(free.unwrap_or_else(|| name.into()))
}

fn default_name(pre: &Path) -> String {
    let name = pre.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut stem = name.as_str();
    for ending in ENDINGS {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    let stem = if pre == Path::new("-") || stem.is_empty() { "capture" } else { stem };
    format!("{stem}-analysis")
}

/// Makes the folder and writes everything into it.
///
/// # Errors
/// When the folder cannot be made or a file cannot be written.
pub(super) fn write(out: &Path, analysis: &Analysis, summary: &Summary, command: &str) -> anyhow::Result<()> {
    make(out)?;
    let file = |name: &str, text: &str| write_new(&out.join(name), text.as_bytes());
    file("hist.csv", &csv::latency_histogram(&analysis.latency))?;
    file("jitterpre.csv", &csv::gaps(&analysis.pre))?;
    file("jitterpost.csv", &csv::gaps(&analysis.post))?;
    file("percentiles.csv", &csv::percentiles(&analysis.latency))?;
    file("transferrate.csv", &csv::transfer_rate(analysis))?;
    file("rates.csv", &csv::rates(&analysis.pre, &analysis.post))?;
    file("worst.csv", &csv::worst(&analysis.worst, usize::MAX))?;
    file(results::HGRM, &percentile_table(&analysis.latency)?)?;
    write_report(out, analysis, summary, command)?;
    write_new(&out.join(results::SUMMARY), &json(summary)?)
}

fn make(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

fn write_report(out: &Path, analysis: &Analysis, summary: &Summary, command: &str) -> anyhow::Result<()> {
    let (pre, post) = (&analysis.pre, &analysis.post);
    let origin = pre.first.unwrap_or(0);
    let first_second = [pre, post].iter().filter_map(|side| side.seconds().first()).map(|second| second.0).min().unwrap_or(0);
    let rates =
        |seconds: &[(u64, u64)]| seconds.iter().map(|&(second, count)| (second - first_second, count)).collect::<Vec<_>>();
    let point = |worst: &tailbed_stats::analysis::Worst| WorstPoint {
        at: i64::try_from(worst.pre.saturating_sub(origin)).unwrap_or(i64::MAX),
        latency: worst.latency,
    };
    let input = AnalysisInput {
        before: &summary.pre,
        after: &summary.post,
        settings: &summary.settings(),
        counts: &summary.counts(),
        latency: &summary.latency,
        latencies: &analysis.latency.iter().collect::<Vec<_>>(),
        gaps_before: &pre.gaps(),
        gaps_after: &post.gaps(),
        bucket: BUCKET,
        rates_before: &rates(pre.seconds()),
        rates_after: &rates(post.seconds()),
        rate_interval: 1_000_000_000,
        worst: &analysis.worst.iter().map(point).collect::<Vec<_>>(),
        notes: &summary.notes,
        command,
        tool_version: env!("CARGO_PKG_VERSION"),
        tool_commit: option_env!("TAILBED_COMMIT"),
    };
    write_plots(out, &analysis_plots(&input))?;
    write_new(&out.join(results::REPORT), analysis_html(&input).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_after_the_capture() {
        for (pre, name) in [
            ("data/l2fwd-host.pre.pcap.zst", "l2fwd-host-analysis"),
            ("a.pcapng", "a-analysis"),
            ("run7-pre.pcap.gz", "run7-analysis"),
            ("-", "capture-analysis"),
            (".pcap", "capture-analysis"),
        ] {
            assert_eq!(default_name(Path::new(pre)), name);
        }
    }

    #[test]
    fn a_folder_that_exists_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = choose(Some(folder.path()), Path::new("pre.pcap")).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("exists already"), "{error}");
        assert!(choose(Some(&folder.path().join("new")), Path::new("pre.pcap")).is_ok());
    }
}
