//! `tailbed import`: results of other programs, brought into a results folder.
//!
//! What the files say is read by [`tailbed_stats::import`]; which there are and what their names say is found in [`files`]; captures are
//! compared as `tailbed analyze` does ([`captures`]); the runs are put into cells by [`cells`].

mod captures;
mod cells;
mod files;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;
use tailbed_format::imported::Imported;
use tailbed_format::results;
use tailbed_stats::import::names::Pattern;
use tailbed_stats::import::{Format, Scale};
use tailbed_stats::ro_crate::About;

use crate::failure::Failure;
use crate::results::campaign::{json as pretty, make_folder, write_new};
use crate::results::metadata;

#[derive(Debug, Args)]
#[command(
    after_help = "Formats: `hgrm` HdrHistogram's percentile table; `percentiles` CSV of percentile (0 to 1) and value; `sockperf` its \
summary or --full-log; `cyclictest` its histogram (-h) or summary (-q); `histogram` CSV of bucket and count; `pcap-pairs` captures from before \
and after a device, two by two.\n\n\
Patterns: `rate{rate}-repeat{repeat}` is compared with the end of a file's name, its ending left out, and with as many folders as it has \
slashes. {key} stands for any word, {key:a|b} for one of these; {repeat} numbers the repeats, every other key is a parameter.\n\n\
Exit codes: 0 imported; 1 the folder cannot be written; 2 a file or the command line is wrong, nothing written."
)]
pub(crate) struct ImportArguments {
    /// Files to import; of a folder, all files below it
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What they were written by
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    format: Choice,
    /// What the results are called [default: the name of the first file's folder]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where they come from: a citation, an address, a machine
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// A parameter that all of them have; may be given again
    #[arg(long, value_name = "KEY=VALUE")]
    parameter: Vec<String>,
    /// What their names say, for example 'rate{rate}-repeat{repeat}'
    #[arg(long, value_name = "PATTERN")]
    parameters_from_name: Option<Pattern>,
    /// The unit of their values, where the files do not say or say it wrongly: ns, us, ms or s
    #[arg(long, value_name = "UNIT")]
    unit: Option<Scale>,
    /// Folder that the results' own folder is made in
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Print what was imported as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Which format files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// Seen from each file
    Auto,
    /// HdrHistogram's percentile table
    Hgrm,
    /// Percentiles as CSV
    Percentiles,
    /// sockperf's summary or full log
    Sockperf,
    /// cyclictest's histogram or summary
    Cyclictest,
    /// Buckets and counts as CSV
    Histogram,
    /// Captures from before and after a device
    PcapPairs,
}

impl Choice {
    fn format(self) -> Option<Format> {
        Format::ALL.into_iter().find(|format| match self {
            Self::Hgrm => *format == Format::Hgrm,
            Self::Percentiles => *format == Format::Percentiles,
            Self::Sockperf => *format == Format::Sockperf,
            Self::Cyclictest => *format == Format::Cyclictest,
            Self::Histogram => *format == Format::Histogram,
            Self::Auto | Self::PcapPairs => false,
        })
    }
}

/// Imports, and says where the results are.
///
/// # Errors
/// [`Failure::File`] when a file or an option cannot be, before anything is written; [`Failure::Failed`] when the folder cannot be written.
pub(crate) fn import(arguments: &ImportArguments) -> Result<(), Failure> {
    let name = name(arguments)?;
    let given: Result<Vec<_>, String> =
        arguments.parameter.iter().map(|text| crate::factors::parameter("parameter", text)).collect();
    let given = given.map_err(|said| Failure::File(format!("error: {said}")))?;
    let found = files::find(&arguments.files, arguments.parameters_from_name.as_ref())?;
    found.passed_over.iter().for_each(|note| eprintln!("note: {note}"));
    let gathered = cells::gather(&found.files, arguments, &given)?;
    gathered.left_out.iter().for_each(|left_out| eprintln!("note: {} is left out: {}", left_out.file, left_out.reason));
    let imported = Imported {
        version: Imported::VERSION,
        name: name.clone(),
        source: arguments.source.clone(),
        cells: gathered.cells,
        left_out: gathered.left_out,
    };
    let folder = make_folder(&arguments.out, &name, crate::run::now())?;
    write_new(&folder.join(results::IMPORTED), &pretty(&imported)?)?;
    let about = About::of_imported(&name, arguments.source.as_deref(), crate::run::now(), crate::cli::version());
    metadata::write(&folder, &about, None)?;
    let (cells, runs) = (imported.cells.len(), imported.cells.iter().map(|cell| cell.runs.len()).sum::<usize>());
    if arguments.json {
        let all = json!({ "results": folder, "imported": imported });
        return crate::print(&format!("{}\n", serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)?));
    }
    let s = |number: usize| if number == 1 { "" } else { "s" };
    crate::print(&format!("{runs} run{} in {cells} cell{}; results in {}\n", s(runs), s(cells), folder.display()))
}

/// What the results are called: a word that can be a folder's name.
fn name(arguments: &ImportArguments) -> Result<String, Failure> {
    let first = arguments.files.first().and_then(|file| {
        let file = file.canonicalize().ok()?;
        let folder = if file.is_dir() { Some(file.as_path()) } else { file.parent() };
        Some(folder?.file_name()?.to_string_lossy().into_owned())
    });
    let name = arguments.name.clone().or(first).unwrap_or_else(|| "imported".to_owned());
    let fits = |sign: char| sign.is_alphanumeric() || matches!(sign, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
        return Err(Failure::File(format!(
            "error: `{name}` cannot name a results folder\n  = help: give --name of letters, digits, `-`, `_` and `.`"
        )));
    }
    Ok(name)
}
