//! What each file of a results folder is: its media type, and a sentence.

use tailbed_format::results;

/// Media types by a file's ending (IANA's registry where it has one).
const FORMATS: [(&str, &str); 15] = [
    ("parquet", "application/vnd.apache.parquet"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("toml", "application/toml"),
    ("pcapng", "application/x-pcapng"),
    ("pcap", "application/vnd.tcpdump.pcap"),
    ("md", "text/markdown"),
    ("zst", "application/zstd"),
    ("hgrm", "text/plain"),
    ("hlog", "text/plain"),
    ("txt", "text/plain"),
];

/// Files and folders by name.
const NAMED: [(&str, &str); 25] = [
    (results::EXPERIMENT, "The experiment file as it was given: what was to be measured, and how"),
    (results::CAMPAIGN, "Options of the command line and the names of all runs in their order"),
    (results::FACTS, "The machine: processor, kernel, command line, mitigations, privileges, version of tailbed"),
    (results::SUMMARY, "Percentiles with intervals, counts, validity and comparisons"),
    (results::IMPORTED, "Distributions that other programs measured, as they were read from their files"),
    (results::REPORT, "The report, one page that needs no network"),
    (results::PLAN, "What was to be done: parameters, steps and orders"),
    (results::STEPS, "Every change to the host, as the shell line for it"),
    (results::JOURNAL, "What was done to the host and taken back, line by line"),
    (results::PACKETS, "One row per packet: flow, sequence number, length, and when it was due, sent and received, in ns"),
    (results::HGRM, "HdrHistogram percentile table of the latency, in microseconds"),
    (results::HLOG, "HdrHistogram interval log of the latency, a histogram for each second, in ns"),
    (results::KEPT, "What a report needs of the order of the packets: blocks, timeline, the greatest latencies, deadlines"),
    (results::SUMS, "SHA-256 of the files, as sha256sum(1) checks them"),
    (results::GAPS, "When the generator's loop saw nothing, and for how long, in ns"),
    (results::INTERRUPTS, "Interrupts and softirqs of the packet cores over time"),
    (results::FOREIGN_TASKS, "Turns that tasks had on packet cores where they do not belong"),
    (results::TRIALS, "Every trial of the search, line by line"),
    (results::FLOWS, "What became of each flow"),
    (results::NOISE, "Every value of every core"),
    (results::PROGRAMS, "How scripts and commands ended"),
    ("runs/", "One folder for each attempt at a run"),
    ("plots/", "Every plot, with the data in it"),
    ("capture/", "What the timestamper captured"),
    ("programs/", "Scripts, and what they printed"),
];

/// The media type of a file.
pub(super) fn format(path: &str) -> &'static str {
    let ending = path.rsplit('.').next().unwrap_or_default();
    let found = FORMATS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format);
    let log = (ending == "log" || path.ends_with(results::SUMS)).then_some("text/plain");
    found.or(log).unwrap_or("application/octet-stream")
}

/// What a file or, with a slash at the end, a folder is.
pub(super) fn described(path: &str) -> String {
    let folder = path.ends_with('/');
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let wanted = if folder { format!("{name}/") } else { name.to_owned() };
    if let Some((_, words)) = NAMED.iter().find(|(known, _)| *known == wanted) {
        return (*words).to_owned();
    }
    let in_plots = path.starts_with("plots/") || path.contains("/plots/");
    let words = match format(path) {
        _ if folder && path.starts_with("runs/") && path.matches('/').count() == 2 => "An attempt at a run",
        _ if folder => "A folder of what programs left",
        "text/csv" if in_plots => "The data in the plot of the same name",
        _ if in_plots => "A plot",
        "application/vnd.apache.parquet" => "One row per packet of the trial for latency at a share of what was found",
        "text/plain" if name.starts_with("latency-") => "HdrHistogram percentile table of the latency, in microseconds",
        "text/plain" if name.starts_with("agent-") => "What an agent said",
        "application/x-pcapng" => "Packets of a tapped link in one direction, with nanoseconds",
        _ => "What a program left",
    };
    words.to_owned()
}
