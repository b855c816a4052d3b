//! Lives: every phase is gone through and timed, and a clone is made out of the node that runs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Lab, engine, lab, results, traces};
use crate::vm::machines;

/// Every phase there is.
const PHASES: [&str; 6] = ["provision", "boot", "reboot", "clone", "shutdown", "remove"];

/// One life of a node whose table is given; gives its summary and its folder.
fn life(lab: &Lab, table: &str) -> (Value, PathBuf) {
    let text = format!("name = \"life\"\nrepeats = 1\n\n[nodes.dut.{table}\n\n[lifecycle]\nphases = {PHASES:?}\n");
    let path = lab.path("life.toml");
    fs::write(&path, text).unwrap();
    let output = lab.run(&["run", "life.toml", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all = results(&output);
    let life = all["summary"]["runs"][0].clone();
    assert_eq!(life["failed"], Value::Null);
    let folder = Path::new(all["results"].as_str().unwrap()).join("runs").join(life["run"].as_str().unwrap());
    (life, lab.path(folder.to_str().unwrap()))
}

fn phases(life: &Value) -> Vec<&str> {
    life["phases"].as_array().unwrap().iter().filter_map(|taken| taken["phase"].as_str()).collect()
}

#[test]
fn a_container_and_its_clone_live_and_nothing_is_left() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let (life, _) = life(&lab, "container]");
    assert_eq!(phases(&life), PHASES);
    assert_eq!(life["footprint"]["image"], Value::Null, "a container without an image shares none");
    assert_eq!(traces(), before);
}

#[test]
fn a_system_container_is_cloned_with_what_it_wrote() {
    let Some(lab) = lab().filter(|_| engine("lxc-start")) else { return };
    let before = traces();
    // what the hook writes at each start is two lines only where the second start finds what the first left
    let hook = lab.path("hook");
    fs::write(
        &hook,
        "#!/bin/sh\necho started >> \"$LXC_ROOTFS_MOUNT/starts\"\nwc -l < \"$LXC_ROOTFS_MOUNT/starts\" >> \"$0.log\"\n",
    )
    .unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&hook, executable).unwrap();
    let (life, _) = life(&lab, &format!("lxc]\nconfig = [\"lxc.hook.mount = {}\"]", hook.display()));
    assert_eq!(phases(&life), PHASES);
    assert!(life["footprint"]["image"].as_u64().is_some_and(|bytes| bytes > 0), "{life}");
    // boot, reboot, and the clone of what has started twice
    assert_eq!(fs::read_to_string(lab.path("hook.log")).unwrap(), "1\n2\n3\n");
    assert_eq!(traces(), before);
}

#[test]
fn a_machine_is_cloned_as_it_runs_instead_of_booted_again() {
    let Some(lab) = machines() else { return };
    let before = traces();
    for machine in ["q35", "microvm"] {
        let table = format!("vm]\nmachine = \"{machine}\"\naccel = \"tcg\"\ncommand_line = \"ignore_loglevel\"");
        let (life, folder) = life(&lab, &table);
        assert_eq!(phases(&life), PHASES);
        let booted =
            |node: &str| fs::read_to_string(folder.join(format!("console-{node}.log"))).unwrap().contains("Linux version");
        assert_eq!((booted("dut"), booted("dut-clone")), (true, false));
        assert!(life["footprint"]["image"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{life}");
    }
    assert_eq!(traces(), before);
}
