//! What a program printed, kept with the run; and how all of them ended.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use tailbed_format::results;
use tailbed_format::summary::ProgramSummary;

/// So much of what a program prints is kept, bytes.
const MOST: usize = 64 << 20;

/// So much of its end is told when it fails, bytes and lines.
const END: (usize, usize) = (2000, 5);

/// A program's log.
pub(super) struct Log {
    file: File,
    written: usize,
    end: VecDeque<u8>,
    awaited: Option<Awaited>,
}

/// A text that a program is expected to print.
struct Awaited {
    text: String,
    /// The end of what was printed so far, shorter than the text.
    before: Vec<u8>,
}

impl Log {
    /// An empty one.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { file, written: 0, end: VecDeque::new(), awaited: None })
    }

    /// Looks out for a text from now on.
    pub(super) fn awaiting(self, text: Option<&str>) -> Self {
        let awaited = text.map(|text| Awaited { text: text.to_owned(), before: Vec::new() });
        Self { awaited, ..self }
    }

    /// The text that is looked out for and was not printed yet.
    pub(super) fn awaited(&self) -> Option<&str> {
        self.awaited.as_ref().map(|awaited| awaited.text.as_str())
    }

    /// Takes what the program has printed.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.awaited = self.awaited.take().and_then(|awaited| awaited.still(bytes));
        self.end.extend(bytes);
        self.end.drain(..self.end.len().saturating_sub(END.0));
        let kept = &bytes[..bytes.len().min(MOST - self.written)];
        self.written += kept.len();
        self.file.write_all(kept).context("cannot write a program's log")?;
        if kept.len() < bytes.len() && self.written == MOST && !kept.is_empty() {
            writeln!(self.file, "\n[what came after {MOST} bytes was not kept]").context("cannot write a program's log")?;
        }
        Ok(())
    }

    /// Its last lines, each indented on a line of its own; nothing when there are none.
    pub(super) fn last_lines(&self) -> String {
        let bytes: Vec<u8> = self.end.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(END.1)..];
        last.iter().flat_map(|line| ["\n    ", line]).collect()
    }
}

impl Awaited {
    /// After more was printed: nothing once the text was there.
    fn still(self, bytes: &[u8]) -> Option<Self> {
        let Self { text, before: mut printed } = self;
        printed.extend(bytes);
        let wanted = text.as_bytes();
        if printed.windows(wanted.len()).any(|window| window == wanted) {
            return None;
        }
        let before = printed.split_off(printed.len().saturating_sub(wanted.len() - 1));
        Some(Self { text, before })
    }
}

/// How the programs of a run ended, as it was written down; none when it had none.
pub(in crate::run) fn recorded(folder: &Path) -> Vec<ProgramSummary> {
    let text = std::fs::read(folder.join(results::PROGRAMS)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(&folder.path().join("x.log")).unwrap().awaiting(Some("ports=2 "));
        for bytes in ["", "ports=20", " po", "rts", "=2"] {
            log.write(bytes.as_bytes()).unwrap();
            assert_eq!(log.awaited(), Some("ports=2 "), "{bytes}");
        }
        log.write(b" cores=1").unwrap();
        assert_eq!(log.awaited(), None);
        assert_eq!(Log::create(&folder.path().join("y.log")).unwrap().awaiting(None).awaited(), None);
    }

    #[test]
    fn the_last_lines_are_few() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(&folder.path().join("x.log")).unwrap();
        assert_eq!(log.last_lines(), "");
        for number in 0..1000 {
            log.write(format!("line {number}\n").as_bytes()).unwrap();
        }
        log.write(b"no end").unwrap();
        assert_eq!(log.last_lines(), "\n    line 996\n    line 997\n    line 998\n    line 999\n    no end");
        let kept = std::fs::read_to_string(folder.path().join("x.log")).unwrap();
        assert!(kept.starts_with("line 0\n") && kept.ends_with("line 999\nno end"));
    }
}
