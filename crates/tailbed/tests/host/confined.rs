//! What a container may do, proven from inside a running one; and how containers that die are reported.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};

use rustix::process::Signal;
use serde_json::json;
use sha2::{Digest, Sha256};
use tailbed_format::message::{Command, Frame, Reply, read_frame, write_message, write_stream};
use tailbed_format::program::{Exit, Program, Stream};
use tailbed_plan::step::{Confinement, ContainerSpec, Seccomp};

use crate::container::container_agent;
use crate::interrupted::{signal, wait_for};
use crate::support::{Lab, lab, system, traces};

/// A root file system of busybox and a few files.
fn image(lab: &Lab) {
    for folder in ["bin", "etc", "secret"] {
        fs::create_dir_all(lab.path("image").join(folder)).unwrap();
    }
    let busybox = "/usr/bin/busybox";
    fs::copy(busybox, lab.path("image/bin/busybox")).unwrap_or_else(|error| panic!("{busybox} (busybox-static): {error}"));
    for applet in ["sh", "id", "cat", "touch", "mount", "unshare", "dd", "sleep", "chmod"] {
        std::os::unix::fs::symlink("busybox", lab.path("image/bin").join(applet)).unwrap();
    }
    fs::write(lab.path("image/etc/motd"), "from the image\n").unwrap();
}

/// Names, contents and times of all files below a folder.
fn fingerprint(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let metadata = fs::symlink_metadata(entry.path()).unwrap();
        let content = if metadata.is_file() { Sha256::digest(fs::read(entry.path()).unwrap()).to_vec() } else { Vec::new() };
        // not when it was last read: reading changes that
        let state = (metadata.mode(), metadata.uid(), metadata.size(), metadata.mtime_nsec(), metadata.ctime_nsec());
        found.push(format!("{} {state:?} {content:x?}", entry.path().display()));
        if metadata.is_dir() {
            found.extend(fingerprint(&entry.path()));
        }
    }
    found.sort();
    found
}

/// Writes an experiment whose device under test is a container with these settings.
fn experiment(lab: &Lab, duration: &str, settings: &str) {
    lab.experiment("box", duration, &format!("[environments.box.container]\n{settings}\n"));
}

/// A run under way and the container in it.
struct Running {
    child: Child,
    inside: String,
}

impl Running {
    /// Starts the experiment and waits until the agent in the container has loaded its profile and opened its sockets.
    fn start(lab: &Lab) -> Self {
        // with cores of their own the agents would leave none for those who look inside
        let arguments = ["run", "experiment.toml", "--set", "isolation=false"];
        let child = lab.tailbed().args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let inside = wait_for(|| container_agent(child.id()));
        let running = Self { child, inside };
        wait_for(|| {
            let packet = fs::read_to_string(format!("/proc/{}/net/packet", running.inside)).ok()?;
            (packet.lines().count() > 1).then_some(())
        });
        running
    }

    fn of_process(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.inside)).unwrap()
    }

    /// A line of /proc/pid/status.
    fn status(&self, name: &str) -> String {
        let status = self.of_process("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        line.unwrap_or_else(|| panic!("{name}: {status}")).to_owned()
    }

    /// Another agent in the container's namespaces, as root there.
    fn agent_in_its_user_namespace(&self) -> Inside {
        let mut command = Process::new("nsenter");
        command.args(["-t", &self.inside, "-m", "-u", "-i", "-n", "-p", "-U", "-r", "-w"]);
        command.args(["/bin/busybox", "env", "PATH=/bin", "/tailbed", "agent", "--seccomp"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Inside { child, input, output }
    }

    /// Ends the run as a user would.
    fn interrupt(mut self) {
        signal(&self.child, Signal::INT);
        assert!(matches!(self.end().0, Some(0 | 130)));
    }

    fn end(&mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

/// A test that fails must not spoil those after it.
impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            signal(&self.child, Signal::INT);
            self.child.wait().unwrap();
        }
    }
}

/// An agent that runs programs; the child ends once its input does.
struct Inside {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Inside {
    /// A container of its own, without a run around it: the shim is started as a run would, and its agent is spoken to.
    fn alone(lab: &Lab, seccomp: Seccomp) -> Self {
        let id = "tb-0confine-dut";
        let spec = ContainerSpec {
            id: id.to_owned(),
            cgroup: None,
            image: None,
            read_only: true,
            user_namespace: false,
            devices: Vec::new(),
            volumes: Vec::new(),
            hugepages: None,
            confinement: Confinement { seccomp, ..Confinement::default() },
        };
        let image = json!({ "rootfs": lab.path("image"), "environment": ["PATH=/bin"], "working_directory": null });
        let order = json!({ "spec": spec, "namespace": null, "image": image, "binary": env!("CARGO_BIN_EXE_tailbed") });
        let bundle = Path::new("/run/tailbed").join(id);
        for folder in ["base", "rootfs", "private"] {
            fs::create_dir_all(bundle.join(folder)).unwrap();
        }
        fs::write(bundle.join("container.json"), order.to_string()).unwrap();
        let parent = std::process::id().to_string();
        let mut command = lab.tailbed();
        command.args(["container", "--id", id, "--parent", &parent]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            output.read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        let line = String::from_utf8(line).unwrap();
        assert!(line.trim().parse::<u32>().is_ok(), "{line}");
        Self { child, input, output }
    }

    /// Runs a script of the shell; all it printed and how it ended.
    fn shell(&mut self, script: &str) -> (String, Exit) {
        let program = Program {
            command: vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()],
            script: None,
            environment: Vec::new(),
            timeout: Some(20_000_000_000),
            terminal: None,
        };
        write_message(&mut self.input, &Command::Execute { session: 1, program }).unwrap();
        write_stream(&mut self.input, 1, Stream::Input, b"").unwrap();
        self.input.flush().unwrap();
        let mut printed = Vec::new();
        loop {
            match read_frame(&mut self.output).unwrap().expect("the agent inside goes on") {
                Frame::Stream { bytes, .. } => printed.extend(bytes),
                Frame::Json(body) => {
                    if let Ok(Reply::Exited { exit, .. }) = serde_json::from_slice(&body) {
                        return (String::from_utf8_lossy(&printed).into_owned(), exit);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn leave(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn a_container_of_an_image_is_confined_and_leaves_the_image_as_it_was() {
    let Some(lab) = lab() else { return };
    let before = traces();
    image(&lab);
    let image_before = fingerprint(&lab.path("image"));
    experiment(
        &lab,
        "5s",
        "image = \"image\"\nmemory = \"256MiB\"\ncapabilities = [\"CAP_NET_BIND_SERVICE\"]\nrlimits = { nofile = 99 }",
    );
    let running = Running::start(&lab);

    // CAP_NET_BIND_SERVICE (10) besides the agent's 13, 14 and 23
    for (set, bits) in [("CapEff", "806400"), ("CapPrm", "806400"), ("CapBnd", "806400"), ("CapInh", "0"), ("CapAmb", "0")] {
        assert_eq!(running.status(set), format!("{bits:0>16}"), "{set}");
    }
    assert_eq!((running.status("Seccomp"), running.status("NoNewPrivs")), ("2".to_owned(), "1".to_owned()));
    let limits = running.of_process("limits");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().collect::<Vec<_>>()[3..5], ["99", "99"]);
    let mounts = running.of_process("mountinfo");
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap();
    assert!(root.contains(" - overlay ") && root.split(' ').nth(5).unwrap().starts_with("ro,nodev"), "{root}");
    assert!(mounts.contains(" /sys ro,"), "{mounts}");
    assert!(mounts.lines().any(|line| line.contains(" /proc/sys ro,")), "{mounts}");

    running.interrupt();
    assert_eq!(fingerprint(&lab.path("image")), image_before);
    assert_eq!(traces(), before);
}

#[test]
fn root_of_a_user_namespace_is_nobody_outside_and_writes_to_memory() {
    let Some(lab) = lab() else { return };
    let before = traces();
    image(&lab);
    fs::create_dir(lab.path("data")).unwrap();
    fs::write(lab.path("data/given"), "given\n").unwrap();
    let image_before = fingerprint(&lab.path("image"));
    let settings =
        "image = \"image\"\nuser_namespace = true\nread_only = false\nvolumes = [\"data:/srv/data:ro\"]\nhugepages = \"4MiB\"";
    experiment(&lab, "5s", settings);
    let running = Running::start(&lab);
    assert_eq!(running.of_process("uid_map").split_whitespace().collect::<Vec<_>>(), ["0", "1879048192", "65536"]);
    assert_eq!(running.of_process("gid_map"), running.of_process("uid_map"));
    assert!(running.status("Uid").starts_with("1879048192\t"));
    let named = fs::read_dir("/run/netns")
        .unwrap()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().ends_with("-dut"))
        .unwrap();
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(
        inode(&named.path()),
        inode(Path::new(&format!("/proc/{}/ns/net", running.inside))),
        "it brings its network along"
    );

    let mut agent = running.agent_in_its_user_namespace();
    let (said, exit) = agent
        .shell("set -e; id; cat /srv/data/given; echo x >> /etc/motd; touch /etc/new; touch /dev/hugepages/x; cat /etc/motd");
    assert!(said.contains("uid=0") && said.contains("given") && said.contains("from the image\nx\n"), "{said}");
    assert_eq!(exit, Exit::Code(0), "{said}");
    let (said, exit) = agent.shell("touch /srv/data/new");
    assert!(said.contains("Read-only file system") && !exit.is_success(), "{said}");
    agent.leave();
    running.interrupt();
    assert_eq!(fingerprint(&lab.path("image")), image_before);
    assert_eq!(traces(), before);
}

#[test]
fn a_privileged_container_keeps_everything() {
    let Some(lab) = lab() else { return };
    let before = traces();
    image(&lab);
    experiment(&lab, "5s", "image = \"image\"\nprivileged = true");
    let child = lab
        .tailbed()
        .args(["run", "experiment.toml", "--set", "isolation=false"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let inside = wait_for(|| {
        let bundle = fs::read_dir("/run/tailbed").ok()?.flatten().find(|entry| entry.path().is_dir())?;
        let init: serde_json::Value = serde_json::from_slice(&fs::read(bundle.path().join("init.json")).ok()?).ok()?;
        let pid = init["pid"].as_i64()?.to_string();
        fs::read(format!("/proc/{pid}/cmdline")).ok()?.starts_with(b"/tailbed\0").then_some(pid)
    });
    let running = Running { child, inside };
    let own = fs::read_to_string("/proc/self/status").unwrap();
    assert!(own.contains(&format!("CapEff:\t{}", running.status("CapEff"))), "{own}");
    assert_eq!((running.status("Seccomp"), running.status("NoNewPrivs")), ("0".to_owned(), "0".to_owned()));
    assert!(fs::exists(format!("/proc/{}/root/dev/net/tun", running.inside)).unwrap());
    assert!(!running.of_process("mountinfo").contains(" /proc/sys ro,"));
    running.interrupt();
    assert_eq!(traces(), before);
}

#[test]
fn a_container_out_of_memory_is_reported_as_such() {
    let Some(lab) = lab() else { return };
    let before = traces();
    // too little even for the agent
    experiment(&lab, "300ms", "memory = \"1MiB\"");
    let output = lab.run(&["run", "experiment.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("out of memory: limit 1MiB"), "{said}");
    assert_eq!(traces(), before);

    // enough for the agent, until something else in the container takes it
    image(&lab);
    experiment(&lab, "5s", "image = \"image\"\nmemory = \"48MiB\"");
    let mut running = Running::start(&lab);
    // the kernel is to choose the agent
    fs::write(format!("/proc/{}/oom_score_adj", running.inside), "1000").unwrap();
    let group = wait_for(|| {
        let path = running.of_process("cgroup").lines().find(|line| line.contains("tb-"))?.rsplit(':').next()?.to_owned();
        ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"]
            .map(|mount| format!("{mount}{path}/cgroup.procs"))
            .into_iter()
            .find(|file| Path::new(file).exists())
    });
    let mut eater = Process::new("sh")
        .args(["-c", &format!("echo $$ > {group} && head -c 200m /dev/zero | tail -c 100m")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (code, said) = running.end();
    eater.wait().unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("out of memory: limit 48MiB"), "{said}");
    wait_for(|| (traces() == before).then_some(()));
}

#[test]
fn deaths_and_mistakes_end_in_a_clear_error_and_leave_nothing() {
    let Some(lab) = lab() else { return };
    let before = traces();
    experiment(&lab, "2s", "");
    let mut running = Running::start(&lab);
    Process::new("kill").args(["-9", &running.inside]).status().unwrap();
    let (code, said) = running.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the agent of dut is gone") && said.contains("ended by signal 9"), "{said}");
    assert_eq!(traces(), before);

    fs::write(lab.path("empty"), "").unwrap();
    let mistakes = [
        ("image = \"missing\"", "missing"),
        ("volumes = [\"nowhere:/data\"]", "the volume"),
        ("devices = [\"/dev/shm\"]", "/dev/shm is not a device node"),
        ("devices = [\"/dev/no-such\"]", "cannot pass in the device /dev/no-such"),
        ("capabilities = [\"CAP_FLY\"]", "there is no capability CAP_FLY"),
        ("apparmor = \"no-such\"", "AppArmor"),
    ];
    for (settings, words) in mistakes {
        experiment(&lab, "300ms", settings);
        let output = lab.run(&["run", "experiment.toml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(1..=3)), "{settings}: {:?} {said}", output.status);
        assert!(said.contains(words), "{settings}: {said}");
        assert_eq!(traces(), before, "{settings}");
    }
}

#[test]
fn an_archive_is_run_and_a_truncated_one_or_a_full_disk_is_told() {
    let Some(lab) = lab() else { return };
    let before = traces();
    image(&lab);
    let of_lab = |name: &str| lab.path(name).display().to_string();
    system(&format!("tar -C {} -cf {} .", of_lab("image"), of_lab("image.tar")));
    let whole = fs::read(lab.path("image.tar")).unwrap();
    fs::write(lab.path("half.tar"), &whole[..whole.len() / 2]).unwrap();
    for folder in ["cache", "full"] {
        fs::create_dir(lab.path(folder)).unwrap();
    }
    let run = |image: &str, cache: &str| {
        experiment(&lab, "200ms", &format!("image = \"{image}\"\nuser_namespace = true"));
        let arguments = ["run", "experiment.toml", "--set", "isolation=false"];
        let output = lab.tailbed().args(arguments).env("TAILBED_CACHE", lab.path(cache)).output().unwrap();
        assert_eq!(traces(), before, "{image}");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run("half.tar", "cache");
    assert!(matches!(code, Some(1..=3)) && said.contains("half.tar"), "{code:?} {said}");
    // the image's busybox alone is larger
    system(&format!("mount -t tmpfs -o size=1m none {}", of_lab("full")));
    let (code, said) = run("image.tar", "full");
    system(&format!("umount {}", of_lab("full")));
    assert!(matches!(code, Some(1..=3)) && said.contains("No space left on device"), "{code:?} {said}");
    let unpacked = || {
        fs::read_dir(lab.path("cache/images"))
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().join("rootfs").exists())
            .count()
    };
    assert_eq!(unpacked(), 0, "nothing half unpacked is kept");
    for _ in 0..2 {
        let (code, said) = run("image.tar", "cache");
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(unpacked(), 1, "it is unpacked once");
    }
}

#[test]
fn the_agents_programs_are_refused_what_is_not_theirs() {
    let Some(lab) = lab() else { return };
    let before = traces();
    image(&lab);
    let image_before = fingerprint(&lab.path("image"));
    let mut agent = Inside::alone(&lab, Seccomp::Default);
    let (said, exit) = agent.shell("cat /etc/motd; id; : > /tmp/new; : > /dev/null; [ -c /dev/ptmx ] && echo fine");
    assert!(said.contains("from the image") && said.contains("uid=0") && said.contains("fine"), "{said}");
    assert_eq!(exit, Exit::Code(0), "{said}");
    for write in ["touch /etc/new", "echo x >> /etc/motd", "chmod 777 /bin/busybox", "echo 1 > /proc/sys/kernel/panic"] {
        let (said, exit) = agent.shell(write);
        assert!(said.contains("Read-only file system") && !exit.is_success(), "{write}: {said}");
    }
    let (said, exit) = agent.shell("mount -t tmpfs none /tmp");
    assert!(said.contains("permission denied") && !exit.is_success(), "{said}");
    // anybody may make a user namespace, so it is the profile that refuses it
    let (said, exit) = agent.shell("unshare -U true");
    assert!(said.contains("Operation not permitted") && !exit.is_success(), "{said}");
    agent.leave();
    let mut unconfined = Inside::alone(&lab, Seccomp::Unconfined);
    let (said, exit) = unconfined.shell("unshare -U true");
    assert_eq!(exit, Exit::Code(0), "{said}");
    unconfined.leave();
    fs::remove_dir_all("/run/tailbed/tb-0confine-dut").unwrap();
    fs::remove_dir("/run/tailbed/tb-0confine-dut.root").unwrap();
    fs::remove_dir("/run/tailbed").ok();
    assert_eq!(fingerprint(&lab.path("image")), image_before);
    assert_eq!(traces(), before);
}
