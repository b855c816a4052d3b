//! Whether guests run under KVM. A device that opens may still not carry a guest: so one is run, with nothing but the agent in it.
//!
//! It is run by a process of its own, which can move into a user namespace without moving this one, and through the journal, so that it
//! leaves nothing behind whenever it is killed. What came of it holds until the host is restarted or the emulator is changed.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tailbed_format::facts::{Accelerator, Kvm};
use tailbed_plan::step::{AgentEnvironment, Boot, Kernel, Machine, Step, VmSpec};

use super::engine::vm::version;
use crate::apply::{Broken, Host, apply_all, follow, take_back_all};
use crate::failure::Failure;
use crate::journal::{self, Journal};
use crate::{run, user_namespace};

/// A guest that has not come up in this time will not: where they run, they take a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of an earlier try.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    /// The boot it was made in.
    boot: String,
    /// Version of the emulator.
    emulator: String,
    /// What came of it.
    kvm: Kvm,
}

/// What is known without running a guest.
pub(super) fn known() -> Kvm {
    if let Err(error) = File::options().read(true).write(true).open("/dev/kvm") {
        return Kvm::Refused(match error.kind() {
            io::ErrorKind::NotFound => "there is no /dev/kvm".to_owned(),
            _ => format!("/dev/kvm cannot be opened: {error}"),
        });
    }
    let remembered = path().and_then(|path| Ok(serde_json::from_slice::<Remembered>(&fs::read(path)?)?)).ok();
    let valid = remembered.filter(|then| then.boot == journal::boot_id() && Some(&then.emulator) == version().as_ref());
    valid.map_or(Kvm::Unknown, |then| then.kvm)
}

fn path() -> anyhow::Result<PathBuf> {
    Ok(journal::path()?.join("kvm.json"))
}

/// Runs a guest, and remembers what came of it.
pub(crate) fn find_out() -> Result<Kvm, Failure> {
    let Some(emulator) = version() else { return Ok(Kvm::Unknown) };
    eprintln!("note: trying whether guests run under KVM, which is remembered until this host is restarted");
    let interrupted = run::watch()?;
    let mut command = Command::new("/proc/self/exe");
    command.arg("try-kvm").arg("--parent").arg(std::process::id().to_string()).stdin(Stdio::null());
    let output = command.output().context("cannot start this program again")?;
    if interrupted.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted("interrupted while trying KVM; everything is taken back".to_owned()));
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let found = serde_json::from_slice(&output.stdout).with_context(|| format!("the try of KVM ended early: {said}"))?;
    let kvm = match found {
        Kvm::Refused(reason) if !said.is_empty() => {
            Kvm::Refused(format!("{reason}; {}", said.lines().next_back().unwrap_or_default()))
        }
        found => found,
    };
    if kvm != Kvm::Unknown {
        remember(&Remembered { boot: journal::boot_id(), emulator, kvm: kvm.clone() })?;
    }
    Ok(kvm)
}

fn remember(remembered: &Remembered) -> anyhow::Result<()> {
    let path = journal::folder()?.join("kvm.json");
    let partial = path.with_extension("partial");
    let written = fs::write(&partial, serde_json::to_vec(remembered)?).and_then(|()| fs::rename(&partial, &path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// The program's life as a try of KVM: prints what came of it as JSON.
pub(crate) fn run_as_try(parent: i32) -> Result<(), Failure> {
    follow(Some(parent))?;
    if !super::is_root() {
        user_namespace::enter()?;
    }
    let interrupted = run::watch()?;
    let token = run::draw_token()?;
    let steps = steps(&token);
    let mut journal = Journal::open(&token, "kvm")?;
    let mut host = Host::new()?;
    let mut done = Vec::new();
    let began = Instant::now();
    let up = attempt(&steps, &mut host, &mut journal, &mut done, &interrupted);
    let left = take_back_all(&done, &mut host, &mut journal);
    if !left.is_empty() {
        return Err(anyhow::anyhow!("not everything could be taken back: {}", left.join("; ")).into());
    }
    journal.discard()?;
    let kvm = match up {
        Ok(()) => Kvm::Works,
        // without the folder of the machine there was nothing to try with: no kernel, most likely
        Err(Broken::Failed(_)) if done.is_empty() => Kvm::Unknown,
        Err(Broken::Failed(_)) if began.elapsed() >= PATIENCE => {
            Kvm::Refused(format!("a guest that was started to try it had not come up after {PATIENCE:?}"))
        }
        Err(Broken::Failed(error) | Broken::Left(error)) => {
            Kvm::Refused(format!("a guest that was started to try it failed: {error:#}").replace('\n', " "))
        }
        Err(Broken::Interrupted) => return Err(Failure::Interrupted("interrupted".to_owned())),
    };
    crate::print(&(serde_json::to_string(&kvm).map_err(anyhow::Error::from)? + "\n"))
}

fn attempt<'a>(
    steps: &'a [Step],
    host: &mut Host,
    journal: &mut Journal,
    done: &mut Vec<crate::apply::Done<'a>>,
    interrupted: &AtomicBool,
) -> Result<(), Broken> {
    apply_all(steps, host, journal, done, interrupted).and_then(|()| run::expect_hello(host, NODE, interrupted))
}

/// The guest's name as a node.
const NODE: &str = "kvm";

/// What runs the guest.
fn steps(token: &str) -> [Step; 2] {
    let environment = AgentEnvironment::Vm(VmSpec {
        id: format!("tb-{token}-{NODE}"),
        accelerator: Accelerator::Kvm,
        machine: Machine::Q35,
        cpu: None,
        vcpus: 1,
        cpus: Vec::new(),
        priority: None,
        memory: 256 << 20,
        hugepages: false,
        preallocate: false,
        lock_memory: false,
        boot: Boot::Kernel { kernel: Kernel::Newest, command_line: String::new(), root: None },
        interfaces: Vec::new(),
        arguments: Vec::new(),
        boot_timeout: u64::try_from(PATIENCE.as_nanos()).unwrap_or(u64::MAX),
    });
    let node = NODE.to_owned();
    [
        Step::ProvisionNode { node: node.clone(), environment: environment.clone() },
        Step::StartAgent { node, namespace: None, environment },
    ]
}
