//! Files read, and their runs put into cells by their parameters.

use std::fmt::Write as _;
use std::fs;

use sha2::{Digest, Sha256};
use tailbed_format::imported::{ImportedCell, ImportedRun, LeftOut};
use tailbed_format::summary::Parameter;
use tailbed_stats::import::names::REPEAT;
use tailbed_stats::import::{Format, Read, read};

use super::files::File;
use super::{Choice, ImportArguments, captures};
use crate::failure::Failure;

/// What all files amount to.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// One for each combination of parameters, in the order of their first file.
    pub(super) cells: Vec<ImportedCell>,
    /// Files without a value.
    pub(super) left_out: Vec<LeftOut>,
}

/// A file, with the runs it holds and what of it tells them apart.
pub(super) type Held<'a> = (&'a File, Vec<(Vec<Parameter>, ImportedRun)>);

/// Reads all files.
///
/// # Errors
/// [`Failure::File`] with the file, the line and what would do; also when no file has a value, or two are the same repeat.
pub(super) fn gather(files: &[File], arguments: &ImportArguments, given: &[Parameter]) -> Result<Gathered, Failure> {
    let mut gathered = Gathered::default();
    let mut repeats: Vec<(usize, String, String)> = Vec::new();
    for (file, runs) in read_all(files, arguments, &mut gathered.left_out)? {
        for (of_file, run) in runs {
            let parameters: Vec<Parameter> = given.iter().cloned().chain(file.named.parameters.clone()).chain(of_file).collect();
            let twice = parameters
                .iter()
                .enumerate()
                .find(|(at, parameter)| parameters[..*at].iter().any(|one| one.key == parameter.key));
            if let Some((_, parameter)) = twice {
                return Err(wrong(file, &format!("its parameter `{}` is given twice: name it once", parameter.key)));
            }
            let at = gathered.cells.iter().position(|cell| cell.parameters == parameters).unwrap_or_else(|| {
                gathered.cells.push(ImportedCell { parameters, runs: Vec::new() });
                gathered.cells.len() - 1
            });
            if let Some(repeat) = &file.named.repeat {
                if let Some((.., other)) = repeats.iter().find(|(cell, number, _)| *cell == at && number == repeat) {
                    return Err(wrong(file, &format!("it is {REPEAT} {repeat} of the same parameters as {other}")));
                }
                repeats.push((at, repeat.clone(), file.shown.clone()));
            }
            gathered.cells[at].runs.push(run);
        }
    }
    if gathered.cells.is_empty() {
        return Err(Failure::File("error: no file holds a value".to_owned()));
    }
    Ok(gathered)
}

fn wrong(file: &File, what: &str) -> Failure {
    Failure::File(format!("error: {}: {what}", file.path.display()))
}

fn read_all<'a>(files: &'a [File], arguments: &ImportArguments, left_out: &mut Vec<LeftOut>) -> Result<Vec<Held<'a>>, Failure> {
    let are_captures = match arguments.format {
        Choice::Auto => files.iter().all(|file| captures::is_capture(&file.path)),
        choice => choice == Choice::PcapPairs,
    };
    if are_captures {
        return captures::read_pairs(files);
    }
    let mut held = Vec::new();
    for file in files {
        let bytes = fs::read(&file.path).map_err(|error| wrong(file, &format!("cannot be read: {error}")))?;
        let sha256 = hexadecimal(&bytes);
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            wrong(file, &format!("byte {at} is of no text\n  = help: captures are imported two by two, with --format pcap-pairs"))
        })?;
        let format = arguments.format.format().or_else(|| Format::of(&text)).ok_or_else(|| {
            let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
            wrong(file, &format!("it looks like nothing that is known\n  = help: name its --format: {}", names.join(", ")))
        })?;
        match read(&text, format, arguments.unit) {
            Ok(reads) => {
                let run = |read: Read| (read.parameters.clone(), imported(file, format.name(), read, Some(sha256.clone())));
                held.push((file, reads.into_iter().map(run).collect()));
            }
            Err(fault) if fault.is_empty() => left_out.push(LeftOut { file: file.shown.clone(), reason: fault.to_string() }),
            Err(fault) => return Err(wrong(file, &fault.to_string())),
        }
    }
    Ok(held)
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // writing to a String cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A distribution as it is kept.
pub(super) fn imported(file: &File, format: &str, read: Read, sha256: Option<String>) -> ImportedRun {
    ImportedRun {
        file: file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        format: format.to_owned(),
        count: read.count,
        minimum: read.minimum,
        maximum: read.maximum,
        percentiles: read.percentiles,
        counts: read.counts,
        note: read.note,
        sha256,
    }
}
