//! What the tests share: one at a time on the host, a lab folder each, and a look at what is left on the host.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::{fs, panic, thread};

use rustix::thread::{CpuSet, sched_getaffinity};
use serde_json::Value;
use tempfile::TempDir;

/// Packets of two tests at once would disturb each other.
static HOST: Mutex<()> = Mutex::new(());

/// One test's place: its own state folder and results.
pub(crate) struct Lab {
    _host: MutexGuard<'static, ()>,
    pub(crate) folder: TempDir,
}

/// A lab, or `None` and a line that says why when the test cannot run here.
pub(crate) fn lab() -> Option<Lab> {
    if !rustix::process::geteuid().is_root() || fs::create_dir_all("/run/netns").is_err() {
        let required = std::env::var_os("TAILBED_REQUIRE_HOST_TESTS").is_some_and(|value| value == "1");
        assert!(!required, "this test needs root, and TAILBED_REQUIRE_HOST_TESTS=1 does not let it be skipped");
        println!("skipped: needs root");
        return None;
    }
    let host = HOST.lock().unwrap_or_else(PoisonError::into_inner);
    tell_at_once();
    Some(Lab { _host: host, folder: tempfile::tempdir().unwrap() })
}

/// From now on what a test fails of is said when it fails too, past what keeps a test's output: all else is said when the last has ended, a
/// quarter of an hour later.
fn tell_at_once() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            let thread = thread::current();
            let _ = writeln!(std::io::stderr(), "{}: {panicked}", thread.name().unwrap_or_default());
            usual(panicked);
        }));
    });
}

/// Whether a program that a kind of environment needs is installed; says so where it is not.
pub(crate) fn engine(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !installed {
        let required = std::env::var_os("TAILBED_REQUIRE_HOST_TESTS").is_some_and(|value| value == "1");
        assert!(!required, "this test needs {program}, and TAILBED_REQUIRE_HOST_TESTS=1 does not let it be skipped");
        println!("skipped: needs {program}");
    }
    installed
}

impl Lab {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes an experiment of one node, with further lines at its end.
    pub(crate) fn experiment(&self, environment: &str, duration: &str, more: &str) -> PathBuf {
        let path = self.path("experiment.toml");
        let text = format!(
            "name = \"test\"\nrepeats = 1\nattempts = 1\n\n[nodes.dut]\nenvironment = \"{environment}\"\n\n\
             [traffic]\nrate = \"2kpps\"\nduration = \"{duration}\"\nwarm_up = \"50ms\"\n\n\
             # shared machines stand still for long; these tests are about something else\n\
             [validity]\nlateness = \"1s\"\ngap = \"10s\"\n\n{more}\n"
        );
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn tailbed(&self) -> Command {
        self.here(Command::new(env!("CARGO_BIN_EXE_tailbed")))
    }

    /// The binary kept to one core, for tests that act beside a run's traffic and have to be done before it ends. Loops that share a core
    /// sleep when idle and have no real-time priority. With cores of their own they spin, and on two cores all else has 50 ms of each second
    /// (docs/method.md): to remove a link takes a second then, and four where others are busy as well.
    pub(crate) fn tailbed_on_one_core(&self) -> Command {
        let mut command = Command::new("taskset");
        command.args(["-c", &allowed_cpus()[0].to_string(), env!("CARGO_BIN_EXE_tailbed")]);
        self.here(command)
    }

    /// A command that has its place and its state in this lab.
    fn here(&self, mut command: Command) -> Command {
        command.env("TAILBED_STATE", self.path("state")).current_dir(self.folder.path());
        command
    }

    /// Whether the journal of the run under way holds these words.
    pub(crate) fn journal_says(&self, words: &str) -> bool {
        let journals = fs::read_dir(self.path("state")).into_iter().flatten().flatten();
        journals.into_iter().any(|journal| fs::read_to_string(journal.path()).is_ok_and(|text| text.contains(words)))
    }

    /// Runs the binary. An experiment is carried out without page and plots, which take longer than most runs here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let left_out = (arguments.first() == Some(&"run")).then_some("--no-report");
        self.tailbed().args(arguments).args(left_out).output().unwrap()
    }

    /// Runs the binary; where that carries an experiment out, with page and plots.
    pub(crate) fn reported(&self, arguments: &[&str]) -> Output {
        self.tailbed().args(arguments).output().unwrap()
    }
}

impl Drop for Lab {
    /// What a test that failed has left would be taken for their own by those after it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tailbed().arg("clean").status().ok();
        }
    }
}

/// The CPUs that the tests may use, in order.
pub(crate) fn allowed_cpus() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
}

/// The JSON that `run --json` prints.
pub(crate) fn results(output: &Output) -> Value {
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Everything on the host that a run makes or changes, by name: to be the same before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Traces {
    namespaces: Vec<String>,
    pub(crate) groups: Vec<String>,
    bundles: Vec<String>,
    interfaces: Vec<String>,
    mounts: Vec<String>,
    settings: String,
    agents: Vec<String>,
}

impl Traces {
    pub(crate) fn settings(&self) -> &str {
        &self.settings
    }

    pub(crate) fn has_interface(&self, name: &str) -> bool {
        self.interfaces.iter().any(|interface| interface == name)
    }
}

pub(crate) fn traces() -> Traces {
    Traces {
        namespaces: names("/run/netns"),
        groups: groups(),
        bundles: names("/run/tailbed"),
        interfaces: names("/sys/class/net"),
        mounts: mounts(),
        settings: settings(),
        agents: agents(),
    }
}

/// Every setting of the kernel that some knob sets, and where and before whom its threads run that some knob moves or
/// gives a priority: a line each.
pub(crate) fn settings() -> String {
    // what is only looked for is not read
    let files: Vec<_> = tailbed_plan::knob::files().into_iter().filter(|file| !file.starts_with("/dev/")).collect();
    let line = format!(
        "grep -s '' {} /sys/fs/cgroup/cpuset/*/cpuset.cpu* /dev/null; \
         for thread in $(pgrep '^rcu|^ksoftirqd'); do taskset -pc $thread; chrt -p $thread; done",
        files.join(" ")
    );
    let all = String::from_utf8(Command::new("sh").args(["-c", &line]).output().unwrap().stdout).unwrap();
    // groups that LXC's first container and a test's own engine make, and keep
    let kept = |line: &&str| !line.contains("/lxc.pivot/") && !line.contains("/tailbed-test-engine");
    all.lines().filter(kept).collect::<Vec<_>>().join("\n")
}

/// Mounts of ours.
fn mounts() -> Vec<String> {
    let all = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    all.lines().filter(|line| line.contains("/run/tailbed")).map(str::to_owned).collect()
}

fn names(folder: impl AsRef<Path>) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn groups() -> Vec<String> {
    let hierarchies = names("/sys/fs/cgroup").into_iter().map(|name| Path::new("/sys/fs/cgroup").join(name));
    let ours = hierarchies.chain(["/sys/fs/cgroup".into()]).flat_map(|hierarchy| {
        names(&hierarchy)
            .into_iter()
            .filter(|name| name.starts_with("tb-"))
            .map(move |name| format!("{}/{name}", hierarchy.display()))
    });
    ours.collect()
}

/// Processes of the binary under test, zombies left out.
fn agents() -> Vec<String> {
    let pids = names("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let ours =
        |pid: &String| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == Path::new(env!("CARGO_BIN_EXE_tailbed")));
    pids.filter(ours).collect()
}

/// Runs a program of the system's that must succeed.
pub(crate) fn system(line: &str) {
    let status = Command::new("sh").args(["-c", line]).status().unwrap();
    assert!(status.success(), "{line}: {status}");
}
