//! `tailbed watch`: a campaign as it goes on, from another terminal or over ssh.
//!
//! Only what the campaign writes is read, once a second, on the cores that keep the house: nothing is asked of the campaign itself.

mod cells;
mod events;
mod hgrm;
mod housekeeping;
mod keys;
mod live;
mod place;
mod plain;
mod reader;
mod screen;
mod seen;
mod words;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use housekeeping::Modest;
use reader::Reader;
use seen::{Life, Seen};

#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// The campaign's folder, or the folder it was made in: then its newest campaign
    #[arg(value_name = "FOLDER", default_value = "results")]
    folder: PathBuf,
    /// Print a line for each thing that happens, as where there is no terminal
    #[arg(long)]
    plain: bool,
}

/// Shows a campaign until it has ended, or the user has seen enough.
pub(crate) fn watch(arguments: &WatchArguments) -> Result<(), Failure> {
    let folder = place::campaign(&arguments.folder)?;
    let mut reader = Reader::new(folder);
    reader.look().map_err(|error| Failure::File(format!("error: {error:#}")))?;
    let modest = Modest::new();
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal() && !arguments.plain;
    let watched = if terminal { live::watch(&mut reader, &modest) } else { plain::watch(&mut reader, &modest) };
    watched?;
    end(reader.seen())
}

/// A campaign that has ended before it should is an error, as it was for whoever began it.
fn end(seen: &Seen) -> Result<(), Failure> {
    match &seen.life {
        Life::Running | Life::Unknown | Life::Finished => Ok(()),
        Life::Killed | Life::Stopped { .. } => Err(anyhow::anyhow!("{}", words::state(seen, 0)).into()),
    }
}
