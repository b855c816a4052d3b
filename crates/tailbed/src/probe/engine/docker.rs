//! The Docker engine: the socket it listens at.
//!
//! Where its socket is held by a service manager, a connection would start the engine; looking must not. The kernel's table of sockets
//! says whether anybody listens.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tailbed_format::facts::{Missing, Privilege};

use crate::probe::program;

/// Where it listens unless told otherwise.
const SOCKET: &str = "/var/run/docker.sock";

/// Where it writes its process id unless told otherwise.
const PROCESS: &str = "/var/run/docker.pid";

/// What containers of Docker lack here.
pub(super) fn missing(privilege: Privilege) -> Option<Missing> {
    match socket() {
        Err(missing) => Some(missing),
        Ok(_) if !privilege.root => Some(super::needs_root("a container of the Docker engine whose links are ours")),
        Ok(_) => None,
    }
}

/// The engine's socket, if anybody listens at it.
pub(crate) fn socket() -> Result<PathBuf, Missing> {
    let path = match std::env::var("DOCKER_HOST") {
        Err(_) => PathBuf::from(SOCKET),
        Ok(host) if host.is_empty() => PathBuf::from(SOCKET),
        Ok(host) => match host.strip_prefix("unix://") {
            Some(path) => PathBuf::from(path),
            None => {
                return Err(super::missing(
                    format!("DOCKER_HOST={host} is not an engine of this machine's, and links can only be made to one that is"),
                    "unset DOCKER_HOST, or set it to unix:///var/run/docker.sock",
                ));
            }
        },
    };
    if is_listened_at(&path, &fs::read_to_string("/proc/net/unix").unwrap_or_default()) {
        return Ok(path);
    }
    Err(if program("dockerd").is_some() {
        super::missing(
            format!("the Docker engine is not running: nobody listens at {}", path.display()),
            "start it: systemctl start docker, or dockerd",
        )
    } else {
        super::missing("the Docker engine is not installed", "install it: apt install docker.io")
    })
}

/// Whether a socket's row in the kernel's table has the flag of a listener, `__SO_ACCEPTCON` (proc_net(5)). The table has the path that it
/// was bound to, which may run through symbolic links, and knows nothing of a file that was replaced since.
fn is_listened_at(path: &Path, table: &str) -> bool {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace();
        let (flags, bound) = (fields.nth(3), fields.nth(3));
        let is_it = |bound: &str| {
            let bound = Path::new(bound);
            bound == path || bound == real || fs::canonicalize(bound).is_ok_and(|bound| bound == real)
        };
        flags.and_then(|flags| u32::from_str_radix(flags, 16).ok()).is_some_and(|flags| flags & 0x0001_0000 != 0)
            && bound.is_some_and(is_it)
    })
}

/// The version.
pub(super) fn version() -> Option<String> {
    Some(answer("/version")?["Version"].as_str()?.to_owned())
}

/// What the engine answers to a question, asked only where the engine itself runs.
pub(crate) fn answer(question: &str) -> Option<Value> {
    let path = socket().ok()?;
    if path == Path::new(SOCKET) {
        let pid = fs::read_to_string(PROCESS).ok()?;
        fs::metadata(Path::new("/proc").join(pid.trim())).ok()?;
    }
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    // the older protocol has neither chunks nor connections that stay
    stream.write_all(format!("GET {question} HTTP/1.0\r\nHost: docker\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1.trim()).ok()
}

/// How long the engine may take over an answer.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n\
        0000000000000000: 00000002 00000000 00010000 0001 01 14117 /nowhere/docker.sock\n\
        0000000000000000: 00000003 00000000 00000000 0001 03 14118 /nowhere/other.sock\n\
        0000000000000000: 00000003 00000000 00000000 0001 03 14119\n";

    #[test]
    fn only_a_listener_counts() {
        assert!(is_listened_at(Path::new("/nowhere/docker.sock"), TABLE));
        assert!(!is_listened_at(Path::new("/nowhere/other.sock"), TABLE));
        assert!(!is_listened_at(Path::new("/nowhere/third.sock"), TABLE));
    }

    #[test]
    fn this_kernels_table_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let table = || fs::read_to_string("/proc/net/unix").unwrap();
        assert!(is_listened_at(&path, &table()));
        drop(listener);
        assert!(!is_listened_at(&path, &table()));
    }
}
