//! Images: root file systems out of archives, and archives out of recipes.

mod build;
mod cache;
mod digest;
mod kept;
mod unpack;

use crate::cli::ImageCommand;
use crate::failure::Failure;

pub(crate) use unpack::{ImageConfig, Unpacked, unpack};

/// `tailbed image`.
pub(crate) fn image(command: &ImageCommand) -> Result<(), Failure> {
    match command {
        ImageCommand::Build(arguments) => build::build(arguments),
        ImageCommand::Ls => kept::list(),
        ImageCommand::Rm { digests, all } => kept::remove(digests, *all),
    }
}
