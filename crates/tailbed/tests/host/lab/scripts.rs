//! Scripts and commands of the experiment in a lab.

use std::fs;

use super::{Up, said, state_is_empty};
use crate::interrupted::wait_for;
use crate::support::{lab, traces};

/// One node on the host, with these keys besides.
fn experiment(up: &Up, node: &str) {
    let text = format!(
        "name = \"scripts\"\n\n[nodes.dut]\nenvironment = \"host\"\n{node}\n[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n"
    );
    fs::write(up.lab.path("scripts.toml"), text).unwrap();
}

#[test]
fn a_lab_is_set_up_and_torn_down_like_a_run_but_does_not_run_what_goes_with_traffic() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let up = Up { lab };
    let order = up.lab.path("order");
    let script = |name: &str| format!("{name} = '''#!/bin/sh -e\necho {name} >> {}'''\n", order.display());
    let command = "command = [\"sh\", \"-c\", \"echo command; exec sleep 87205\"]\n";
    let names = ["setup", "run", "teardown", "host_setup"];
    experiment(&up, &(names.map(script).concat() + command + "host_teardown = \"down.sh\"\n"));
    fs::write(up.lab.path("down.sh"), format!("#!/bin/sh\necho host_teardown >> {}\n", order.display())).unwrap();
    let brought_up = up.lab.run(&["up", "scripts.toml"]);
    assert!(brought_up.status.success(), "{}", said(&brought_up));
    assert_eq!(fs::read_to_string(&order).unwrap(), "host_setup\nsetup\n");
    // a program of ours in the same node, beside the experiment's own
    let exec = up.exec(&["dut", "sh", "-c", "echo $TAILBED_NODE $TAILBED_IN; sleep 87206 >/dev/null 2>&1 &"]);
    assert_eq!(said(&exec), "dut in\n");
    let down = up.lab.run(&["down"]);
    assert!(down.status.success(), "{}", said(&down));
    assert_eq!(fs::read_to_string(&order).unwrap(), "host_setup\nsetup\nteardown\nhost_teardown\n");
    assert_eq!(traces(), before);
    assert!(state_is_empty(&up.lab));
    for word in ["sleep 87205", "sleep 87206"] {
        assert_eq!(crate::scripts::alive(word), 0, "{word}");
    }
}

#[test]
fn a_failed_set_up_brings_nothing_up_and_a_failed_command_is_shown() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let up = Up { lab };
    experiment(&up, "setup = '''#!/bin/sh\necho not today\nexit 3'''\n");
    let failed = up.lab.run(&["up", "scripts.toml"]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert!(
        said(&failed).contains("the setup of dut ended with status 3") && said(&failed).contains("not today"),
        "{}",
        said(&failed)
    );
    assert_eq!(traces(), before);
    assert!(state_is_empty(&up.lab));

    experiment(&up, "command = [\"sh\", \"-c\", \"echo no port; exit 4\"]\n");
    let brought_up = up.lab.run(&["up", "scripts.toml"]);
    assert!(brought_up.status.success(), "{}", said(&brought_up));
    wait_for(|| said(&up.lab.run(&["ls"])).contains("the command of dut ended with status 4").then_some(()));
    assert!(said(&up.lab.run(&["ls"])).contains("no port"));
    assert!(up.exec(&["dut", "true"]).status.success());
    up.lab.run(&["down"]);
    assert_eq!(traces(), before);
}
