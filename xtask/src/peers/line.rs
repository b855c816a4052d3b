//! Fifty nodes in a line, up and down again, beside Mininet; and how the time grows with the number of containers.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use super::{Gate, median, print_ratio, run, tailbed};
use crate::packages::installed;

const NODES: usize = 50;

/// Fifty hosts on fifty Linux bridges in a line, which is what Mininet calls one.
const MININET: &str = "
import time, json
from mininet.net import Mininet
from mininet.topo import LinearTopo
from mininet.nodelib import LinuxBridge
began = time.monotonic()
net = Mininet(topo=LinearTopo(k=50), switch=LinuxBridge, controller=None)
net.start()
up = time.monotonic() - began
began = time.monotonic()
net.stop()
print(json.dumps({'up_ms': up * 1e3, 'down_ms': (time.monotonic() - began) * 1e3}))
";

pub(super) fn compare(turns: usize) -> anyhow::Result<()> {
    let file = std::env::temp_dir().join(format!("tailbed-line-{}.toml", std::process::id()));
    fs::write(&file, experiment(NODES, "host")).with_context(|| format!("cannot write {}", file.display()))?;
    let compared = compare_with(&file.display().to_string(), turns);
    fs::remove_file(&file).ok();
    compared
}

fn compare_with(file: &str, turns: usize) -> anyhow::Result<()> {
    let beside = installed("mn") && installed("brctl");
    if !beside {
        println!("not beside Mininet: it is not installed (Debian packages mininet and bridge-utils)");
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        ours.push(times(&run(Command::new(tailbed()).args(["up-down", file]))?.stdout)?);
        if beside {
            // Debian's own Python has the module; another one on the path may not
            theirs.push(times(&run(Command::new("/usr/bin/python3").args(["-c", MININET]))?.stdout)?);
        }
    }
    println!(
        "{NODES} nodes in a line (ours: namespaces, links, an agent in each that answers; Mininet: hosts and Linux bridges)"
    );
    if !beside {
        let of = |at: usize| median(ours.iter().map(|row| row[at]).collect());
        println!("  ours alone: up {:.1} ms, down {:.1} ms", of(0), of(1));
        return Ok(());
    }
    for (at, name) in ["up", "down"].into_iter().enumerate() {
        let of = |rows: &[[f64; 2]]| median(rows.iter().map(|row| row[at]).collect());
        print_ratio(name, "ms", of(&ours), of(&theirs), Gate::AtMost(0.2));
    }
    Ok(())
}

fn times(output: &[u8]) -> anyhow::Result<[f64; 2]> {
    let line = output.split(|byte| *byte == b'\n').rfind(|line| line.starts_with(b"{")).context("no times were printed")?;
    let value: Value = serde_json::from_slice(line)?;
    let time = |name: &str| value[name].as_f64().with_context(|| format!("no {name} was printed"));
    Ok([time("up_ms")?, time("down_ms")?])
}

/// Containers with their links, up and down: how the time grows with their number.
pub(super) fn growth(turns: usize) -> anyhow::Result<()> {
    let file = std::env::temp_dir().join(format!("tailbed-growth-{}.toml", std::process::id()));
    println!("containers in a line, with their links, up and down again");
    let mut measured = Ok(());
    for nodes in [25, 50, 100] {
        fs::write(&file, experiment(nodes, "container")).with_context(|| format!("cannot write {}", file.display()))?;
        let times = || times(&run(Command::new(tailbed()).arg("up-down").arg(&file))?.stdout);
        let rows: anyhow::Result<Vec<[f64; 2]>> = (0..turns).map(|_| times()).collect();
        match rows {
            Ok(rows) => {
                let of = |at: usize| median(rows.iter().map(|row| row[at]).collect());
                let (up, down, each) = (of(0), of(1), nodes as f64);
                println!("  {nodes:>3}: up {up:.0} ms ({:.1} each), down {down:.0} ms ({:.1} each)", up / each, down / each);
            }
            Err(error) => {
                measured = Err(error);
                break;
            }
        }
    }
    fs::remove_file(&file).ok();
    measured
}

fn experiment(nodes: usize, environment: &str) -> String {
    let mut text = "name = \"line\"\nrepeats = 1\n".to_owned();
    for node in 1..=nodes {
        let _ = write!(text, "\n[nodes.n{node}]\nenvironment = \"{environment}\"\n");
    }
    text + "\n[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n"
}
