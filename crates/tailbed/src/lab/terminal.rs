//! The terminal a command was typed at, while it is lent to a program in a node.

use anyhow::Context;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use tailbed_format::program::TerminalSize;

/// A terminal that passes every key on (termios(3), `cfmakeraw`), and is given back as it was.
pub(super) struct Terminal(Termios);

impl Terminal {
    /// Whether standard input is a terminal.
    pub(super) fn is_there() -> bool {
        isatty(rustix::stdio::stdin())
    }

    /// Lends it.
    pub(super) fn lend() -> anyhow::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin()).context("cannot read the terminal's settings")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw).context("cannot change the terminal's settings")?;
        Ok(Self(before))
    }

    /// Gives it back.
    pub(super) fn give_back(&self) {
        // a terminal that is gone needs no settings
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.0).ok();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// The size of the terminal on standard input; of a traditional one where that is none.
pub(super) fn size() -> TerminalSize {
    let size = tcgetwinsize(rustix::stdio::stdin()).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.map_or(TerminalSize { rows: 24, columns: 80 }, |size| TerminalSize { rows: size.ws_row, columns: size.ws_col })
}
