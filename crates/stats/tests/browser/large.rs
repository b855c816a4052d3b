//! The report of a campaign of ten million packets.

use super::campaign::made;
use super::target;

/// A page is sent by mail: it is smaller than this, bytes.
const MOST: usize = 5_000_000;

#[test]
fn the_report_of_ten_million_packets_is_small() {
    // 18 runs
    let campaign = made(10_000_000_u64.div_ceil(18));
    let packets: u64 = campaign.summary.cells.iter().map(|cell| cell.latency.count).sum();
    assert!(packets >= 10_000_000, "{packets}");
    let page = tailbed_stats::report::html(&campaign.input());
    println!("{packets} packets: a page of {} bytes", page.len());
    assert!(page.len() < MOST, "{} bytes", page.len());
    assert!(page.contains("id=\"embedded\""));
    // to be looked at, as the pictures are
    std::fs::write(target().join("ten-million.html"), &page).unwrap();
}
