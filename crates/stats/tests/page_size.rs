//! The reports of campaigns of ten million packets: of eighteen runs, and of a long sweep.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test leaves its page to be looked at")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the browser's tests need more of it")]
#[path = "browser/campaign.rs"]
mod campaign;

use std::path::Path;

use campaign::{Campaign, made, swept};

/// A page is sent by mail: it is smaller than this, bytes.
const MOST: usize = 5_000_000;

#[test]
fn the_report_of_ten_million_packets_is_small() {
    is_small(&made(10_000_000_u64.div_ceil(18)), "ten-million.html");
}

#[test]
fn the_report_of_ten_million_packets_in_a_long_sweep_is_small() {
    is_small(&swept(10_000_000_u64.div_ceil(144)), "long-sweep.html");
}

fn is_small(campaign: &Campaign, file: &str) {
    let packets: u64 = campaign.summary.cells.iter().map(|cell| cell.latency.count).sum();
    assert!(packets >= 10_000_000, "{packets}");
    let page = tailbed_stats::report::html(&campaign.input());
    println!("{packets} packets: a page of {} bytes", page.len());
    // to be looked at, as the pictures are
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(file), &page).unwrap();
    assert!(page.len() < MOST, "{} bytes", page.len());
    for figure in ["density", "host", "gaps"] {
        assert!(page.contains(&format!("data-plot=\"{figure}\"")), "no plot of {figure}");
    }
    assert!(page.contains("id=\"embedded\""));
}
