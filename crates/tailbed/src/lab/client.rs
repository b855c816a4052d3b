//! Asking the keeper.

use std::os::unix::net::UnixStream;

use anyhow::Context;
use tailbed_format::message::{Frame, read_frame, write_message};

use super::place;
use super::protocol::{Answer, Listing, Request};
use crate::failure::Failure;

/// Connects to the keeper and asks.
pub(super) fn ask(request: &Request) -> Result<UnixStream, Failure> {
    let Some(mut stream) = place::connect()? else {
        return Err(Failure::Host(match place::record() {
            Some(record) => {
                format!("error: the keeper of the lab {} was killed; `tailbed down` takes back what it left", record.name)
            }
            None => "error: no lab is up; `tailbed up FILE` brings one up".to_owned(),
        }));
    };
    write_message(&mut stream, request).context("cannot ask the lab's keeper")?;
    Ok(stream)
}

/// The answer; `None` when the keeper left without one.
pub(super) fn answer(mut stream: &UnixStream) -> anyhow::Result<Option<Answer>> {
    match read_frame(&mut stream).context("cannot hear the lab's keeper")? {
        Some(Frame::Json(body)) => Ok(Some(serde_json::from_slice(&body).context("cannot understand the lab's keeper")?)),
        _ => Ok(None),
    }
}

/// What is there.
pub(super) fn list() -> Result<Listing, Failure> {
    match answer(&ask(&Request::List)?)? {
        Some(Answer::Listing(listing)) => Ok(listing),
        Some(Answer::Refused(reason)) => Err(Failure::Host(format!("error: {reason}"))),
        _ => Err(unexpected()),
    }
}

/// The keeper did not say what it should have.
pub(super) fn unexpected() -> Failure {
    anyhow::anyhow!("the lab was taken down meanwhile, or its keeper was killed; `tailbed ls` shows which").into()
}
