//! What the timestamper of a run taps, as a table.

use tailbed_format::order::Order;

use crate::plan::Run;

/// File, where its frames are seen, and its expected size; nothing without a timestamper.
pub(super) fn table(run: &Run) -> Vec<[String; 3]> {
    let capture = run.agents.iter().find_map(|agent| match &agent.order {
        Order::Capture(capture) => Some(capture),
        _ => None,
    });
    let Some(capture) = capture else { return Vec::new() };
    let row = |tap: &tailbed_format::capture::Tap| {
        let way = if tap.outgoing { "leaves by" } else { "comes in by" };
        let place = tap.namespace.as_deref().unwrap_or("the host's own network");
        let size = format!("about {} kB", tap.expected.min(capture.limit).div_ceil(1_000));
        [format!("{}.pcapng", tap.name), format!("what {way} {} of {place}", tap.interface), size]
    };
    capture.taps.iter().map(row).collect()
}
