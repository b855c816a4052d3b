//! What a container may do, proven from inside a running one.

mod deaths;
mod inside;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use sha2::{Digest, Sha256};
use tailbed_format::program::Exit;
use tailbed_plan::step::Seccomp;

use self::inside::{Inside, Running};
use crate::interrupted::wait_for;
use crate::support::{Lab, lab, traces};

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

#[test]
fn a_container_of_an_image_is_confined_and_leaves_the_image_as_it_was() {
    let Some(lab) = lab() else { return };
    let before = traces();
    image(&lab);
    let image_before = fingerprint(&lab.path("image"));
    experiment(
        &lab,
        "3s",
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
    experiment(&lab, "3s", settings);
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
    experiment(&lab, "3s", "image = \"image\"\nprivileged = true");
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
