//! What the nodes of a run do with packets, as a table.

use tailbed_format::function::{Function, Listing, Table};
use tailbed_format::order::{BATCH, Forward, Order};

use crate::plan::Run;

/// Node, function, and what it works by; nothing when all of them do what they do unless told otherwise.
pub(super) fn table(run: &Run) -> Vec<[String; 3]> {
    let forwarders = run.agents.iter().filter_map(|agent| match &agent.order {
        Order::Forward(forward) => Some((&agent.node, forward)),
        Order::Measure(_) | Order::Capture(_) | Order::Noise(_) | Order::Load(_) => None,
    });
    let rows: Vec<_> = forwarders.collect();
    let plain = |forward: &Forward| forward.function == Function::L2fwd && (forward.workers, forward.batch) == (1, BATCH);
    if rows.iter().all(|(_, forward)| plain(forward)) {
        return Vec::new();
    }
    rows.into_iter().map(|(node, forward)| [node.clone(), forward.function.name().to_owned(), settings(forward)]).collect()
}

fn settings(forward: &Forward) -> String {
    let tables = forward.function.tables().into_iter().map(|(listing, table)| lines(listing, table));
    let workers = (forward.workers > 1).then(|| format!("{} workers", forward.workers));
    let batch = (forward.batch != BATCH).then(|| format!("batches of {}", forward.batch));
    tables.chain(workers).chain(batch).collect::<Vec<_>>().join(", ")
}

fn lines(listing: Listing, table: &Table) -> String {
    let what = match listing {
        Listing::Routes => "routes",
        Listing::Subscribers => "subscribers",
        Listing::Rules => "rules",
    };
    match table {
        Table::Generated { count, seed } => format!("{count} {what} (seed {seed})"),
        Table::File(path) => format!("{what} of {path}"),
        Table::Text { text, .. } => format!("{} {what}", text.lines().filter(|line| !line.trim().is_empty()).count()),
    }
}
