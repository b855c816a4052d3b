//! The report in a real browser. Without chromium these tests are skipped, with the reason; `TAILBED_REQUIRE_HOST_TESTS=1` turns a skip
//! into a failure.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test writes files and starts a browser")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod accessible;
#[allow(dead_code, reason = "a long sweep is another test's")]
mod campaign;
mod chromium;
mod compared;
mod drawn;
mod looks;
mod plain;
mod pointed;
mod shown;

use std::path::{Path, PathBuf};

use campaign::Campaign;
use chromium::Chromium;
use tempfile::TempDir;

/// A browser that shows the report of a made-up campaign.
pub(crate) struct Shown {
    pub(crate) browser: Chromium,
    pub(crate) campaign: Campaign,
    pub(crate) file: PathBuf,
    _folder: TempDir,
}

/// So many packets in each run of what most tests look at.
const PACKETS: u64 = 20_000;

/// Opens the report at the size of a laptop's window; `None` where there is no browser.
pub(crate) fn shown() -> Option<Shown> {
    let browser = Chromium::start()?;
    let campaign = campaign::made(PACKETS);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, tailbed_stats::report::html(&campaign.input())).unwrap();
    let mut shown = Shown { browser, campaign, file, _folder: folder };
    shown.browser.prefer("light");
    shown.browser.resize(1280, 900);
    shown.open();
    Some(shown)
}

impl Shown {
    pub(crate) fn open(&mut self) {
        let file = self.file.clone();
        self.browser.open(&file);
    }
}

/// Where pictures and what is to be looked at are left.
pub(crate) fn target() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
