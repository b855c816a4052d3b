//! What the cache keeps: shown and removed.

use std::path::Path;

use super::build::{ImageFile, bytes, space};
use super::cache::{self, Cache};
use crate::failure::Failure;
use crate::print;

/// `tailbed image ls`: every image in the cache, its digest, what it is and the space it takes.
pub(super) fn list() -> Result<(), Failure> {
    let mut text = String::new();
    for (kind, cache) in caches()? {
        for (digest, path) in cache.list()? {
            let short = digest.get(..12).unwrap_or(&digest);
            text.extend([format!("{short}  {kind:<8}  {:>10}  {}\n", bytes(space(&path)?.on_disk), name(&path))]);
        }
    }
    if text.is_empty() {
        text = format!("no images in {}\n", cache::folder()?.display());
    }
    print(&text)
}

/// `tailbed image rm`.
pub(super) fn remove(digests: &[String], all: bool) -> Result<(), Failure> {
    let mut things = Vec::new();
    for (_, cache) in caches()? {
        let listed = cache.list()?;
        let cache = std::rc::Rc::new(cache);
        things.extend(listed.into_iter().map(|(digest, _)| (std::rc::Rc::clone(&cache), digest)));
    }
    let mut chosen: Vec<_> = if all { things.iter().collect() } else { Vec::new() };
    for wanted in digests {
        let begins = wanted.strip_prefix("sha256:").unwrap_or(wanted);
        let found: Vec<_> = things.iter().filter(|(_, digest)| !begins.is_empty() && digest.starts_with(begins)).collect();
        match found.as_slice() {
            [] => {
                return Err(Failure::File(format!(
                    "error: no image's digest begins with `{wanted}`; `tailbed image ls` lists them"
                )));
            }
            [only] => chosen.push(*only),
            several => {
                return Err(Failure::File(format!(
                    "error: {} images' digests begin with `{wanted}`: give more of it",
                    several.len()
                )));
            }
        }
    }
    for (cache, digest) in &chosen {
        cache.remove(digest)?;
    }
    print(&format!("{} removed\n", chosen.len()))
}

fn caches() -> anyhow::Result<[(&'static str, Cache); 2]> {
    Ok([("built", Cache::builds()?), ("unpacked", Cache::images()?)])
}

/// The name of a built image; what an unpacked one came from is not known.
fn name(path: &Path) -> String {
    ImageFile::read(path).map_or_else(|_| String::new(), |file| file.name)
}
