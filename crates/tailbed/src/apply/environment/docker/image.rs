//! Which image a container is made of.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;

use anyhow::{Context, anyhow, bail};
use bollard::body_full;
use bollard::query_parameters::{CreateImageOptionsBuilder, ImportImageOptionsBuilder};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::engine::{Engine, is_absent, plain};

/// The name or id, as the engine knows it, of the image that is asked for. A file or a layout is loaded as by `docker load`, and stays
/// with the engine as it does there; any other text is the name of an image that the engine must have.
pub(super) fn find(engine: &Engine, image: Option<&str>) -> anyhow::Result<String> {
    match image {
        None => empty(engine),
        Some(path) if Path::new(path).is_file() => {
            let file = File::open(path).with_context(|| format!("cannot open the image {path}"))?;
            load(engine, path, file)
        }
        Some(path) if Path::new(path).is_dir() => load_layout(engine, path),
        Some(name) => match engine.wait(engine.docker.inspect_image(name)) {
            Ok(_) => Ok(name.to_owned()),
            Err(error) if is_absent(&error) => {
                bail!("the Docker engine has no image {name}, and there is no such file; `docker pull {name}` fetches images")
            }
            Err(error) => Err(plain(error).context(format!("cannot look at the image {name}"))),
        },
    }
}

/// Folders of a root file system that holds nothing else: all that a runtime mounts something on.
const FOLDERS: [&str; 6] = ["dev/", "etc/", "proc/", "run/", "sys/", "tmp/"];

/// An image with nothing in it: this binary is bound into every container, and needs nothing else. It is imported once, some kilobytes, and
/// kept under its digest.
fn empty(engine: &Engine) -> anyhow::Result<String> {
    let archive = archive()?;
    let digest = &crate::image::digest_of(&archive)[..12];
    let name = format!("tailbed:{digest}");
    match engine.wait(engine.docker.inspect_image(&name)) {
        Ok(_) => return Ok(name),
        Err(error) if is_absent(&error) => {}
        Err(error) => return Err(plain(error).context(format!("cannot look at the image {name}"))),
    }
    let options = CreateImageOptionsBuilder::default().from_src("-").repo("tailbed").tag(digest).build();
    let imported = engine.docker.create_image(Some(options), Some(body_full(archive.into())), None).try_collect::<Vec<_>>();
    engine.wait(imported).map_err(plain).context("the Docker engine does not import an image")?;
    Ok(name)
}

/// The archive of a root file system without anything in it; the same bytes each time.
fn archive() -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for folder in FOLDERS {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(if folder == "tmp/" { 0o1777 } else { 0o755 });
        header.set_size(0);
        archive.append_data(&mut header, folder, &[][..]).context("cannot write an archive")?;
    }
    archive.into_inner().context("cannot write an archive")
}

/// Bytes of an archive sent at once.
const CHUNK: usize = 1 << 18;

/// Has the engine load an OCI layout, which older engines do not read: it gets it as `docker save` would write it.
fn load_layout(engine: &Engine, path: &str) -> anyhow::Result<String> {
    let image = crate::image::layout(Path::new(path))?;
    let (reader, writer) = io::pipe().context("cannot make a pipe")?;
    let saved = thread::spawn(move || image.save(writer));
    let loaded = load(engine, path, reader);
    match saved.join() {
        // where the engine has stopped listening, it has said why
        Ok(Err(error)) if loaded.is_ok() || !is_broken_pipe(&error) => {
            Err(error.context(format!("cannot hand the image {path} to the Docker engine")))
        }
        _ => loaded,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let errors = error.chain().filter_map(|error| error.downcast_ref::<io::Error>());
    errors.into_iter().any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Has the engine load an archive.
fn load(engine: &Engine, path: &str, mut archive: impl Read + Send + 'static) -> anyhow::Result<String> {
    let chunks = std::iter::from_fn(move || {
        let mut chunk = vec![0; CHUNK];
        match archive.read(&mut chunk) {
            Ok(0) => None,
            Ok(length) => {
                chunk.truncate(length);
                Some(Ok(chunk.into()))
            }
            Err(error) => Some(Err(error)),
        }
    });
    let body = bollard::body_try_stream(stream::iter(chunks));
    let options = ImportImageOptionsBuilder::default().build();
    let said =
        engine.wait(engine.docker.import_image(options, body, None).map(|part| part.map(|part| part.stream)).try_collect());
    let said: Vec<Option<String>> =
        said.map_err(plain).with_context(|| format!("the Docker engine does not load the image {path}"))?;
    let said: String = said.into_iter().flatten().collect();
    loaded(&said).ok_or_else(|| anyhow!("the Docker engine loaded no image from {path}: {}", said.trim()))
}

/// What was loaded, out of the engine's own words for it.
fn loaded(said: &str) -> Option<String> {
    let name =
        |line: &str| line.strip_prefix("Loaded image ID: ").or_else(|| line.strip_prefix("Loaded image: ")).map(str::to_owned);
    said.lines().find_map(|line| name(line.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_says_what_it_loaded() {
        assert_eq!(loaded("Loaded image: busybox:latest\n").as_deref(), Some("busybox:latest"));
        assert_eq!(loaded("{}\nLoaded image ID: sha256:ab\n").as_deref(), Some("sha256:ab"));
        assert_eq!(loaded("nothing"), None);
    }

    #[test]
    fn the_empty_image_is_the_same_each_time() {
        let first = archive().unwrap();
        assert_eq!(first, archive().unwrap());
        let mut archive = tar::Archive::new(first.as_slice());
        assert_eq!(archive.entries().unwrap().count(), FOLDERS.len());
    }
}
