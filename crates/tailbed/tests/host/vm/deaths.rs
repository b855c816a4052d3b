//! Machines that die while traffic passes them, or never come up: a clear error, and nothing left.

use std::fs;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{ROOMY, emulators, experiment, fails, machines, said};
use crate::interrupted::wait_for;
use crate::support::{Lab, system, traces};

/// Starts the experiment and waits until its machines have come up; the node's script on the host runs only then.
fn begun(lab: &Lab, node: &str) -> Child {
    fs::write(lab.path("begun.sh"), format!("#!/bin/sh\ntouch {}\n", lab.path("begun").display())).unwrap();
    let script = format!("nodes.{node}.host_setup=begun.sh");
    let arguments = ["run", "experiment.toml", "--set", "traffic.duration=3s", "--set", &script];
    let child = lab.tailbed_on_one_core().args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| lab.path("begun").exists().then_some(()));
    child
}

#[test]
fn an_emulator_that_is_killed_under_traffic_is_told_and_everything_taken_back() {
    let Some(lab) = machines() else { return };
    let before = traces();
    experiment(&lab, "");
    let child = begun(&lab, "dut");
    kill_process(Pid::from_raw(emulators()[0]).unwrap(), Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("the agent of dut is gone (the emulator: signal: 9 (SIGKILL))"), "{}", said(&output));
    assert_eq!(traces(), before);
}

#[test]
fn a_bridge_between_machines_that_somebody_removes_is_no_loss_of_packets() {
    let Some(lab) = machines() else { return };
    let before = traces();
    lab.experiment("vm", "300ms", &format!("[nodes.dut.vm]\n{ROOMY}\n\n[nodes.b.vm]\n{ROOMY}\n"));
    let child = begun(&lab, "dut");
    // the namespace that holds a bridge, and the bridge
    let find = "for n in $(ls /run/netns); do b=$(ip -n $n -o link show type bridge | cut -d: -f2 | tr -d ' '); \
                test -z \"$b\" || ip -n $n link delete dev $b; done";
    system(find);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("the bridge ") && said(&output).contains("somebody has removed it"), "{}", said(&output));
    assert_eq!(traces(), before);
    assert_eq!(emulators(), Vec::<i32>::new());
}

#[test]
fn a_disk_that_boots_nothing_ends_with_its_time() {
    let Some(lab) = machines() else { return };
    let mut disk = vec![0; 1 << 20];
    // the signature of a boot sector, and no code that the firmware could run but an endless loop (jmp .)
    disk[..2].copy_from_slice(&[0xeb, 0xfe]);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    fs::write(lab.path("empty.raw"), disk).unwrap();
    let settings = format!("image = \"{}\"\nboot_timeout = \"3s\"", lab.path("empty.raw").display());
    fails(&lab, &settings, 1, "dut has not come up within its boot_timeout of 3s");
}
