//! Containers of the Docker engine. The tests start an engine of their own, which makes no bridge and no rule of the firewall's, and whose
//! images and containers go with it.

mod deaths;
mod in_flight;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::Signal;

use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{Lab, Traces, lab, results, system, traces};

/// The control group that the engine makes its containers' groups in.
const GROUP: &str = "tailbed-test-engine";

/// Starts the engine's process.
fn dockerd(lab: &Lab) -> std::io::Result<Child> {
    let folder = |name: &str| lab.path("engine").join(name).display().to_string();
    let log = File::create(lab.path("engine/log")).unwrap();
    let mut command = Command::new("dockerd");
    command
        .args(["--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--cgroup-parent", GROUP])
        .args(["--host", &format!("unix://{}", folder("socket")), "--data-root", &folder("data")])
        .args(["--exec-root", &folder("exec"), "--pidfile", &folder("pid")]);
    command.stdout(Stdio::null()).stderr(log).spawn()
}

/// Waits until it listens, or how it has ended.
fn ended_or_listens(lab: &Lab, child: &mut Child) -> Option<ExitStatus> {
    wait_for(|| {
        let listens = std::os::unix::net::UnixStream::connect(lab.path("engine/socket")).is_ok();
        if listens { Some(None) } else { child.try_wait().unwrap().map(Some) }
    })
}

/// An engine of the test's own.
pub(crate) struct Engine {
    child: Child,
    pub(crate) lab: Lab,
}

impl Engine {
    /// Starts it; `None`, with the reason, where it cannot be started.
    pub(crate) fn start() -> Option<Self> {
        let lab = lab()?;
        fs::create_dir(lab.path("engine")).unwrap();
        let mut child = match dockerd(&lab) {
            Ok(child) => child,
            Err(error) => {
                println!("skipped: dockerd cannot be started: {error} (apt install docker.io)");
                return None;
            }
        };
        if let Some(status) = ended_or_listens(&lab, &mut child) {
            let log = fs::read_to_string(lab.path("engine/log")).unwrap_or_default();
            println!("skipped: dockerd ended ({status}): {}", log.lines().last().unwrap_or_default());
            return None;
        }
        Some(Self { child, lab })
    }

    /// Kills it. Its containers go on; the process that it keeps them by goes with it, some time after.
    fn kill(&mut self) {
        let number = self.lab.path("engine/exec/containerd/containerd.pid");
        let keeper = fs::read_to_string(&number).unwrap();
        signal(&self.child, Signal::KILL);
        self.child.wait().unwrap();
        let line = format!("/proc/{}/cmdline", keeper.trim());
        // the command line of one that nobody has waited for yet is empty, and the next engine would take it for a living one
        wait_for(|| fs::read(&line).unwrap_or_default().is_empty().then_some(()));
        fs::remove_file(number).unwrap();
    }

    /// Starts another in its place, with the same containers.
    fn start_again(&mut self) {
        fs::remove_file(self.socket()).unwrap();
        self.child = dockerd(&self.lab).unwrap();
        assert_eq!(ended_or_listens(&self.lab, &mut self.child), None);
    }

    fn socket(&self) -> PathBuf {
        self.lab.path("engine/socket")
    }

    pub(crate) fn tailbed(&self) -> Command {
        let mut command = self.lab.tailbed();
        command.env("DOCKER_HOST", format!("unix://{}", self.socket().display()));
        command
    }

    fn begin(&self, duration: &str, settings: &str) -> Child {
        self.begin_with(duration, settings, &[])
    }

    fn begin_with(&self, duration: &str, settings: &str, arguments: &[&str]) -> Child {
        self.lab.experiment("docker", duration, &format!("[nodes.dut.docker]\n{settings}\n"));
        let mut command = self.tailbed();
        command
            .args(["run", "experiment.toml", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn run(&self, duration: &str, settings: &str) -> Output {
        self.begin(duration, settings).wait_with_output().unwrap()
    }

    /// What `docker` says.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        let host = format!("unix://{}", self.socket().display());
        let output = Command::new("docker").args(["--host", &host]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Nothing of ours runs and the engine has no container.
    fn is_as(&self, before: &Traces) -> bool {
        traces() == *before && self.docker(&["ps", "--all", "--quiet"]).is_empty()
    }

    /// Waits until it is so.
    #[track_caller]
    fn wait_until_as(&self, before: &Traces) {
        wait_until_as(before);
        wait_for(|| self.is_as(before).then_some(()));
    }

    /// The first process of the container that runs, as the host numbers it.
    fn inside(&self) -> String {
        let container = wait_for(|| Some(self.docker(&["ps", "--quiet"])).filter(|id| !id.is_empty()));
        self.docker(&["inspect", "--format", "{{.State.Pid}}", &container])
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tailbed().arg("clean").status().ok();
        }
        signal(&self.child, Signal::TERM);
        self.child.wait().unwrap();
        // one that was killed leaves its data mounted onto itself
        let data = self.lab.path("engine/data");
        Command::new("umount").arg("--quiet").arg(data).stderr(Stdio::null()).status().ok();
        let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
        for group in hierarchies.chain(["/sys/fs/cgroup".into()]).map(|hierarchy| hierarchy.join(GROUP)) {
            fs::remove_dir(group).ok();
        }
    }
}

#[test]
fn packets_pass_with_and_without_an_image_and_nothing_is_left() {
    let Some(engine) = Engine::start() else { return };
    let before = traces();
    let results = results(&engine.run("300ms", ""));
    assert!(engine.is_as(&before));
    for run in results["summary"]["runs"].as_array().unwrap() {
        assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
        assert!(run["counts"]["received"].as_u64().unwrap() > 500, "{}", run["counts"]);
        // nothing but what comes of few cores
        let downgrades = run["downgrades"].as_array().unwrap();
        assert!(downgrades.iter().all(|said| said.as_str().is_some_and(|said| said.contains("shares core"))), "{run}");
    }
    // an archive of a root file system becomes an image, and the image an archive as `docker save` writes it
    let folder = engine.lab.folder.path().display();
    system(&format!(
        "mkdir {folder}/root && echo made here > {folder}/root/mark && tar -C {folder}/root -cf {folder}/root.tar ."
    ));
    engine.docker(&["import", &format!("{folder}/root.tar"), "tailbed-test:1"]);
    engine.docker(&["save", "--output", &format!("{folder}/saved.tar"), "tailbed-test:1"]);
    let named = engine.run("300ms", "image = \"tailbed-test:1\"");
    assert!(named.status.success(), "{}", String::from_utf8_lossy(&named.stderr));
    engine.docker(&["rmi", "tailbed-test:1"]);
    let loaded = engine.run("300ms", "image = \"saved.tar\"");
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    assert!(engine.is_as(&before));
}

#[test]
fn limits_and_confinement_hold() {
    let Some(engine) = Engine::start() else { return };
    let before = traces();
    fs::create_dir(engine.lab.path("data")).unwrap();
    let settings = "memory = \"256MiB\"\ncapabilities = [\"CAP_NET_BIND_SERVICE\"]\nrlimits = { nofile = 99 }\nvolumes = [\"data:/srv/data:ro\"]";
    let child = engine.begin("2s", settings);
    let inside = engine.inside();
    let of_process = |file: &str| fs::read_to_string(format!("/proc/{inside}/{file}")).unwrap();
    let status = of_process("status");
    // CAP_NET_BIND_SERVICE (10) besides the agent's CAP_NET_RAW (13), CAP_IPC_LOCK (14) and CAP_SYS_NICE (23)
    assert!(status.contains("CapEff:\t0000000000806400"), "{status}");
    assert!(status.contains("Seccomp:\t2"), "{status}");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned();
    assert!(allowed.parse::<usize>().is_ok(), "one core, not {allowed}");
    let limits = of_process("limits");
    assert_eq!(limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().nth(3), Some("99"));
    assert!(of_process("mountinfo").lines().any(|line| line.contains(" /srv/data ro")), "{}", of_process("mountinfo"));
    let groups = of_process("cgroup");
    let group = groups.lines().find(|line| line.contains(":memory:") || line.starts_with("0::") && line.contains(GROUP)).unwrap();
    let path = group.rsplit(':').next().unwrap();
    let limit = [format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"), format!("/sys/fs/cgroup{path}/memory.max")];
    let limit = limit.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap();
    assert_eq!(limit.trim(), (256_u64 << 20).to_string());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(engine.is_as(&before));
}

#[test]
fn killed_at_any_moment_clean_leaves_nothing() {
    let Some(engine) = Engine::start() else { return };
    let before = traces();
    for words in ["\"provision_node\"", "\"start_agent\"", "\"agent\""] {
        let mut child = engine.begin("1s", "");
        wait_for(|| (engine.lab.journal_says("-dut") && engine.lab.journal_says(words)).then_some(()));
        signal(&child, Signal::KILL);
        child.wait().unwrap();
        let cleaned = engine.tailbed().arg("clean").output().unwrap();
        assert!(cleaned.status.success(), "{words}: {}", String::from_utf8_lossy(&cleaned.stderr));
        engine.wait_until_as(&before);
    }
}
