//! A run that is killed while the engine makes its container: what the engine was asked for comes all the same, and is taken back.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::Engine;
use crate::interrupted::{signal, wait_for};
use crate::support::traces;

/// Stands between a run and the engine and passes on what they say, but for the request for a container: the engine gets that when it has
/// said that it has no such container to remove, and who asked hears so when the engine is at work on it.
struct Between {
    engine: PathBuf,
    /// Where the engine keeps everything.
    data: PathBuf,
    asked: Sender<String>,
    /// What is to be said, and to whom.
    held: Mutex<Option<(Vec<u8>, UnixStream)>>,
}

/// Starts it; where it listens, and the names of containers that were asked for.
fn stand_between(engine: &Engine) -> (PathBuf, Receiver<String>) {
    let path = engine.lab.path("between");
    let listener = UnixListener::bind(&path).unwrap();
    let (asked, names) = channel();
    let between =
        Arc::new(Between { engine: engine.socket(), data: engine.lab.path("engine/data"), asked, held: Mutex::new(None) });
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let between = between.clone();
            thread::spawn(move || between.pass_on(client));
        }
    });
    (path, names)
}

impl Between {
    fn pass_on(self: Arc<Self>, client: UnixStream) -> io::Result<()> {
        let engine = UnixStream::connect(&self.engine)?;
        let answers = (engine.try_clone()?, client.try_clone()?);
        let asks_to_remove = Arc::new(Mutex::new(false));
        let back = (self.clone(), asks_to_remove.clone());
        thread::spawn(move || {
            each_piece(answers.0, |piece| {
                if *back.1.lock().unwrap() && piece.starts_with(b"HTTP/1.1 404") {
                    back.0.let_go()?;
                }
                (&answers.1).write_all(piece)
            })
        });
        let mut said = Vec::new();
        each_piece(client, |piece| {
            said.extend_from_slice(piece);
            if !complete(&said) {
                return Ok(());
            }
            let request = std::mem::take(&mut said);
            let first = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
            *asks_to_remove.lock().unwrap() = first.starts_with("DELETE");
            let mut held = self.held.lock().unwrap();
            match first.split_once("/containers/create?name=") {
                Some((_, name)) if held.is_none() => {
                    *held = Some((request, engine.try_clone()?));
                    self.asked.send(name.split([' ', '&']).next().unwrap_or_default().to_owned()).ok();
                    Ok(())
                }
                _ => (&engine).write_all(&request),
            }
        })
    }

    fn let_go(&self) -> io::Result<()> {
        let mut held = self.held.lock().unwrap();
        let Some((request, engine)) = held.as_mut().filter(|(request, _)| !request.is_empty()) else { return Ok(()) };
        engine.write_all(&std::mem::take(request))?;
        wait_for(|| begun(&self.data).then_some(()));
        Ok(())
    }
}

/// Whether the engine is at work on a container, and has found all that is to be mounted into it.
fn begun(data: &Path) -> bool {
    let containers = fs::read_dir(data.join("containers")).into_iter().flatten().flatten();
    containers.into_iter().any(|container| container.path().join("hostconfig.json").exists())
}

/// Hands on what comes, until no more does.
fn each_piece(mut from: UnixStream, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut piece = [0; 4096];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            length => to(&piece[..length])?,
        }
    }
}

/// Whether the whole of a request is there.
fn complete(said: &[u8]) -> bool {
    let said = String::from_utf8_lossy(said);
    let Some((head, body)) = said.split_once("\r\n\r\n") else { return false };
    let length = |line: &str| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok();
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    if chunked { body.ends_with("0\r\n\r\n") } else { body.len() >= head.lines().find_map(length).unwrap_or(0) }
}

#[test]
fn a_container_that_comes_after_the_kill_is_taken_back() {
    let Some(engine) = Engine::start() else { return };
    let before = traces();
    let (between, names) = stand_between(&engine);
    let tailbed = |arguments: &[&str]| {
        let mut command = engine.lab.tailbed();
        command.env("DOCKER_HOST", format!("unix://{}", between.display())).args(arguments);
        command
    };
    engine.lab.experiment("docker", "1s", "");
    let mut child = tailbed(&["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let name = names.recv_timeout(Duration::from_mins(1)).unwrap();
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let cleaned = tailbed(&["clean"]).output().unwrap();
    assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stderr));
    // its name is free, also of one that does not show yet
    let image = engine.docker(&["images", "--quiet", "tailbed"]);
    let another = engine.docker(&["create", "--name", &name, &image, "/none"]);
    assert!(!another.is_empty(), "the name {name} is taken");
    assert_eq!(engine.docker(&["ps", "--all", "--quiet", "--no-trunc"]), another);
    engine.docker(&["rm", &another]);
    engine.wait_until_as(&before);
}
