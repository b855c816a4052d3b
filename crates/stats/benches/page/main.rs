//! How long a browser takes to open the report of ten million packets, of 18 runs and of 144: target 2 s.
//!
//! From the order to open the file until it is loaded and its scripts have run (`loadEventEnd`, Navigation Timing Level 2), and until
//! something is seen (`first-contentful-paint`), by the browser's own clock. Five times, each in a new tab of one browser.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark writes files and starts a browser")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]
#![allow(dead_code, reason = "the browser and the campaign are those of the tests, which need more of them")]

#[path = "../../tests/browser/campaign.rs"]
mod campaign;
#[path = "../../tests/browser/chromium.rs"]
mod chromium;

fn main() {
    // run as a test: see that it works
    let packets: u64 = if std::env::args().any(|argument| argument == "--bench") { 10_000_000 } else { 18_000 };
    let Some(mut browser) = chromium::Chromium::start() else { return };
    browser.resize(1280, 900);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    for (runs, made) in [(18, campaign::made as fn(u64) -> campaign::Campaign), (144, campaign::swept)] {
        let page = tailbed_stats::report::html(&made(packets.div_ceil(runs)).input());
        std::fs::write(&file, &page).unwrap();
        println!("{packets} packets in {runs} runs: a page of {:.2} MB (at most 5 MB)", page.len() as f64 / 1e6);
        for _ in 0..5 {
            open(&mut browser, &file);
        }
    }
}

fn open(browser: &mut chromium::Chromium, file: &std::path::Path) {
    browser.open(file);
    browser.settle();
    let times = browser.value(
        "[performance.getEntriesByType('navigation')[0].loadEventEnd, performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null]",
    );
    let loaded = times[0].as_f64().unwrap();
    let seen = times[1].as_f64().map_or_else(|| "unknown".to_owned(), |time| format!("{time:.0} ms"));
    println!("loaded after {loaded:.0} ms (target 2000 ms), seen after {seen}");
}
