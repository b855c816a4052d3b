//! System containers of LXC: packets, limits that hold, deaths, and nothing left.

mod deaths;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::Signal;

use crate::container::children;
use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{Lab, engine, lab, results, system, traces};

/// A lab, where LXC is installed.
fn lxc_lab() -> Option<Lab> {
    engine("lxc-start").then(lab)?
}

/// Starts a run of one system container with these settings.
fn start(lab: &Lab, duration: &str, settings: &str) -> Child {
    start_with(lab, duration, settings, &[])
}

/// The same, with further arguments.
fn start_with(lab: &Lab, duration: &str, settings: &str, arguments: &[&str]) -> Child {
    lab.experiment("lxc", duration, &format!("[nodes.dut.lxc]\n{settings}\n"));
    let mut command = lab.tailbed();
    command.args(["run", "experiment.toml"]).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The agent inside, as the host numbers it: a child of the attaching command, in a process namespace that is not ours.
fn agent(parent: u32) -> Option<String> {
    let ours = fs::read_link("/proc/self/ns/pid").unwrap();
    children(&parent.to_string()).iter().flat_map(|pid| children(pid)).find(|pid| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"/tailbed\0agent"))
            && fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|namespace| namespace != ours)
    })
}

#[test]
fn packets_pass_and_nothing_is_left() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    lab.experiment("lxc", "300ms", "");
    let results = results(&lab.run(&["run", "experiment.toml", "--json"]));
    assert_eq!(traces(), before);
    let runs = results["summary"]["runs"].as_array().unwrap();
    for run in runs {
        assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
        assert!(run["counts"]["received"].as_u64().unwrap() > 500, "{}", run["counts"]);
        // real-time priority and locked memory were to be had inside
        // nothing but what comes of few cores
        let downgrades = run["downgrades"].as_array().unwrap();
        assert!(downgrades.iter().all(|said| said.as_str().is_some_and(|said| said.contains("shares core"))), "{run}");
    }
    let rule = &runs[1]["forwarders"][0]["rules"][0];
    assert!(rule["received"].as_u64().unwrap() >= 600 && rule["received"] == rule["sent"], "{rule}");
}

#[test]
fn limits_hold_and_the_image_is_not_written_to() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    let child = start(&lab, "2s", "memory = \"256MiB\"\nconfig = [\"lxc.environment = A=b\"]");
    let inside = wait_for(|| agent(child.id()));
    let of_process = |file: &str| fs::read_to_string(format!("/proc/{inside}/{file}")).unwrap();
    // its hierarchies, but not that of cpu shares, which has no real-time time to give
    let limited = |line: &str| line.contains("tb-") && line.contains("-dut");
    let groups = wait_for(|| Some(of_process("cgroup")).filter(|groups| groups.lines().any(limited)));
    let status = of_process("status");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned();
    assert!(allowed.parse::<usize>().is_ok(), "one core, not {allowed}");
    let group = groups.lines().find(|line| limited(line) && (line.contains(":memory:") || line.starts_with("0::")));
    let path = group.unwrap().rsplit(':').next().unwrap();
    let path = path.strip_suffix("/.lxc").unwrap_or(path);
    let limit = [format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"), format!("/sys/fs/cgroup{path}/memory.max")];
    let limit = limit.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap();
    assert_eq!(limit.trim(), (256_u64 << 20).to_string());
    // LXC's own list of system calls
    assert!(status.contains("Seccomp:\t2"), "{status}");
    // CAP_SYS_MODULE (16) and CAP_SYS_TIME (25) are dropped by the template
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    assert_eq!(u64::from_str_radix(effective.trim(), 16).unwrap() & (1 << 16 | 1 << 25), 0, "{effective}");
    assert_ne!(fs::read_link(format!("/proc/{inside}/ns/mnt")).unwrap(), fs::read_link("/proc/self/ns/mnt").unwrap());
    // it has an init of its own
    let init = fs::read_to_string(format!("/proc/{inside}/root/proc/1/comm")).unwrap();
    assert_eq!(init.trim(), "init");
    // what is written inside does not reach the root file system that all share
    fs::write(format!("/proc/{inside}/root/written"), "x").unwrap();
    let mounts = of_process("mountinfo");
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap();
    let lower = root.split(&[' ', ',']).find_map(|option| option.strip_prefix("lowerdir=")).unwrap();
    assert!(Path::new(lower).join("bin").exists() && !Path::new(lower).join("written").exists(), "{root}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(traces(), before);
}

#[test]
fn killed_at_any_moment_clean_leaves_nothing() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    for words in ["\"provision_node\"", "\"start_agent\"", "\"agent\""] {
        let mut child = start(&lab, "1s", "");
        wait_for(|| (lab.journal_says("-dut") && lab.journal_says(words)).then_some(()));
        signal(&child, Signal::KILL);
        child.wait().unwrap();
        let cleaned = lab.run(&["clean"]);
        assert!(cleaned.status.success(), "{words}: {}", String::from_utf8_lossy(&cleaned.stderr));
        wait_until_as(&before);
        assert!(!Path::new("/run/lxc/lock/run/tailbed").exists());
    }
}

/// Makes a root file system with an init, `root`, of what the template uses itself; the configuration that it needs.
fn busybox_root(lab: &Lab) -> &'static str {
    system(&format!(
        "cd {} && mkdir root && cd root && mkdir sbin bin dev proc sys tmp etc && cp /bin/busybox bin/busybox && ln -s ../bin/busybox sbin/init",
        lab.folder.path().display()
    ));
    fs::write(lab.path("root/etc/inittab"), "::sysinit:/bin/busybox true\n::wait:/bin/busybox sleep 100000\n").unwrap();
    "lxc.mount.entry = /usr/lib usr/lib none ro,bind,create=dir 0 0\nlxc.mount.entry = /usr/lib lib none ro,bind,create=dir 0 0\n\
     lxc.mount.entry = /usr/lib64 lib64 none ro,bind,create=dir 0 0\nlxc.include = LXC_TEMPLATE_CONFIG/common.conf\n"
}

/// The lines of a configuration that mount something, as values of `config`.
fn mounts(configuration: &str) -> String {
    let lines = configuration.lines().filter(|line| line.contains("mount"));
    lines.map(|line| format!("\"{line}\"")).collect::<Vec<_>>().join(", ")
}

#[test]
fn an_image_of_lxc_and_a_folder_are_started_too() {
    let Some(lab) = lxc_lab() else { return };
    let before = traces();
    let libraries = busybox_root(&lab);
    fs::create_dir(lab.path("image")).unwrap();
    fs::write(lab.path("config"), libraries).unwrap();
    let folder = lab.folder.path().display();
    system(&format!(
        "tar -C {folder} -cJf {folder}/image/metadata.tar.xz config && tar -C {folder}/root -czf {folder}/image/rootfs.tar.gz ."
    ));
    let output = start(&lab, "300ms", "image = \"image\"").wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(traces(), before);
    let settings = format!("image = \"root\"\nconfig = [{}]", mounts(libraries));
    let output = start(&lab, "300ms", &settings).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!lab.path("root/tailbed").exists(), "the folder was written to");
    assert_eq!(traces(), before);
}
