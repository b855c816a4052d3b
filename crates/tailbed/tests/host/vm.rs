//! Virtual machines: packets pass them, they fail with a reason, and nothing of them is left.

mod deaths;
mod disk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::interrupted::{signal, wait_for};
use crate::support::{Lab, lab, results, traces};

/// The emulator.
const QEMU: &str = "qemu-system-x86_64";

/// A lab with an emulator and a kernel, or `None` and a line that says why when the test cannot run here.
pub(crate) fn machines() -> Option<Lab> {
    can_emulate().then(lab)?
}

/// Whether there is what virtual machines need; says so where there is not.
pub(crate) fn can_emulate() -> bool {
    let emulator = Command::new(QEMU).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !emulator || kernel().is_none() {
        let required = std::env::var_os("TAILBED_REQUIRE_HOST_TESTS").is_some_and(|value| value == "1");
        assert!(
            !required,
            "this test needs {QEMU} and a kernel in /boot, and TAILBED_REQUIRE_HOST_TESTS=1 does not let it be skipped"
        );
        println!("skipped: needs {QEMU} and a kernel in /boot (apt install qemu-system-x86 linux-image-cloud-amd64)");
        return false;
    }
    true
}

/// A kernel that guests can boot; one made for them where there is one, which is the one that tailbed would take: others are larger, and
/// this program with all that debuggers need hardly fits into a small guest beside them.
pub(crate) fn kernel() -> Option<PathBuf> {
    let images = fs::read_dir("/boot").into_iter().flatten().flatten().map(|entry| entry.path());
    let named = images.map(|path| (path.to_string_lossy().into_owned(), path)).filter(|(name, _)| name.contains("/vmlinuz-"));
    named.max_by_key(|(name, _)| name.contains("-cloud-")).map(|(_, path)| path)
}

/// An emulated machine with room for this program as it is built without optimization. With less it gets the program packed, and an
/// emulated processor takes a second longer to unpack that; there is a test of each.
pub(crate) const ROOMY: &str = "accel = \"tcg\"\nmemory = \"512MiB\"";

/// An experiment with one emulated machine, whose table holds these lines.
fn experiment(lab: &Lab, vm: &str) {
    lab.experiment("vm", "300ms", &format!("[nodes.dut.vm]\naccel = \"tcg\"\n{vm}"));
}

/// Emulators whose machine carries our prefix, zombies left out.
fn emulators() -> Vec<i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let ours = |id: &i32| {
        let arguments = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments);
        arguments.starts_with(QEMU) && arguments.contains("guest=tb-")
    };
    ids.filter(ours).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs the experiment, which must fail on the way with these words, and leave nothing.
pub(crate) fn fails(lab: &Lab, vm: &str, code: i32, words: &str) {
    let before = traces();
    experiment(lab, vm);
    let output = lab.run(&["run", "experiment.toml"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains("dut") && said.contains(words), "{said}");
    assert_eq!(traces(), before);
    assert_eq!(emulators(), Vec::<i32>::new());
}

/// The guest's interfaces, both taps and the generator's ends carry what the longest frame takes.
#[test]
fn the_longest_frames_pass_a_machine() {
    let Some(lab) = machines() else { return };
    experiment(&lab, "");
    let frame = "traffic.frame=[{ size = 64, weight = 1 }, { size = 9018, weight = 1 }]";
    let results = results(&lab.run(&["run", "experiment.toml", "--json", "--set", frame, "--set", "traffic.rate=200pps"]));
    let run = &results["summary"]["runs"][1];
    let count = |value: &serde_json::Value| value.as_u64().unwrap();
    assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
    assert_eq!((count(&run["counts"]["sent"]), count(&run["volume"]["sent"])), (60, 30 * (64 + 9018)));
    // more than any number of the short ones alone could make
    assert!(count(&run["volume"]["received"]) > 60 * 64 + 9018, "{}", run["volume"]);
    assert_eq!(count(&run["forwarders"][0]["rules"][0]["malformed"]), 0, "{run}");
}

#[test]
fn packets_pass_machines_of_both_kinds_and_nothing_is_left() {
    let Some(lab) = machines() else { return };
    let before = traces();
    experiment(&lab, "[sweep]\n\"nodes.dut.vm.machine\" = [\"q35\", \"microvm\"]");
    let results = results(&lab.run(&["run", "experiment.toml", "--json"]));
    assert_eq!(traces(), before);
    assert_eq!(emulators(), Vec::<i32>::new());
    let runs = results["summary"]["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3, "a floor and two measurements");
    for run in &runs[1..] {
        assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
        assert!(run["counts"]["received"].as_u64().unwrap() > 500, "{run}");
        let rule = &run["forwarders"][0]["rules"][0];
        assert_eq!(rule["received"], rule["sent"], "{rule}");
        let folder = lab.path(results["results"].as_str().unwrap()).join("runs").join(run["run"].as_str().unwrap());
        assert!(folder.join("console-dut.log").exists(), "{}", folder.display());
    }
    let facts = fs::read_to_string(lab.path(results["results"].as_str().unwrap()).join("facts.json")).unwrap();
    assert!(facts.contains("\"kind\": \"vm\"") || facts.contains("\"kind\":\"vm\""), "{facts}");
}

#[test]
fn packets_pass_a_line_of_a_process_and_two_machines() {
    let Some(lab) = machines() else { return };
    let before = traces();
    let nodes = format!("[nodes.a.vm]\n{ROOMY}\n\n[nodes.b.vm]\n{ROOMY}\nmachine = \"microvm\"\n");
    lab.experiment("host", "300ms", &nodes);
    let results = results(&lab.run(&["run", "experiment.toml", "--json", "--set", "traffic.rate=200pps"]));
    assert_eq!(traces(), before);
    let run = &results["summary"]["runs"][1];
    assert!(run["counts"]["received"].as_u64().unwrap() > 30, "{run}");
    assert_eq!(run["forwarders"].as_array().unwrap().len(), 3, "{run}");
}

#[test]
fn an_emulator_that_is_killed_while_its_guest_boots_is_told_and_everything_taken_back() {
    let Some(lab) = machines() else { return };
    let before = traces();
    experiment(&lab, "");
    let child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let emulator = wait_for(|| emulators().first().copied());
    kill_process(Pid::from_raw(emulator).unwrap(), Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the agent of dut is gone (the emulator: signal: 9") || said.contains("does not start (signal: 9"),
        "{said}"
    );
    assert_eq!(traces(), before);
}

#[test]
fn clean_leaves_neither_an_emulator_nor_a_tap_of_a_killed_run() {
    let Some(lab) = machines() else { return };
    let before = traces();
    // a process in the host's own network beside a machine: the tap lies among the host's interfaces
    let nodes = "[nodes.dut.host]\nnamespace = \"none\"\n\n[nodes.a.vm]\naccel = \"tcg\"\n";
    lab.experiment("host", "300ms", nodes);
    let mut child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| (!emulators().is_empty()).then_some(()));
    assert_ne!(traces(), before);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let cleaned = lab.run(&["clean"]);
    assert!(cleaned.status.success(), "{}", said(&cleaned));
    wait_for(|| (traces() == before && emulators().is_empty()).then_some(()));
}

#[test]
fn a_guest_that_does_not_come_up_ends_with_its_time_or_its_kernels_panic() {
    let Some(lab) = machines() else { return };
    let waits = "boot_timeout = \"4s\"\ncommand_line = \"rdinit=/none root=/dev/none rootwait\"";
    fails(&lab, waits, 1, "dut has not come up within its boot_timeout of 4s");
    fails(&lab, "command_line = \"rdinit=/none\"", 1, "the guest's kernel says: Kernel panic - not syncing");
}

#[test]
fn what_a_machine_lacks_is_told_before_anything_is_touched() {
    let Some(lab) = machines() else { return };
    fails(&lab, "kernel = \"/none/vmlinuz\"", 3, "cannot boot the kernel image /none/vmlinuz");
    let text = lab.path("vmlinuz");
    fs::write(&text, "no kernel").unwrap();
    fails(&lab, &format!("kernel = \"{}\"", text.display()), 3, "bzImage");
    fails(&lab, "image = \"/none/disk.qcow2\"", 3, "cannot open the disk image /none/disk.qcow2");
    let image = lab.path("disk.qcow2");
    fs::write(&image, b"QFI\xfb\0\0\0\x03").unwrap();
    fails(&lab, &format!("image = \"{}\"", image.display()), 3, "is damaged");
    fails(&lab, "hugepages = true\nmemory = \"1TiB\"", 3, "hugepages");
}

#[test]
fn a_kernel_without_drivers_is_told_by_the_guest() {
    let Some(lab) = machines() else { return };
    // the same kernel under a release that has no folder of modules: as one that should have all built in
    let Some(mut image) = kernel().and_then(|kernel| fs::read(kernel).ok()) else { return };
    let at = usize::from(u16::from_le_bytes([image[0x20e], image[0x20f]])) + 0x200;
    image[at] = b'0';
    let path = lab.path("vmlinuz");
    fs::write(&path, image).unwrap();
    fails(&lab, &format!("kernel = \"{}\"", path.display()), 1, "in the guest: there is no virtio port named tailbed");
}

#[test]
fn arguments_that_the_emulator_refuses_are_its_own_words() {
    let Some(lab) = machines() else { return };
    fails(&lab, "qemu = [\"-device\", \"no-such-device\"]", 1, "no-such-device");
}

#[test]
fn kvm_is_used_where_a_guest_runs_under_it_and_refused_where_not() {
    let Some(lab) = machines() else { return };
    let before = traces();
    experiment(&lab, "");
    let output = lab.run(&["run", "experiment.toml", "--json", "--set", "nodes.dut.vm.accel=kvm"]);
    let said = said(&output);
    let remembered = fs::read_to_string(lab.path("state/kvm.json")).unwrap_or_default();
    if Path::new("/dev/kvm").exists() && !remembered.contains("refused") {
        assert!(output.status.success(), "{said}");
        assert!(remembered.contains("works"), "{remembered}");
    } else {
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("guests do not run under KVM"), "{said}");
        let emulated = lab.run(&["plan", "experiment.toml", "--set", "nodes.dut.vm.accel=auto"]);
        let planned = String::from_utf8_lossy(&emulated.stdout).into_owned();
        assert!(planned.contains("is emulated (TCG), since no guest runs under KVM here"), "{planned}");
    }
    assert_eq!(traces(), before);
    assert_eq!(emulators(), Vec::<i32>::new());
}
