//! How many packets a second get through: sending and receiving beside iperf3, forwarding beside DPDK's testpmd.
//!
//! Both sides have the same two cores, the same priority, the same kind of virtual Ethernet pairs, and turns one after the other. Beside
//! testpmd the load generator and sink is ours for both: only what forwards between the pairs differs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use super::round_trip::{Namespace, PRIORITY, Throttle};
use super::{Gate, median, print_ratio, run, shell};

const BENCH: [&str; 6] = ["bench", "--quiet", "--locked", "--package", "tailbed-traffic", "--bench"];
const ADDRESSES: [&str; 2] = ["10.214.0.1", "10.214.0.2"];

/// Million packets a second sent and received.
#[derive(Debug, Clone, Copy)]
struct Carried {
    sent: f64,
    received: f64,
}

/// The built bench: cargo itself must not run beside what is measured.
fn bench() -> anyhow::Result<PathBuf> {
    let output = run(Command::new(env!("CARGO")).args(BENCH).args(["volume", "--no-run", "--message-format=json"]))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let path = messages
        .filter(|message| message["target"]["name"] == "volume")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    path.context("cargo built no bench named volume")
}

/// One try of ours; `line` goes in front of the bench, to run it in a namespace.
fn ours(line: &[&str], bench: &Path, arguments: &[&str]) -> anyhow::Result<Carried> {
    let bench = bench.display().to_string();
    let words: Vec<&str> = line.iter().copied().chain([bench.as_str(), "--once"]).chain(arguments.iter().copied()).collect();
    let output = run(Command::new(words[0]).args(&words[1..]))?;
    let value: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("the bench did not print JSON: {}", String::from_utf8_lossy(&output.stderr)))?;
    let millions =
        |name: &str| value[name].as_f64().map(|rate| rate / 1e6).with_context(|| format!("the bench printed no {name}"));
    Ok(Carried { sent: millions("sent")?, received: millions("received")? })
}

/// Datagrams of 18 bytes make frames of 64 bytes with their check sequence. Ours sends and receives in one loop on one core, iperf3 in two
/// processes on two.
pub(super) fn iperf3(turns: usize) -> anyhow::Result<()> {
    let bench = bench()?;
    let throttle = Throttle::lift()?;
    let (mut here, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        here.push(ours(&[], &bench, &["wire", "xdp-copy", "packet-blocks"])?);
        theirs.push(iperf3_once()?);
    }
    drop(throttle);
    println!("64-byte frames over one veth pair (ours: xdp-copy to packet-blocks, one core; iperf3 -u -l 18, two cores)");
    compared("sent", &here, &theirs, |carried| carried.sent, Gate::AtLeast(2.0));
    compared("received", &here, &theirs, |carried| carried.received, Gate::AtLeast(3.0));
    Ok(())
}

fn compared(what: &str, here: &[Carried], theirs: &[Carried], pick: fn(&Carried) -> f64, gate: Gate) {
    let of = |all: &[Carried]| median(all.iter().map(pick).collect());
    print_ratio(what, "M/s", of(here), of(theirs), gate);
}

fn iperf3_once() -> anyhow::Result<Carried> {
    let (one, other) = (Namespace::make("iperf-a")?, Namespace::make("iperf-b")?);
    let (here, there) = (&one.0, &other.0);
    shell(&format!(
        "ip -n {here} link add peer type veth peer name peer netns {there} && \
         ip -n {here} address add {0}/24 dev peer && ip -n {there} address add {1}/24 dev peer && \
         ip -n {here} link set peer up && ip -n {there} link set peer up",
        ADDRESSES[0], ADDRESSES[1]
    ))?;
    let pinned = |namespace: &str, core: usize, what: &str| {
        format!("exec ip netns exec {namespace} taskset --cpu-list {core} chrt --fifo {PRIORITY} iperf3 {what}")
    };
    let mut server = Running::start(&pinned(there, 0, &format!("-s -1 -B {}", ADDRESSES[1])))?;
    listening(there, 5201)?;
    let output = shell(&pinned(here, 1, &format!("-c {} -u -l 18 -b 0 -t 1 -O 1 -J", ADDRESSES[1])))?;
    server.0.kill().ok();
    let value: Value = serde_json::from_slice(&output.stdout).context("iperf3 did not print JSON")?;
    let end =
        |which: &str, what: &str| value["end"][which][what].as_f64().with_context(|| format!("iperf3 printed no {which}.{what}"));
    let sent = end("sum_sent", "packets")? / end("sum_sent", "seconds")? / 1e6;
    let received = end("sum_received", "packets")? - end("sum_received", "lost_packets")?;
    Ok(Carried { sent, received: received / end("sum_received", "seconds")? / 1e6 })
}

/// Waits until a port of TCP is listened on.
fn listening(namespace: &str, port: u16) -> anyhow::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        let output = shell(&format!("ip netns exec {namespace} ss -ltnH sport = :{port}"))?;
        if !output.stdout.is_empty() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("nothing listens on port {port} after five seconds")
}

/// A process that ends with this.
struct Running(Child);

impl Running {
    fn start(line: &str) -> anyhow::Result<Self> {
        let quiet = || Stdio::null();
        Ok(Self(
            Command::new("sh")
                .args(["-c", line])
                .stdin(quiet())
                .stdout(quiet())
                .stderr(quiet())
                .spawn()
                .context("cannot start sh")?,
        ))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What forwards between the pairs, each with its gate.
pub(super) fn testpmd(turns: usize) -> anyhow::Result<()> {
    let bench = bench()?;
    let throttle = Throttle::lift()?;
    let modes = [("io", "none"), ("mac", "l2fwd")];
    // those an experiment gets by itself, and those that carry most here and there
    let ports = [("packet-batch", "packet"), ("packet-batch", "packet-blocks"), ("xdp-copy", "packet-blocks")];
    for (mode, function) in modes {
        let (mut here, mut theirs) = ([const { Vec::new() }; 3], [const { Vec::new() }; 2]);
        for _ in 0..turns {
            for (rows, (send, receive)) in here.iter_mut().zip(ports) {
                rows.push(ours(&[], &bench, &["forward", function, send, receive])?);
            }
            for (rows, driver) in theirs.iter_mut().zip(["net_af_packet", "net_af_xdp"]) {
                rows.push(testpmd_once(&bench, mode, driver)?);
            }
        }
        println!("forwarding 64-byte frames between two veth pairs: `{function}` beside dpdk-testpmd --forward-mode={mode}");
        for (theirs, driver) in theirs.iter().zip(["af_packet", "af_xdp"]) {
            for (at, (here, (send, receive))) in here.iter().zip(ports).enumerate() {
                // held to it is the pair that carries most; the others show what is to be had where AF_XDP is not
                let gate = if at + 1 == ports.len() { Gate::AtLeast(1.1) } else { Gate::None };
                compared(&format!("{send}, {receive}; {driver}"), here, theirs, |carried| carried.received, gate);
            }
        }
    }
    drop(throttle);
    Ok(())
}

fn testpmd_once(bench: &Path, mode: &str, driver: &str) -> anyhow::Result<Carried> {
    let namespace = Namespace::make("testpmd")?;
    let name = &namespace.0;
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let line: String = [("generator", "in"), ("sink", "out")]
        .map(|(near, far)| {
            format!(
                "ip -n {name} link add {near} numrxqueues 1 numtxqueues 1 type veth peer name {far} numrxqueues 1 numtxqueues 1 && \
                 ip -n {name} link set {near} up && ip -n {name} link set {far} up"
            )
        })
        .join(" && ");
    shell(&format!("{line} && ip netns exec {name} sysctl -qw net.ipv6.conf.all.disable_ipv6=1"))?;
    let device = |number: usize, interface: &str| format!("--vdev={driver}{number},iface={interface}");
    let testpmd = format!(
        "RUNTIME_DIRECTORY={} exec ip netns exec {name} chrt --fifo {PRIORITY} dpdk-testpmd --lcores='(0-1)@0' --no-pci --no-huge -m 256 \
         --no-shconf --no-telemetry {} {} -- --forward-mode={mode} --total-num-mbufs=16384 --stats-period=1",
        folder.display(),
        device(0, "in"),
        device(1, "out"),
    );
    let running = Running::start(&testpmd)?;
    let carried = forwards(name, bench, &running);
    drop(running);
    fs::remove_dir_all(&folder).ok();
    carried
}

/// testpmd takes a second or two to come up: what is measured before it forwards is no result.
fn forwards(namespace: &str, bench: &Path, _running: &Running) -> anyhow::Result<Carried> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_secs(2));
        let carried = ours(&["ip", "netns", "exec", namespace], bench, &["between"])?;
        if carried.received > 0.0 {
            return Ok(carried);
        }
    }
    bail!("testpmd forwards nothing after twenty seconds")
}
