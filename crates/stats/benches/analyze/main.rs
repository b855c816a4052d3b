//! How fast two captures are compared, and in how much memory.
//!
//! - Two captures of ten million packets each, from files, on one core: at most 60 ns a pair and 256 MiB.
//! - A pair of 300 000 packets, beside the 7.3 s that the authors' Python and PostgreSQL take for one.
//! - With `TAILBED_BENCH_LARGE=1`: a hundred million packets each, made as they are read, for linear time and constant memory.
//!
//! Each measurement is a process of its own, so that its peak memory (`VmHWM`, proc_pid_status(5)) is its own.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark reads files and starts processes")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::env;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tailbed_stats::analysis::{Analysis, Direct, GivenUp, Options, analyse};
use tailbed_stats::capture::Reader;

mod traffic;

use traffic::Capture;

/// What the authors' pipeline (Python and PostgreSQL) was seen to take for a pair of 300 000 packets on a machine of two cores, s.
const AUTHORS: f64 = 7.3;
const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/captures");

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("child") => child(&arguments[1..]),
        Some("--bench") => report(10_000_000),
        // Run as a test: see that it works.
        _ => report(20_000),
    }
}

fn report(packets: u64) {
    let folder = env::temp_dir().join(format!("tailbed-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let small = pair(&folder, "small", 300_000.min(packets));
    let large = pair(&folder, "large", packets);
    for _ in 0..3 {
        print(&format!("{packets} packets, files, one core"), &measure(&["files", &large.0, &large.1]), "target 60 ns, 256 MiB");
    }
    let authors = authors_pair().inspect(|_| println!("(the authors' own captures, zstd included)"));
    let compressed = authors.is_some();
    let (pre, post) = authors.unwrap_or(small);
    let kind = if compressed { "zstd" } else { "files" };
    for _ in 0..3 {
        let measured = measure(&[kind, &pre, &post]);
        let faster = AUTHORS / measured.seconds;
        print("300000 packets", &measured, &format!("{faster:.0}x faster than {AUTHORS} s, target 50x"));
    }
    for packets in [packets, 10 * packets] {
        if packets > 10_000_000 && env::var_os("TAILBED_BENCH_LARGE").is_none_or(|set| set != "1") {
            println!("{packets} packets: set TAILBED_BENCH_LARGE=1");
            continue;
        }
        let alone = measure(&["generate", &packets.to_string()]);
        let measured = measure(&["generated", &packets.to_string()]);
        let note = format!("{:.1} ns of it for making them", alone.nanoseconds());
        print(&format!("{packets} packets, made as read"), &measured, &note);
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Writes a pair of captures.
fn pair(folder: &Path, name: &str, packets: u64) -> (String, String) {
    let write = |behind: bool| {
        let path = folder.join(format!("{name}.{}.pcap", if behind { "post" } else { "pre" }));
        io::copy(&mut BufReader::with_capacity(1 << 20, Capture::new(packets, behind)), &mut File::create(&path).unwrap())
            .unwrap();
        path.to_str().unwrap().to_owned()
    };
    (write(false), write(true))
}

fn authors_pair() -> Option<(String, String)> {
    let path = |side: &str| PathBuf::from(CAPTURES).join(format!("l2fwd-host.{side}.pcap.zst")).to_str().map(str::to_owned);
    Some((path("pre")?, path("post")?)).filter(|(pre, _)| Path::new(pre).exists())
}

/// What a child measured.
struct Measured {
    pairs: u64,
    seconds: f64,
    kibibytes: u64,
}

impl Measured {
    fn nanoseconds(&self) -> f64 {
        self.seconds * 1e9 / self.pairs as f64
    }
}

fn print(what: &str, measured: &Measured, note: &str) {
    println!(
        "{what}: {:.3} s, {:.1} ns a pair, {} MiB ({note})",
        measured.seconds,
        measured.nanoseconds(),
        measured.kibibytes.div_ceil(1024),
    );
}

fn measure(arguments: &[&str]) -> Measured {
    let output = Command::new(env::current_exe().unwrap()).arg("child").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let mut fields = text.split_whitespace();
    let mut field = || fields.next().unwrap();
    Measured { pairs: field().parse().unwrap(), seconds: field().parse().unwrap(), kibibytes: field().parse().unwrap() }
}

fn child(arguments: &[String]) {
    let (pairs, took) = match arguments {
        [kind, pre, post] if kind == "files" => timed(File::open(pre).unwrap(), File::open(post).unwrap()),
        [kind, pre, post] if kind == "zstd" => {
            let open = |path: &str| zstd::Decoder::new(File::open(path).unwrap()).unwrap();
            timed(open(pre), open(post))
        }
        [kind, packets] if kind == "generated" => {
            let packets = packets.parse().unwrap();
            timed(Capture::new(packets, false), Capture::new(packets, true))
        }
        [kind, packets] if kind == "generate" => {
            let packets = packets.parse().unwrap();
            let began = cpu_time();
            for behind in [false, true] {
                drain(Capture::new(packets, behind));
            }
            (packets, cpu_time().saturating_sub(began))
        }
        other => panic!("no such measurement: {other:?}"),
    };
    println!("{pairs} {} {}", took.as_secs_f64(), peak_memory());
}

fn timed(pre: impl Read, post: impl Read) -> (u64, Duration) {
    let options = Options::default();
    let began = cpu_time();
    let mut pre = Direct::new(Reader::new(pre, "pre"), &options.key);
    let mut post = Direct::new(Reader::new(post, "post"), &options.key);
    let analysis = analyse(&mut pre, &mut post, &options).unwrap();
    let took = cpu_time().saturating_sub(began);
    check(&analysis);
    (analysis.latency.count(), took)
}

/// A benchmark of wrong results is worth nothing.
fn check(analysis: &Analysis) {
    assert_eq!(analysis.latency.count() + analysis.lost, analysis.pre.packets);
    assert_eq!(analysis.latency.count() + analysis.duplicates, analysis.post.packets);
    assert_eq!(analysis.given_up, GivenUp::default());
}

fn drain(mut capture: Capture) {
    let mut buffer = vec![0; 256 << 10];
    while capture.read(&mut buffer).unwrap() > 0 {
        std::hint::black_box(&buffer);
    }
}

/// Time this process has had on a core (proc_pid_schedstat(5)): other programs on the machine do not count against us.
fn cpu_time() -> Duration {
    let schedstat = fs::read_to_string("/proc/self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split_whitespace().next().unwrap().parse().unwrap())
}

/// Peak memory of this process, KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
