//! `tailbed analyze`: two captures, taken before and after a device, compared.
//!
//! Opened and unpacked here ([`open`]), read on threads of their own where there are cores for it ([`feed`]), matched and counted by
//! [`tailbed_stats::analysis`], and written to a folder ([`folder`]) and the terminal ([`summary`]).

mod feed;
mod folder;
mod known;
pub(crate) mod open;
mod progress;
mod summary;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use tailbed_format::unit::{Bytes, Time};
use tailbed_stats::analysis::{Analysis, LONGEST_WINDOW, Options};
use tailbed_stats::capture::Error;

use feed::Strictness;
pub(crate) use known::Known;

use crate::failure::Failure;
use crate::print;
use crate::show::quote::quote;

/// Which captures, and how their packets are matched.
#[derive(Debug, Args)]
pub(crate) struct AnalyzeArguments {
    /// Capture from before the device: pcap or pcapng, plain or compressed with zstd or gzip; `-` reads standard input
    pre: PathBuf,
    /// Capture from after the device; `-` reads standard input
    post: PathBuf,
    /// Bytes of the frame by which a packet is known again, with an optional hexadecimal mask: 42:8 or 14:4,ffff00ff
    /// [default: bytes 12 to 64 without the IPv4 and UDP checksums]; or `identifier`: what tailbed's own load generator writes, found
    /// through tags and tunnels
    #[arg(long, value_name = "OFFSET:LENGTH[,MASK]")]
    key: Option<Known>,
    /// Packets further apart are not matched
    #[arg(long, value_name = "TIME", default_value = "5s")]
    window: Time,
    /// Leave out what arrives within this time after the first matched packet
    #[arg(long, value_name = "TIME")]
    trim: Option<Time>,
    /// How many of the worst packets are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000)]
    worst: usize,
    /// The most memory for packets that are lost or late
    #[arg(long, value_name = "SIZE", default_value = "160MiB")]
    memory: Bytes,
    /// Folder for the results, made new [default: the first capture's name with -analysis]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the results as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Compares two captures, writes the results to a folder and prints them.
///
/// # Errors
/// [`Failure::File`] (exit code 2) when a capture cannot be read or is damaged, an option cannot be, or the folder exists;
/// [`Failure::Failed`] when the results cannot be written.
pub(crate) fn analyze(arguments: &AnalyzeArguments) -> Result<(), Failure> {
    let options = options(arguments)?;
    let out = folder::choose(arguments.out.as_deref(), &arguments.pre)?;
    let (pre, post) = open::pair(&arguments.pre, &arguments.post)?;
    let progress = progress::Progress::new(pre.length.zip(post.length).map(|(pre, post)| pre + post));
    let known = arguments.key.clone().unwrap_or_default();
    let analysis = feed::analyse(pre, post, &known, &options, &progress, Strictness::Strict)
        .map_err(|error| Failure::File(error.to_string()))?;
    progress.finish();
    let summary = summary::Summary::new(name(&arguments.pre), name(&arguments.post), &options, &analysis);
    folder::write(&out, &analysis, &summary, &command_line(arguments))?;
    if arguments.json {
        let text = crate::results::campaign::json(&summary)?;
        return print(&String::from_utf8_lossy(&text));
    }
    print(&format!("{}\nresults in {}\n", summary.table(std::io::stdout().is_terminal()), out.display()))
}

/// Compares two files of a run's own, which may hold no packet at all.
///
/// # Errors
/// When one cannot be opened or is damaged.
pub(crate) fn compare_files(pre: &Path, post: &Path, known: &Known, options: &Options) -> anyhow::Result<Analysis> {
    let (pre, post) = open::pair(pre, post).map_err(|failure| anyhow!("{failure}"))?;
    let compared: Result<Analysis, Error> =
        feed::analyse(pre, post, known, options, &progress::Progress::new(None), Strictness::Lenient);
    Ok(compared?)
}

fn options(arguments: &AnalyzeArguments) -> Result<Options, Failure> {
    if arguments.pre == Path::new("-") && arguments.post == Path::new("-") {
        return Err(Failure::File("only one of the two captures can be standard input; give the other as a file".to_owned()));
    }
    if arguments.window.0 == 0 || arguments.window.0 > LONGEST_WINDOW {
        let longest = Time(LONGEST_WINDOW);
        return Err(Failure::File(format!("--window {} cannot be; give more than 0 and at most {longest}", arguments.window)));
    }
    Ok(Options {
        key: arguments.key.clone().unwrap_or_default().printed(),
        identified: arguments.key == Some(Known::Identifier),
        window: arguments.window.0,
        trim: arguments.trim.map(|time| time.0),
        worst: arguments.worst,
        memory: usize::try_from(arguments.memory.0)
            .map_err(|_| anyhow!("--memory {} is more than there is", arguments.memory))?,
    })
}

/// What a capture is called in results: its file name, or `standard input`.
fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// The command line that gives the same results again.
fn command_line(arguments: &AnalyzeArguments) -> String {
    let quoted = |path: &Path| quote(&path.to_string_lossy());
    let mut line = format!("tailbed analyze {} {}", quoted(&arguments.pre), quoted(&arguments.post));
    let mut option = |name: &str, value: Option<String>| line.extend(value.map(|value| format!(" --{name} {value}")));
    option("key", arguments.key.as_ref().map(ToString::to_string));
    option("window", Some(arguments.window.to_string()));
    option("trim", arguments.trim.map(|time| time.to_string()));
    option("worst", Some(arguments.worst.to_string()));
    option("memory", Some(arguments.memory.to_string()));
    line
}

#[cfg(test)]
mod tests;
