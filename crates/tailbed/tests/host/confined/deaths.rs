//! Containers that die, and images that are no good: a clear error, and nothing left.

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use super::inside::Running;
use super::{experiment, image};
use crate::deaths::eater;
use crate::image::{build, layer, stripped, tools};
use crate::interrupted::{wait_for, wait_until_as};
use crate::support::{lab, system, traces};

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
    experiment(&lab, "3s", "image = \"image\"\nmemory = \"48MiB\"");
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
    wait_until_as(&before);
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

    fs::remove_dir_all(lab.path("results")).unwrap();
    let mistakes = [
        ("image = \"missing\"", "missing; is the path right?"),
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
        assert_eq!(output.status.code(), Some(3), "{settings}: {said}");
        assert!(said.contains("this host cannot make the node dut") && said.contains(words), "{settings}: {said}");
        assert_eq!(traces(), before, "{settings}");
        assert!(!lab.path("results").exists(), "{settings}: something was touched");
    }
}

#[test]
fn a_containers_parent_that_is_killed_takes_the_container_with_it() {
    let Some(lab) = lab() else { return };
    let before = traces();
    experiment(&lab, "2s", "");
    let mut running = Running::start(&lab);
    let parent = running.status("PPid");
    assert_ne!(parent, running.child.id().to_string());
    system(&format!("kill -9 {parent}"));
    let (code, said) = running.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the agent of dut is gone (the container's parent: signal: 9 (SIGKILL))"), "{said}");
    assert_eq!(traces(), before);
}

#[test]
fn a_program_killed_for_want_of_memory_is_told_as_such_while_its_agent_lives() {
    let Some(lab) = lab() else { return };
    let before = traces();
    image(&lab);
    std::os::unix::fs::symlink("busybox", lab.path("image/bin/tail")).unwrap();
    // much beside what a test's unoptimized agent locks, which counts as its own when the kernel chooses
    experiment(&lab, "1s", "image = \"image\"\nmemory = \"256MiB\"");
    for key in ["setup", "run"] {
        let arguments = ["run", "experiment.toml", "--set", &format!("nodes.dut.{key}={}", eater(&lab))];
        let output = lab.run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("the {key} of dut was ended by signal 9")), "{said}");
        assert!(said.contains(" (out of memory: limit 256MiB; a larger `memory` is the way out):\n    eating"), "{said}");
        assert_eq!(traces(), before);
    }
}

#[test]
fn an_oci_layout_that_was_not_copied_whole_is_told() {
    let Some(lab) = lab() else { return };
    if !tools(&["strip"]) {
        return;
    }
    let before = traces();
    fs::write(lab.path("small.toml"), "name = \"small\"\nbase = \"scratch\"\n").unwrap();
    let made = build(&lab, &stripped(&lab), &["small.toml", "--json", "--without", "vm", "--without", "lxc"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let layer = layer(&lab.path("small.image/oci"));
    let file = fs::File::options().write(true).open(&layer).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    experiment(&lab, "200ms", "image = \"small.image/oci\"");
    let output = lab.tailbed().args(["run", "experiment.toml"]).env("TAILBED_CACHE", lab.path("cache")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot provision dut") && said.contains("is garbled or cut short"), "{said}");
    assert_eq!(traces(), before);
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
    assert!(code == Some(1) && said.contains("cannot provision dut") && said.contains("half.tar"), "{code:?} {said}");
    // the image's busybox alone is larger
    system(&format!("mount -t tmpfs -o size=1m none {}", of_lab("full")));
    let (code, said) = run("image.tar", "full");
    system(&format!("umount {}", of_lab("full")));
    assert!(code == Some(1) && said.contains("cannot provision dut"), "{code:?} {said}");
    assert!(said.contains("No space left on device"), "{said}");
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
