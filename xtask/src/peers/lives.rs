//! The start of a container beside runc, crun and LXC; and the boot of a virtual machine from a kernel beside that from a disk image.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Gate, median, print_ratio, run, shell, tailbed};
use crate::packages::installed;

/// The life of one container: from nothing to the first word of the agent inside.
const CONTAINER: &str =
    "name = \"container\"\nrepeats = 1\n\n[nodes.dut.container]\n\n[lifecycle]\nphases = [\"provision\", \"boot\"]\n";

/// Starts of containers that hold this same binary, in turns. Theirs have their bundle or configuration made beforehand; ours is timed
/// from before it is made.
pub(super) fn compare(turns: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let folder = folder.path();
    let file = folder.join("container.toml");
    fs::write(&file, CONTAINER)?;
    let mut peers: Vec<(&str, Vec<f64>)> = Vec::new();
    for runtime in ["runc", "crun"].into_iter().filter(|runtime| installed(runtime)) {
        bundle(folder, runtime)?;
        peers.push((runtime, Vec::new()));
    }
    let lxc = installed("lxc-start").then(|| lxc_create(folder)).transpose()?;
    let (mut lxc_times, mut lxc_words) = (Vec::new(), Vec::new());
    let mut ours = Vec::new();
    for _ in 0..turns {
        ours.push(life(&file, folder, &["provision", "boot"])?);
        peers.retain_mut(|(runtime, times)| match first_word(folder, runtime) {
            Ok(time) => {
                times.push(time);
                true
            }
            Err(error) => {
                println!("  not beside {runtime}: {error:#}");
                false
            }
        });
        if lxc.is_some() {
            let (time, word) = lxc_start(folder)?;
            lxc_times.push(time);
            lxc_words.push(word);
        }
    }
    println!(
        "start of a container (ours: from nothing to the agent's first word; theirs: from the command to the same word of the same"
    );
    println!("binary, which lxc-attach starts where lxc-start alone only has come back)");
    for (runtime, times) in peers {
        print_ratio(runtime, "ms", median(ours.clone()), median(times), Gate::AtMost(1.0));
    }
    if lxc.is_some() {
        print_ratio("lxc-start and lxc-attach", "ms", median(ours.clone()), median(lxc_words), Gate::AtMost(1.0));
        print_ratio("lxc-start alone, no word", "ms", median(ours), median(lxc_times), Gate::None);
        shell(&format!("lxc-destroy -P {} -n peer", folder.display()))?;
    }
    Ok(())
}

/// Sum of some phases of one life, ms.
fn life(file: &Path, folder: &Path, phases: &[&str]) -> anyhow::Result<f64> {
    let output = run(Command::new(tailbed()).arg("run").arg(file).arg("--json").arg("--out").arg(folder.join("results")))?;
    let all: Value = serde_json::from_slice(&output.stdout).context("the results cannot be read")?;
    let life = &all["summary"]["runs"][0];
    if let Some(failed) = life["failed"].as_str() {
        bail!("{failed}");
    }
    let times = life["phases"].as_array().context("the life has no phases")?;
    let of = |phase: &&str| times.iter().find(|taken| taken["phase"] == **phase).and_then(|taken| taken["time"].as_f64());
    Ok(phases.iter().filter_map(of).sum::<f64>() / 1e6)
}

/// A bundle as `RUNTIME spec` makes it, with our binary as its only file and its first process; its name is the runtime's.
fn bundle(folder: &Path, runtime: &str) -> anyhow::Result<()> {
    let bundle = folder.join(runtime);
    fs::create_dir_all(bundle.join("rootfs"))?;
    fs::copy(tailbed(), bundle.join("rootfs/tailbed"))?;
    run(Command::new(runtime).arg("spec").current_dir(&bundle))?;
    let path = bundle.join("config.json");
    let mut configuration: Value = serde_json::from_slice(&fs::read(&path)?)?;
    configuration["process"]["terminal"] = false.into();
    configuration["process"]["args"] = serde_json::json!(["/tailbed", "agent"]);
    Ok(fs::write(&path, serde_json::to_vec(&configuration)?)?)
}

/// From the command to the first byte that the agent inside says, ms.
fn first_word(folder: &Path, runtime: &str) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut command = Command::new(runtime);
    command.args(["run", "--bundle"]).arg(folder.join(runtime)).arg(format!("peer-{}", std::process::id()));
    first_byte(&mut command, began)
}

/// Until the first byte that a command says, ms.
fn first_byte(command: &mut Command, began: Instant) -> anyhow::Result<f64> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut byte = [0];
    let read = child.stdout.take().context("no output")?.read(&mut byte)?;
    let time = began.elapsed().as_secs_f64() * 1e3;
    // the end of its input tells the agent to leave
    let output = child.wait_with_output()?;
    if read == 0 {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or("it said nothing"));
    }
    Ok(time)
}

/// A container of LXC's own making, in a folder of ours.
fn lxc_create(folder: &Path) -> anyhow::Result<()> {
    shell(&format!("lxc-create -P {} -n peer -t busybox > /dev/null", folder.display()))?;
    fs::copy(tailbed(), folder.join("peer/rootfs/tailbed"))?;
    let config = folder.join("peer/config");
    let text = fs::read_to_string(&config)?;
    let quiet: String = text.lines().filter(|line| !line.starts_with("lxc.net.")).map(|line| line.to_owned() + "\n").collect();
    Ok(fs::write(&config, quiet + "lxc.net.0.type = empty\n")?)
}

/// Until lxc-start has come back, and until the agent that is then attached has said its first byte, ms.
fn lxc_start(folder: &Path) -> anyhow::Result<(f64, f64)> {
    let place = folder.display();
    let began = Instant::now();
    shell(&format!("lxc-start -P {place} -n peer"))?;
    let started = began.elapsed().as_secs_f64() * 1e3;
    let mut attach = Command::new("lxc-attach");
    attach.arg("-P").arg(folder).args(["-n", "peer", "--", "/tailbed", "agent"]);
    let word = first_byte(&mut attach, began);
    shell(&format!("lxc-stop -P {place} -n peer --kill"))?;
    Ok((started, word?))
}

/// Boots of the same emulator to the first word of the agent: from a kernel with our initial RAM file system, and from a disk image that
/// brings a system of its own.
pub(super) fn boots(turns: usize) -> anyhow::Result<()> {
    let image = std::env::var("TAILBED_DISK_IMAGE").unwrap_or_default();
    if image.is_empty() {
        println!("skipped: boots of virtual machines: TAILBED_DISK_IMAGE names no disk image of a system with cloud-init");
        return Ok(());
    }
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let folder = folder.path();
    let life_of =
        |table: &str| format!("name = \"vm\"\nrepeats = 1\n\n[nodes.dut.vm]\n{table}\n[lifecycle]\nphases = [\"boot\"]\n");
    fs::write(folder.join("kernel.toml"), life_of(""))?;
    let disk = format!("image = {image:?}\nmemory = \"512MiB\"\nboot_timeout = \"10min\"\n");
    fs::write(folder.join("disk.toml"), life_of(&disk))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        ours.push(life(&folder.join("kernel.toml"), folder, &["boot"])? / 1e3);
        theirs.push(life(&folder.join("disk.toml"), folder, &["boot"])? / 1e3);
    }
    println!("boot of a virtual machine to the agent's first word (ours: from a kernel; theirs: from {image})");
    print_ratio("boot", "s", median(ours), median(theirs), Gate::AtMost(1.0 / 3.0));
    Ok(())
}
