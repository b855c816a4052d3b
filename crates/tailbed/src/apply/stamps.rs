//! What network cards are told to stamp.

use std::io;

use anyhow::Context;
use tailbed_traffic::stamping::{self, Settings};

use super::{TakenBack, namespace};
use crate::failure::Refusal;

/// Does something where an interface lies.
fn inside<T: Send>(namespace: Option<&str>, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    match namespace {
        None => work(),
        Some(name) => namespace::inside(&namespace::path(name), work),
    }
}

fn called(namespace: Option<&str>, interface: &str) -> String {
    format!("{interface} in {}", namespace.unwrap_or("the host's namespace"))
}

/// What a card is told at present; refused, in its driver's words, where it cannot stamp every frame that comes in.
pub(super) fn read(namespace: Option<&str>, interface: &str) -> anyhow::Result<String> {
    let what = called(namespace, interface);
    let abilities = inside(namespace, || stamping::abilities(interface));
    let abilities = abilities.with_context(|| format!("cannot ask the driver of {what} what it stamps"))?;
    if abilities.stamps_all().is_none() {
        let said = format!(
            "{what} cannot stamp frames in hardware: its driver says {abilities}; leave `stamps` out to have the kernel's"
        );
        return Err(Refusal::new(said).into());
    }
    let settings = inside(namespace, || stamping::settings(interface));
    Ok(settings.with_context(|| format!("cannot ask what the card of {what} is told to stamp"))?.to_string())
}

/// Has it stamp every frame that comes in. Where the driver makes something else of that, it is put back.
pub(super) fn write(namespace: Option<&str>, interface: &str) -> anyhow::Result<()> {
    let what = || format!("cannot have the card of {} stamp", called(namespace, interface));
    let before = inside(namespace, || stamping::settings(interface)).with_context(what)?;
    let wanted = before.with_all_frames();
    let made = inside(namespace, || stamping::set(interface, wanted)).with_context(what)?;
    if made.receive != wanted.receive {
        inside(namespace, || stamping::set(interface, before)).with_context(what)?;
        anyhow::bail!("{}: told {wanted} its driver makes {made} of it", what());
    }
    Ok(())
}

/// Tells it what it was told before, unless somebody else has told it something since, or it has gone.
pub(super) fn put_back(namespace: Option<&str>, interface: &str, before: &str) -> anyhow::Result<TakenBack> {
    let what = || format!("cannot put back what the card of {} stamps", called(namespace, interface));
    let gone = |error: &io::Error| error.raw_os_error() == Some(libc::ENODEV) || error.kind() == io::ErrorKind::NotFound;
    let now = match inside(namespace, || stamping::settings(interface)) {
        Err(error) if gone(&error) => return Ok(TakenBack::Done),
        now => now.with_context(what)?,
    };
    let before: Settings = before.parse().with_context(what)?;
    if now == before {
        return Ok(TakenBack::Done);
    }
    if now.receive != before.with_all_frames().receive {
        let who = called(namespace, interface);
        return Ok(TakenBack::NotOurs(format!("the card of {who} stamps {now}, neither as told here nor {before} (as found)")));
    }
    inside(namespace, || stamping::set(interface, before)).with_context(what)?;
    Ok(TakenBack::Done)
}
