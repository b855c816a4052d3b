//! Round trips with one packet in flight, beside sockperf: both ends poll, on a core each, under SCHED_FIFO.

use std::process::{Child, Command, Stdio};

use anyhow::Context;

use super::{Gate, median, print_ratio, run, shell};

pub(super) const PRIORITY: u8 = 50;
const THROTTLE: &str = "/proc/sys/kernel/sched_rt_runtime_us";
const ADDRESS: &str = "10.213.0.1";

/// p50, p99 and p99.9 of a round trip, µs.
type Percentiles = [f64; 3];

pub(super) fn compare(turns: usize) -> anyhow::Result<()> {
    let build = ["bench", "--quiet", "--locked", "--package", "tailbed-traffic", "--bench", "round_trip", "--no-run"];
    run(Command::new(env!("CARGO")).args(build))?;
    let throttle = Throttle::lift()?;
    let lab = Lab::make()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        ours.push(ours_once()?);
        theirs.push(sockperf_once(&lab)?);
    }
    drop(lab);
    drop(throttle);
    println!(
        "round trip on veth, polling, 64-byte frames (sockperf ping-pong --nonblocked --full-rtt; UDP beside packet sockets)"
    );
    for (at, (name, gate)) in
        [("p50", Gate::AtMost(0.6)), ("p99", Gate::AtMost(0.75)), ("p99.9", Gate::None)].into_iter().enumerate()
    {
        let of = |rows: &[Percentiles]| median(rows.iter().map(|row| row[at]).collect());
        print_ratio(name, "µs", of(&ours), of(&theirs), gate);
    }
    Ok(())
}

/// One-way times and lateness have no peer to stand beside: the bench prints them.
pub(super) fn one_way() -> anyhow::Result<()> {
    let bench = ["bench", "--quiet", "--locked", "--package", "tailbed-traffic", "--bench", "round_trip"];
    println!("ours alone:\n{}", String::from_utf8_lossy(&run(Command::new(env!("CARGO")).args(bench))?.stdout));
    Ok(())
}

fn ours_once() -> anyhow::Result<Percentiles> {
    let bench = ["bench", "--quiet", "--locked", "--package", "tailbed-traffic", "--bench", "round_trip", "--", "--round-trip"];
    let output = run(Command::new(env!("CARGO")).args(bench))?;
    let row: serde_json::Value = serde_json::from_slice(&output.stdout).context("the bench did not print JSON")?;
    let micros = |name: &str| row[name].as_f64().map(|ns| ns / 1000.0).with_context(|| format!("the bench printed no {name}"));
    Ok([micros("p50")?, micros("p99")?, micros("p99_9")?])
}

fn sockperf_once(lab: &Lab) -> anyhow::Result<Percentiles> {
    let [Namespace(here), Namespace(there)] = &lab.namespaces;
    let pinned = |namespace: &str, core: usize, what: &str| {
        format!("exec ip netns exec {namespace} taskset --cpu-list {core} chrt --fifo {PRIORITY} sockperf {what}")
    };
    let server = Server::start(&pinned(there, 0, &format!("server --ip {ADDRESS} --nonblocked")))?;
    let client = format!("ping-pong --ip {ADDRESS} --nonblocked --full-rtt --msg-size 18 --time 1");
    // the server needs a moment until it listens: the client tells by its first answers, so a warm-up is part of its own run
    let output = shell(&format!("sleep 0.3; {}", pinned(here, 1, &client)));
    drop(server);
    let output = output?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let at = |name: &str| {
        let line = text.lines().find(|line| line.contains(&format!("percentile {name} ")));
        line.and_then(|line| line.rsplit('=').next()?.trim().parse().ok())
            .with_context(|| format!("sockperf printed no {name}:\n{text}"))
    };
    Ok([at("50.000")?, at("99.000")?, at("99.900")?])
}

/// A server that ends with this.
struct Server(Child);

impl Server {
    fn start(line: &str) -> anyhow::Result<Self> {
        let quiet = || Stdio::null();
        Ok(Self(Command::new("sh").args(["-c", line]).stdout(quiet()).stderr(quiet()).spawn().context("cannot start sockperf")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A network namespace, gone with this.
pub(super) struct Namespace(pub(super) String);

impl Namespace {
    pub(super) fn make(name: &str) -> anyhow::Result<Self> {
        // the process id in the name makes it ours
        let name = format!("tb-peers-{}-{name}", std::process::id());
        shell(&format!("ip netns add {name}"))?;
        Ok(Self(name))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // also after a signal, when nothing new is begun
        Command::new("ip").args(["netns", "delete", &self.0]).status().ok();
    }
}

/// Two namespaces with a veth pair, gone with this.
struct Lab {
    namespaces: [Namespace; 2],
}

impl Lab {
    fn make() -> anyhow::Result<Self> {
        let namespaces = [Namespace::make("a")?, Namespace::make("b")?];
        let [Namespace(here), Namespace(there)] = &namespaces;
        shell(&format!(
            "ip -n {here} link add peer type veth peer name peer netns {there} && \
             ip -n {here} address add 10.213.0.2/24 dev peer && ip -n {there} address add {ADDRESS}/24 dev peer && \
             ip -n {here} link set peer up && ip -n {there} link set peer up"
        ))?;
        Ok(Self { namespaces })
    }
}

/// The limit on real-time tasks, lifted for both sides alike and put back with this.
pub(super) struct Throttle(String);

impl Throttle {
    pub(super) fn lift() -> anyhow::Result<Self> {
        let before = std::fs::read_to_string(THROTTLE).with_context(|| format!("cannot read {THROTTLE}"))?;
        std::fs::write(THROTTLE, "-1").with_context(|| format!("cannot write {THROTTLE}; run as root"))?;
        Ok(Self(before))
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        std::fs::write(THROTTLE, self.0.trim()).ok();
    }
}
