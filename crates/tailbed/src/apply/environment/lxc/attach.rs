//! Starting the agent in a running container.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg, sockopt};

use super::tools::tool;
use crate::apply::cgroup;
use crate::apply::environment::{Start, Started};

/// Attaches the agent to the container and waits for its first word, at most so long. Its huge pages are counted in the group `counting`, where there
/// is one.
pub(super) fn agent(id: &str, start: &Start<'_>, patience: Duration, counting: Option<&str>) -> anyhow::Result<Started> {
    let (ours, theirs) = UnixStream::pair().context("cannot make a pair of sockets")?;
    // the kernel then says of each word whose it is
    sockopt::set_socket_passcred(&ours, true).context("cannot ask for the agent's process id")?;
    let input: OwnedFd = theirs.try_clone().context("cannot open a socket twice")?.into();
    let mut command = tool("lxc-attach", id);
    command.args(["--", "/tailbed", "agent"]).stdin(Stdio::from(input)).stdout(Stdio::from(OwnedFd::from(theirs)));
    let mut child = command.stderr(start.errors()?).spawn().context("cannot run lxc-attach")?;
    // the command still holds the other end, and the end of the agent is only heard once nobody does
    drop(command);
    let placed = |pid| {
        cgroup::keep_real_time_share(pid)?;
        counting.map_or(Ok(()), |group| cgroup::join_counting(group, pid))
    };
    let agent = first_word(&ours, patience).and_then(placed);
    if let Err(error) = agent {
        child.kill().ok();
        child.wait().ok();
        let log = start.log().and_then(|log| std::fs::read_to_string(log).ok()).unwrap_or_default();
        return Err(if log.trim().is_empty() { error } else { error.context(log.trim().to_owned()) });
    }
    let output = ours.try_clone().context("cannot open a socket twice")?;
    Ok(Started { input: Box::new(ours), output: Box::new(output), child: Some(child), init: None })
}

/// Waits until the agent speaks and says which process it is, as the host numbers it. What it says is left to be read.
fn first_word(socket: &UnixStream, patience: Duration) -> anyhow::Result<i32> {
    let patience = Timespec::try_from(patience).ok();
    let ready = rustix::io::retry_on_intr(|| poll(&mut [PollFd::new(socket, PollFlags::IN)], patience.as_ref()))?;
    if ready == 0 {
        bail!("the agent did not speak in time");
    }
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(socket.as_fd(), &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::PEEK)
        .context("cannot hear the agent")?;
    if message.bytes == 0 {
        bail!("the agent ended before it spoke");
    }
    let sender = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmCredentials(sender) => Some(sender.pid.as_raw_pid()),
        _ => None,
    });
    sender.context("the kernel does not say which process the agent is")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Command;

    #[test]
    fn the_sender_is_known_and_what_it_said_is_still_there() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        sockopt::set_socket_passcred(&ours, true).unwrap();
        let mut child = Command::new("echo").arg("hello").stdout(Stdio::from(OwnedFd::from(theirs))).spawn().unwrap();
        let pid = first_word(&ours, Duration::from_mins(1)).unwrap();
        assert_eq!(pid, i32::try_from(child.id()).unwrap());
        let mut said = String::new();
        ours.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello\n");
        assert!(child.wait().unwrap().success());
        assert!(first_word(&ours, Duration::ZERO).unwrap_err().to_string().contains("before it spoke"));
    }
}
