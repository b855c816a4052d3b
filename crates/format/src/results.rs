//! Where everything lies in a results folder. Nothing is ever overwritten but `progress.json`, which is replaced as a whole.
//!
//! ```text
//! results/first-look-20261121-013000/
//!   experiment.toml      the file as given
//!   campaign.json        overrides, seed, order, what it takes to resume
//!   progress.json        how far the campaign is, for `tailbed watch`
//!   facts.json           the host
//!   summary.json         all cells, comparisons and runs
//!   ro-crate-metadata.json  what all of it is, for archives
//!   report.html          the report, and its plots/ as SVG, PNG and CSV
//!   SHA256SUMS           what lies here and what the runs wrote last; each run has one of its own files
//!   runs/0003-container-r1/
//!     plan.json steps.txt journal.jsonl packets.parquet latency.hgrm latency.hlog gaps.csv summary.json SHA256SUMS
//!     agent-*.log
//!     capture/             of the timestamper: 1-generator-to-dut.pcapng and so on, one file per direction of a tapped link
//!     kept.json            what went over time, in blocks too, the greatest latencies with their places, what the packets showed of
//!                          each deadline
//!     interrupts.csv       one row per reading, core and source of interrupts that had any; foreign-tasks.csv one row per turn
//!                          that a task had on a packet core where it does not belong
//!     noise.json           of a noise test, in place of packets, latency and gaps: every value of every core
//!     flows.csv            one row per flow, where there is more than one
//!     trials.jsonl         of a search, in place of packets, latency and gaps: one line per trial; latency-50.hgrm and
//!                          packets-50.parquet of the trial at 50 % of what was found
//!     programs.json        how scripts and commands ended; programs/ their texts and what they printed
//!     results-dut/         what programs in the node left in TAILBED_RESULTS; host-dut/ what its scripts on the host left
//! ```

/// The experiment file as given.
pub const EXPERIMENT: &str = "experiment.toml";
/// Overrides, seed, order: what it takes to resume.
pub const CAMPAIGN: &str = "campaign.json";
/// How far the campaign is.
pub const PROGRESS: &str = "progress.json";
/// The host.
pub const FACTS: &str = "facts.json";
/// Of a run: one attempt. Of a campaign: all of it.
pub const SUMMARY: &str = "summary.json";
/// Of results of others: all of them, in place of a campaign's files.
pub const IMPORTED: &str = "imported.json";
/// What the folder is and how to cite it: RO-Crate 1.1.
pub const RO_CRATE: &str = "ro-crate-metadata.json";
/// The report.
pub const REPORT: &str = "report.html";
/// Of a run and of a campaign: SHA-256 of its files, as sha256sum(1) writes and checks them.
pub const SUMS: &str = "SHA256SUMS";
/// Folder of the plots.
pub const PLOTS: &str = "plots";
/// Folder of the runs.
pub const RUNS: &str = "runs";
/// Of a run: parameters, steps and orders.
pub const PLAN: &str = "plan.json";
/// Of a run: its steps as shell lines.
pub const STEPS: &str = "steps.txt";
/// Of a run: what was done to the host and taken back.
pub const JOURNAL: &str = "journal.jsonl";
/// Of a run: one row per packet.
pub const PACKETS: &str = "packets.parquet";
/// Of a run: the HdrHistogram percentile table.
pub const HGRM: &str = "latency.hgrm";
/// Of a run: the HdrHistogram log, a histogram for each second.
pub const HLOG: &str = "latency.hlog";
/// Of a run: the generator's gaps.
pub const GAPS: &str = "gaps.csv";
/// Of a run: what a report needs of its records besides counts, made while they were in memory.
pub const KEPT: &str = "kept.json";
/// Of a run: interrupts and softirqs per core and source over time.
pub const INTERRUPTS: &str = "interrupts.csv";
/// Of a run: turns that tasks had on packet cores where they do not belong.
pub const FOREIGN_TASKS: &str = "foreign-tasks.csv";
/// Of a search: one line per trial, in order, written as they are made.
pub const TRIALS: &str = "trials.jsonl";
/// Of a run: one row per flow, where there is more than one.
pub const FLOWS: &str = "flows.csv";
/// Of a noise test: what every core showed, test by test.
pub const NOISE: &str = "noise.json";
/// Of a run: folder of the timestamper's files.
pub const CAPTURE: &str = "capture";
/// Of a run: how its scripts and commands ended.
pub const PROGRAMS: &str = "programs.json";
/// Of a run: folder of the scripts' texts and of what programs printed.
pub const PROGRAM_LOGS: &str = "programs";

/// Of a run: folder of what a node's programs left in `TAILBED_RESULTS`.
pub fn node_results(node: &str) -> String {
    format!("results-{node}")
}

/// Of a run: folder of what a node's scripts on the host left in `TAILBED_RESULTS`.
pub fn host_results(node: &str) -> String {
    format!("host-{node}")
}

/// Of a search: the percentile table of latency at a share of what was found, ppm.
pub fn latency_hgrm(share: u32) -> String {
    format!("latency-{}.hgrm", percent(share))
}

/// Of a search: the packets of the trial for latency at a share of what was found, ppm.
pub fn latency_packets(share: u32) -> String {
    format!("packets-{}.parquet", percent(share))
}

/// A share in percent without trailing zeros.
fn percent(share: u32) -> String {
    let (whole, rest) = (share / 10_000, share % 10_000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{}", format!("{rest:04}").trim_end_matches('0')) }
}
