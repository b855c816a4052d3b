//! `tailbed down`.

use super::protocol::{Answer, Request};
use super::{client, place};
use crate::failure::Failure;
use crate::{journal, print};

/// Has the keeper take everything down; where it was killed, takes back what the journal says.
pub(crate) fn down() -> Result<(), Failure> {
    if place::connect()?.is_none() {
        return take_down_ourselves();
    }
    let name = place::record().map_or_else(|| "the lab".to_owned(), |record| record.name);
    let stream = client::ask(&Request::Down)?;
    let answer = client::answer(&stream)?;
    // the connection ends with the keeper: whoever comes after this command finds nothing of it
    while client::answer(&stream).is_ok_and(|more| more.is_some()) {}
    match answer {
        Some(Answer::Down { taken_back, left, failed }) if left.is_empty() => {
            print(&format!("{name}: {taken_back} steps taken back\n"))?;
            failed.map_or(Ok(()), |failed| Err(anyhow::anyhow!("everything is taken back, but {failed}").into()))
        }
        Some(Answer::Down { left, .. }) => {
            let left = left.join("; ");
            Err(anyhow::anyhow!("not everything could be taken back: {left}; `tailbed clean` tries again").into())
        }
        _ => Err(client::unexpected()),
    }
}

fn take_down_ourselves() -> Result<(), Failure> {
    let _alone = journal::lock()?;
    let was_killed = place::record().is_some();
    let cleaned = journal::clean()?;
    if cleaned.is_empty() {
        return print(if was_killed { "the lab was gone already\n" } else { "no lab is up\n" });
    }
    eprintln!("note: the keeper of the lab was killed; what it left is taken back");
    crate::report(cleaned)
}
