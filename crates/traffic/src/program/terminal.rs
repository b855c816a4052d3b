//! Terminals for programs: pty(7).

use std::os::fd::{AsFd, OwnedFd};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tailbed_format::program::TerminalSize;

/// A terminal: our side, and the program's.
pub(super) struct Terminal {
    pub(super) ours: OwnedFd,
    pub(super) theirs: OwnedFd,
}

/// Makes a terminal of that size.
pub(super) fn open(size: TerminalSize) -> Result<Terminal, String> {
    let made = || {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        // by our own side, not by its path: a node need not have /dev/pts
        let theirs = ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        Ok(Terminal { ours, theirs })
    };
    let terminal = made().map_err(|error: rustix::io::Errno| {
        format!("no terminal can be made: {}; it takes /dev/ptmx in the node", std::io::Error::from(error))
    })?;
    resize(&terminal.ours, size);
    Ok(terminal)
}

/// Gives a terminal another size; its foreground processes get SIGWINCH.
pub(super) fn resize(terminal: impl AsFd, size: TerminalSize) {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    // refused only by what is no terminal any more
    let _ = tcsetwinsize(terminal, size);
}
