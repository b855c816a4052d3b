//! What an analysis amounts to: `summary.json`, and the table on the terminal.

use serde::Serialize;
use tailbed_format::summary::Distribution;
use tailbed_format::unit::Time;
use tailbed_stats::analysis::{Analysis, Options};
use tailbed_stats::interval::distribution;
use tailbed_stats::plot::number::{count, share};

use crate::show::table;

/// Layout of `summary.json`.
const VERSION: u32 = 1;

/// What is written down. Times in ns.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    version: u32,
    /// Names of the captures.
    pub(super) pre: String,
    pub(super) post: String,
    key: String,
    window: u64,
    trim: Option<u64>,
    pub(super) packets: Packets,
    /// Capture times of the first and last packet.
    spans: Spans,
    pub(super) latency: Distribution,
    /// What the reader should know, each a sentence.
    pub(super) notes: Vec<String>,
}

/// What became of the packets.
#[derive(Debug, Serialize)]
pub(super) struct Packets {
    pre: u64,
    post: u64,
    matched: u64,
    lost: u64,
    duplicates: u64,
    reordered: u64,
    ambiguous_pre: u64,
    ambiguous_post: u64,
    unmatched_post: u64,
    trimmed: u64,
    without_key_pre: u64,
    without_key_post: u64,
    given_up: u64,
}

#[derive(Debug, Serialize)]
struct Spans {
    pre: Option<(u64, u64)>,
    post: Option<(u64, u64)>,
}

impl Summary {
    pub(super) fn new(pre: String, post: String, options: &Options, analysis: &Analysis) -> Self {
        let packets = Packets {
            pre: analysis.pre.packets,
            post: analysis.post.packets,
            matched: analysis.latency.count(),
            lost: analysis.lost,
            duplicates: analysis.duplicates,
            reordered: analysis.reordered,
            ambiguous_pre: analysis.ambiguous,
            ambiguous_post: analysis.ambiguous_post,
            unmatched_post: analysis.unmatched_post,
            trimmed: analysis.trimmed,
            without_key_pre: analysis.pre.unkeyed,
            without_key_post: analysis.post.unkeyed,
            given_up: analysis.given_up.waiting + analysis.given_up.settled,
        };
        Self {
            version: VERSION,
            pre,
            post,
            key: options.key.to_string(),
            window: options.window,
            trim: options.trim,
            notes: notes(&packets),
            packets,
            spans: Spans { pre: analysis.pre.first.zip(analysis.pre.last), post: analysis.post.first.zip(analysis.post.last) },
            latency: distribution(&analysis.latency),
        }
    }

    /// Percentiles with their intervals, then what became of the packets; `fit` breaks lines to the terminal's width.
    pub(super) fn table(&self, fit: bool) -> String {
        let mut table = table::percentile_table("latency", fit, &[]);
        let mut row = vec![comfy_table::Cell::new(format!("{} to {}", self.pre, self.post))];
        row.extend(table::percentiles(&self.latency));
        table.add_row(row);
        let counts: Vec<_> = self.counts().into_iter().map(|(what, packets)| format!("{what} {}", count(packets))).collect();
        let mut text = format!("{table}\nbeneath each value its 95 % interval\n{}", counts.join(", "));
        self.notes.iter().for_each(|note| {
            text.push_str("\nnote: ");
            text.push_str(note);
        });
        text
    }

    /// Counts with their names: those that are always of interest, and of the others those that are not zero.
    pub(super) fn counts(&self) -> Vec<(String, u64)> {
        let packets = &self.packets;
        let always = [("before", packets.pre), ("after", packets.post), ("matched", packets.matched), ("lost", packets.lost)];
        let others = [
            ("duplicates", packets.duplicates),
            ("reordered", packets.reordered),
            ("key not unique before", packets.ambiguous_pre),
            ("key not unique after", packets.ambiguous_post),
            ("unknown after", packets.unmatched_post),
            ("trimmed", packets.trimmed),
            ("too short for the key, before", packets.without_key_pre),
            ("too short for the key, after", packets.without_key_post),
        ];
        let others = others.into_iter().filter(|(_, packets)| *packets > 0);
        always.into_iter().chain(others).map(|(what, packets)| (what.to_owned(), packets)).collect()
    }

    /// How packets were matched, for the report.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let trim = self.trim.map(|trim| ("Lead-in left out".to_owned(), Time(trim).to_string()));
        [("Key (offset:length,mask)".to_owned(), self.key.clone()), ("Window".to_owned(), Time(self.window).to_string())]
            .into_iter()
            .chain(trim)
            .collect()
    }
}

fn notes(packets: &Packets) -> Vec<String> {
    let mut notes = Vec::new();
    if packets.pre > 0 && packets.matched == 0 {
        notes.push(
            "no packet was matched: are these captures of the same traffic, in this order, and does the key fit it?".to_owned(),
        );
    }
    if packets.ambiguous_pre > packets.pre / 100 {
        let part = share(packets.ambiguous_pre, packets.pre);
        notes.push(format!(
            "{part} of the packets before the device share their key with another; give a key that tells them apart"
        ));
    }
    if packets.given_up > 0 {
        let given_up = count(packets.given_up);
        notes.push(format!(
            "{given_up} late packets were given up because memory was full: some that are counted as lost may have arrived; \
             give more with --memory or a shorter --window"
        ));
    }
    notes
}
