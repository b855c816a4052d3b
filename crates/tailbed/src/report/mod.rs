//! `tailbed report`: the report of results folders, made again from their records; of several side by side, results of others among them.

mod side;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use tailbed_format::results;
use tailbed_stats::plot::theme::Ground;
use tailbed_stats::report::NamedFigure;
use tailbed_stats::report::several::{SideInput, several_html, several_plots};

use crate::failure::Failure;
use crate::print;
use crate::results::campaign::{write_derived, write_new, write_plots};
use side::Side;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is reported; 1 something of a folder is missing or damaged, which is told, and the rest is \
reported; 2 the command line is wrong, or a folder holds no results, nothing written."
)]
pub(crate) struct ReportArguments {
    /// Results folders that `tailbed run` or `tailbed import` made; of several, the later ones are compared with the first
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// New file to write it to, of png a new folder [default: standard output; of html of one folder, its own report.html and plots/]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page that needs nothing else
    Html,
    /// The headline and the tables as Markdown
    Md,
    /// Every figure as a row of comma-separated values: campaign, swept keys, percentile, value, interval, number of values
    Csv,
    /// The plots as images, in a new folder
    Png,
    /// The tables for LaTeX, with booktabs
    LatexTable,
}

/// Reads, writes, and says what could not be read.
pub(crate) fn report(arguments: &ReportArguments) -> Result<(), Failure> {
    let several = arguments.folders.len() > 1;
    if several && arguments.format == Format::Html && arguments.out.is_none() {
        return Err(Failure::File(
            "error: the page of several folders belongs to none of them\n  = help: say where to write it: --out report.html"
                .to_owned(),
        ));
    }
    if arguments.format == Format::Png && arguments.out.is_none() {
        let why = "error: images need a folder to lie in\n  = help: name a new one: --out images";
        return Err(Failure::File(why.to_owned()));
    }
    if let Some(out) = arguments.out.as_deref().filter(|out| out.exists()) {
        return Err(Failure::File(format!("error: {} exists already\n  = help: name a new file", out.display())));
    }
    let sides = sides(&arguments.folders)?;
    let faults: Vec<String> = sides.iter().flat_map(|side| side.faults(several)).collect();
    match arguments.format {
        Format::Html => page(arguments, &sides, &faults)?,
        Format::Png => images(arguments, &sides)?,
        Format::Md => written(arguments.out.as_deref(), &text::markdown(&sides, several))?,
        Format::Csv => written(arguments.out.as_deref(), &text::csv(&sides))?,
        Format::LatexTable => written(arguments.out.as_deref(), &text::latex(&sides))?,
    }
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        eprintln!("warning: {fault}");
    }
    let count = if faults.len() == 1 { "one thing is".to_owned() } else { format!("{} things are", faults.len()) };
    Err(anyhow::anyhow!("{count} missing or damaged (see above); the rest is reported").into())
}

/// Reads every folder; those of one name are told apart by their number.
fn sides(folders: &[PathBuf]) -> Result<Vec<Side>, Failure> {
    let mut sides: Vec<Side> = Vec::new();
    for folder in folders {
        let mut side = Side::of(folder)?;
        let name = side.name.clone();
        let mut number = 1;
        while sides.iter().any(|other| other.name == side.name) {
            number += 1;
            side.name = format!("{name} ({number})");
        }
        sides.push(side);
    }
    Ok(sides)
}

/// The page: of one campaign the very one that its run has written, and into its place unless another is named.
fn page(arguments: &ReportArguments, sides: &[Side], faults: &[String]) -> Result<(), Failure> {
    let (page, plots) = drawn(sides, faults);
    match (&arguments.out, arguments.folders.as_slice()) {
        (Some(out), _) => write_new(out, page.as_bytes())?,
        (None, folders) => {
            for folder in folders {
                into(folder, &page, &plots)?;
            }
        }
    }
    Ok(())
}

fn drawn(sides: &[Side], faults: &[String]) -> (String, Vec<NamedFigure>) {
    match sides {
        [only] if only.rebuilt().is_some() => only.rebuilt().map(crate::rebuild::Rebuilt::page).unwrap_or_default(),
        sides => {
            let inputs: Vec<SideInput<'_>> = sides.iter().map(Side::input).collect();
            (several_html(&inputs, faults), several_plots(&inputs))
        }
    }
}

/// Every plot of the page as an image on light ground, for print.
fn images(arguments: &ReportArguments, sides: &[Side]) -> Result<(), Failure> {
    let Some(folder) = &arguments.out else { return Ok(()) };
    let (_, plots) = drawn(sides, &[]);
    fs::create_dir(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for NamedFigure { name, figure } in plots {
        let image = figure.png(Ground::Light).with_context(|| format!("cannot draw the plot {name}"))?;
        write_new(&folder.join(format!("{name}.png")), &image)?;
    }
    Ok(())
}

/// The page and its plots in the results folder: they can be made again, and are the only files of it that are replaced.
fn into(folder: &Path, page: &str, plots: &[NamedFigure]) -> Result<(), Failure> {
    let report = folder.join(results::REPORT);
    write_plots(folder, plots)?;
    write_derived(&report, page.as_bytes())?;
    print(&format!("report: {}\n", report.display()))
}

fn written(out: Option<&Path>, text: &str) -> Result<(), Failure> {
    match out {
        Some(out) => Ok(write_new(out, text.as_bytes())?),
        None => print(text),
    }
}
