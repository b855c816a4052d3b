//! What is said of a run that ends its campaign.

use tailbed_plan::plan::Run;

use crate::apply::{Broken, NotHeld};
use crate::failure::{Failure, Refusal};
use crate::results::CampaignFolder;
use crate::show::progress::Progress;

/// Ends the progress line, and tells why the campaign goes no further and where what it has is kept.
pub(super) fn explain(broken: Broken, progress: &Progress, folder: &CampaignFolder, run: &Run) -> Failure {
    progress.finish();
    let (name, kept) = (&run.name, folder.path().display());
    match broken {
        Broken::Interrupted => Failure::Interrupted(format!(
            "interrupted in {name}: everything is taken back, finished runs are kept in {kept}; --resume goes on"
        )),
        Broken::Failed(error) if error.is::<Refusal>() || error.is::<NotHeld>() => Failure::Host(format!(
            "this host cannot make {name}: {error:#}; everything is taken back, finished runs are kept in {kept}"
        )),
        Broken::Failed(error) | Broken::Left(error) => {
            Failure::Failed(error.context(format!("run {name} failed; finished runs are kept in {kept}")))
        }
    }
}
