//! `tailbed export`: a results folder in the form that another program wants, or as one archive to hand on.

mod archive;
mod percentiles;
mod rows;
mod zip;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use tailbed_format::packet::PacketRecord;
use tailbed_format::results;
use tailbed_format::summary::{CampaignSummary, RunSummary};
use tailbed_stats::hgrm::percentile_table;
use tailbed_stats::hlog::{NoLog, interval_log};
use tailbed_stats::tally::Tally;

use crate::compare::read_summary;
use crate::failure::Failure;
use crate::rebuild::imported;
use crate::results::campaign::write_new;
use crate::results::packets;

#[derive(Debug, Args)]
#[command(
    after_help = "Forms: `parquet` the packets of all runs that count in one file, with the run and its swept values in every row; `csv` a row for \
each run and percentile, with interval; `hlog` and `hgrm` a folder with HdrHistogram's log, or its percentile table, of each run that counts; \
`ro-crate-zip` the whole folder as one archive with metadata to cite it by (RO-Crate 1.1).\n\n\
Exit codes: 0 written; 1 a file cannot be read or written; 2 the command line is wrong, or the folder has nothing of the kind."
)]
pub(crate) struct ExportArguments {
    /// Results folder
    folder: PathBuf,
    /// In which form
    #[arg(long, value_enum)]
    format: Form,
    /// New file to write, for hlog and hgrm a new folder
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Of ro-crate-zip: who made the results
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Of ro-crate-zip: the address of the licence they are handed on under
    #[arg(long, value_name = "URL")]
    licence: Option<String>,
}

/// A form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The packets of all runs as one Parquet file
    Parquet,
    /// The percentiles of all runs as CSV
    Csv,
    /// HdrHistogram's log of each run
    Hlog,
    /// HdrHistogram's percentile table of each run
    Hgrm,
    /// Everything, with metadata to cite it by, as one archive
    RoCrateZip,
}

/// Writes the results in another form, and says what was written.
///
/// # Errors
/// [`Failure::File`] when the folder has nothing of the kind or the file exists already; [`Failure::Failed`] when reading or writing fails.
pub(crate) fn export(arguments: &ExportArguments) -> Result<(), Failure> {
    let (folder, out) = (&arguments.folder, &arguments.out);
    if out.exists() {
        return Err(Failure::File(format!(
            "error: {} exists already\n  = help: nothing is overwritten; name another --out",
            out.display()
        )));
    }
    let written = match arguments.format {
        Form::RoCrateZip => archive::write(folder, out, arguments.author.as_deref(), arguments.licence.as_deref())?,
        Form::Csv => {
            let summary = read_summary(folder)?;
            write_new(out, percentiles::csv(&summary).as_bytes())?;
            format!("{} runs", summary.runs.len())
        }
        Form::Parquet => rows::write(&with_packets(folder)?, folder, out)?,
        Form::Hlog | Form::Hgrm => one_each(folder, out, arguments.format)?,
    };
    crate::print(&format!("{written} written to {}\n", out.display()))
}

/// A summary of runs that were measured here.
fn with_packets(folder: &Path) -> Result<CampaignSummary, Failure> {
    if imported(folder)?.is_some() {
        return Err(Failure::File(format!(
            "error: {} holds results that were imported: there are no packets\n  = help: export it as csv, hgrm or ro-crate-zip",
            folder.display()
        )));
    }
    read_summary(folder)
}

/// The runs that count.
fn counting(summary: &CampaignSummary) -> impl Iterator<Item = &RunSummary> {
    summary.runs.iter().filter(|run| run.is_valid())
}

/// Where the packets of a run are; a folder that was handed on without them is told as such.
fn packets_of(folder: &Path, run: &RunSummary) -> Result<PathBuf, Failure> {
    let path = folder.join(results::RUNS).join(&run.run).join(results::PACKETS);
    if path.exists() {
        return Ok(path);
    }
    Err(Failure::File(format!(
        "error: {} is not there: the folder was handed on without its packets\n  = help: its percentiles can be exported as csv",
        path.display()
    )))
}

/// A log or a table of each run, in a new folder.
fn one_each(folder: &Path, out: &Path, form: Form) -> Result<String, Failure> {
    let imported = imported(folder)?;
    let mut files: Vec<(String, String)> = Vec::new();
    if let (Some(imported), Form::Hgrm) = (&imported, form) {
        for (number, cell) in imported.cells.iter().enumerate() {
            let latencies = tailbed_stats::import::summary::latencies(cell);
            if latencies.count() > 0 {
                files.push((format!("{number:04}.hgrm"), percentile_table(&latencies).map_err(anyhow::Error::from)?));
            }
        }
        if files.is_empty() {
            return Err(Failure::File(format!(
                "error: {} holds percentiles, not values: no HdrHistogram can be made of them\n  = help: export it as csv",
                folder.display()
            )));
        }
    } else {
        let summary = with_packets(folder)?;
        for run in counting(&summary) {
            let records = packets::read(&packets_of(folder, run)?)?;
            files.push(if form == Form::Hlog {
                (format!("{}.hlog", run.run), log_of(run, &records).map_err(anyhow::Error::from)?)
            } else {
                let latency = Tally::of(&records, &[]).latency;
                (format!("{}.hgrm", run.run), percentile_table(&latency).map_err(anyhow::Error::from)?)
            });
        }
    }
    std::fs::create_dir(out).with_context(|| format!("cannot make {}", out.display()))?;
    for (name, text) in &files {
        write_new(&out.join(name), text.as_bytes())?;
    }
    Ok(format!("{} files", files.len()))
}

/// HdrHistogram's log of a run.
///
/// # Errors
/// When a latency is beyond a century.
pub(crate) fn log_of(run: &RunSummary, records: &[PacketRecord]) -> Result<String, NoLog> {
    let origin = run.clock.as_ref().map_or(run.began as f64, |clock| clock.origin_realtime as f64 / 1e9);
    interval_log(records, origin, &format!("tailbed {}", crate::cli::version()))
}
