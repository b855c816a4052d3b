//! Scripts and commands of nodes: their order, their variables, their results, and what happens when they fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{Lab, lab, results, system, traces};

/// Writes an experiment with one node on the host that has these keys besides.
fn experiment(lab: &Lab, node: &str, duration: &str) {
    let text = format!(
        "name = \"test\"\nrepeats = 1\nattempts = 1\n\n[nodes.dut]\nenvironment = \"host\"\n{node}\n\n\
         [traffic]\nrate = \"2kpps\"\nduration = \"{duration}\"\nwarm_up = \"50ms\"\n\n\
         [validity]\nlateness = \"1s\"\ngap = \"10s\"\n"
    );
    fs::write(lab.path("experiment.toml"), text).unwrap();
}

/// The folder of the run with the node.
fn run_folder(lab: &Lab) -> std::path::PathBuf {
    let campaign = fs::read_dir(lab.path("results")).unwrap().flatten().next().unwrap().path();
    campaign.join("runs/0001-r1")
}

/// Processes on the host with this word in their command line.
pub(crate) fn alive(word: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let line = |process: fs::DirEntry| fs::read(process.path().join("cmdline")).unwrap_or_default();
    processes.map(line).filter(|line| String::from_utf8_lossy(line).replace('\0', " ").contains(word)).count()
}

#[test]
fn all_scripts_run_in_order_with_their_variables_and_results() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let order = lab.path("order");
    let script = |name: &str, more: &str| {
        format!(
            "{name} = '''#!/bin/sh -e\necho {name} $TAILBED_NODE $TAILBED_ENVIRONMENT $TAILBED_IN $TAILBED_OUT >> {}\n{more}'''\n",
            order.display()
        )
    };
    let node = [
        script("setup", "echo from setup > $TAILBED_RESULTS/setup.txt\nip -o link show dev $TAILBED_IN\nsleep 87101 &\n"),
        script("run", "mkdir $TAILBED_RESULTS/deep\necho from run > $TAILBED_RESULTS/deep/run.txt\nreadlink /proc/self/ns/net\n"),
        script("teardown", "echo torn down\n"),
        script("host_setup", "echo on the host > $TAILBED_RESULTS/host.txt\nreadlink /proc/$TAILBED_PID/ns/net\nsleep 87101 &\n"),
        "host_teardown = \"down.sh\"\n".to_owned(),
    ];
    fs::write(lab.path("down.sh"), format!("#!/bin/sh\necho host_teardown $TAILBED_REPEAT >> {}\n", order.display())).unwrap();
    // it is read, not executed, so it need not be executable
    fs::set_permissions(lab.path("down.sh"), fs::Permissions::from_mode(0o600)).unwrap();
    experiment(&lab, &node.concat(), "300ms");
    let results = results(&lab.run(&["run", "experiment.toml", "--json"]));
    assert_eq!(traces(), before);
    let lines = fs::read_to_string(&order).unwrap();
    let words: Vec<Vec<&str>> = lines.lines().map(|line| line.split(' ').collect()).collect();
    let names: Vec<_> = words.iter().map(|words| words[0]).collect();
    assert_eq!(names, ["host_setup", "setup", "run", "teardown", "host_teardown"]);
    assert!(words[..4].iter().all(|words| words[1..3] == ["dut", "host"] && words.len() == 5), "{lines}");
    assert_eq!(words[4][1], "1");
    let folder = run_folder(&lab);
    let text = |path: &str| fs::read_to_string(folder.join(path)).unwrap();
    assert_eq!(text("results-dut/setup.txt"), "from setup\n");
    assert_eq!(text("results-dut/deep/run.txt"), "from run\n");
    assert_eq!(text("host-dut/host.txt"), "on the host\n");
    assert!(text("programs/dut-setup.log").contains(words[1][3]), "the interface is in the node");
    assert_eq!(text("programs/dut-host_setup.log"), text("programs/dut-run.log"), "the node's network, seen from both sides");
    assert_eq!(text("programs/dut-teardown.log"), "torn down\n");
    assert!(text("programs/dut-host_teardown.script").starts_with("#!/bin/sh"));
    let recorded: Value = serde_json::from_str(&text("programs.json")).unwrap();
    assert_eq!(recorded, results["summary"]["runs"][1]["programs"]);
    assert!(recorded.as_array().unwrap().iter().all(|program| program["exit"]["code"] == 0 && program["good"] == true));
    assert_eq!(alive("sleep 87101"), 0, "what scripts leave in the background ends with the run");
    let token = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    let token: Value = serde_json::from_str(token.lines().next().unwrap()).unwrap();
    let prefix = format!("tb-{}-", token["opened"]["token"].as_str().unwrap());
    let mut left = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    assert!(!left.any(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)));
}

#[test]
fn a_set_up_that_fails_is_named_torn_down_and_taken_back() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let node = format!(
        "setup = '''#!/bin/sh\nsleep 87102 &\necho one\necho no such thing >&2\nexit 3'''\n\
         teardown = '''#!/bin/sh\ntouch {0}/torn'''\nhost_teardown = '''#!/bin/sh\ntouch {0}/down'''\n",
        lab.folder.path().display()
    );
    experiment(&lab, &node, "300ms");
    let output = lab.run(&["run", "experiment.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the setup of dut ended with status 3:\n    one\n    no such thing"), "{said}");
    assert!(lab.path("torn").exists() && lab.path("down").exists());
    assert_eq!((traces(), alive("sleep 87102")), (before, 0));
    let recorded: Value = serde_json::from_slice(&fs::read(run_folder(&lab).join("programs.json")).unwrap()).unwrap();
    assert_eq!((&recorded[0]["exit"]["code"], &recorded[0]["good"]), (&Value::from(3), &Value::from(false)));
}

#[test]
fn scripts_that_take_too_long_are_ended_with_all_they_started() {
    let Some(lab) = lab() else { return };
    let before = traces();
    for (key, more) in [("setup", "87103"), ("run", "87104"), ("host_setup", "87105")] {
        let node = format!("script_timeout = \"200ms\"\n{key} = '''#!/bin/sh\necho waiting\nsetsid sleep {more} &\nwait'''\n");
        experiment(&lab, &node, "200ms");
        let output = lab.run(&["run", "experiment.toml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let expected = format!("the {key} of dut did not end in time and was ended by force:\n    waiting");
        assert!(said.contains(&expected), "{said}");
        assert_eq!((traces(), alive(&format!("sleep {more}"))), (before.clone(), 0));
    }
}

#[test]
fn a_node_with_a_command_forwards_what_the_command_forwards() {
    let Some(lab) = lab() else { return };
    let before = traces();
    // a bridge takes what is addressed to its ports for itself, so they get other addresses
    let node = "command = [\"sleep\", \"1000\"]\nhost_setup = '''#!/bin/sh -e\n\
        inside() { nsenter -t $TAILBED_PID -n \"$@\"; }\n\
        inside ip link add br0 type bridge mcast_snooping 0\n\
        inside ip link set $TAILBED_IN address 02:00:00:00:00:01 master br0\n\
        inside ip link set $TAILBED_OUT address 02:00:00:00:00:02 master br0\n\
        inside ip link set br0 up'''\n";
    experiment(&lab, node, "300ms");
    let results = results(&lab.run(&["run", "experiment.toml", "--json"]));
    assert_eq!(traces(), before);
    let run = &results["summary"]["runs"][1];
    assert_eq!(run["invalid"], Value::Array(Vec::new()), "{run}");
    assert!(run["counts"]["received"].as_u64().unwrap() > 500, "{}", run["counts"]);
    assert_eq!(run["forwarders"], Value::Array(Vec::new()), "the agent does not forward");
    let command = run["programs"].as_array().unwrap().iter().find(|program| program["name"] == "command").unwrap();
    assert_eq!((&command["exit"]["signal"], &command["good"]), (&Value::from(15), &Value::from(true)));
}

#[test]
fn a_command_that_ends_or_does_not_start_fails_the_run() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let cases = [
        (
            "[\"sh\", \"-c\", \"echo no port; exit 0\"]",
            "the command of dut ended with status 0 while there was traffic:\n    no port",
        ),
        ("[\"no-such-forwarder\"]", "the command of dut could not be started: no program no-such-forwarder in "),
    ];
    for (command, expected) in cases {
        experiment(&lab, &format!("command = {command}\n"), "1s");
        let output = lab.run(&["run", "experiment.toml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
        assert_eq!(traces(), before);
    }
}

#[test]
fn script_files_are_read_before_anything_is_touched() {
    let Some(lab) = lab() else { return };
    experiment(&lab, "setup = \"no-such-script.sh\"\n", "1s");
    let output = lab.run(&["run", "experiment.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no-such-script.sh") && said.contains("`setup` of node `dut`"), "{said}");
    fs::write(lab.path("no-such-script.sh"), "echo").unwrap();
    let output = lab.run(&["run", "experiment.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!lab.path("results").exists());
}

#[test]
fn an_interrupt_ends_a_script_and_takes_everything_back() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let node = format!(
        "setup = '''#!/bin/sh\ntouch {0}/begun\nsleep 87106'''\nteardown = '''#!/bin/sh\ntouch {0}/torn'''\n",
        lab.folder.path().display()
    );
    experiment(&lab, &node, "1s");
    let child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| lab.path("begun").exists().then_some(()));
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(lab.path("torn").exists());
    assert_eq!((traces(), alive("sleep 87106")), (before, 0));
}

#[test]
fn after_a_kill_clean_ends_what_scripts_have_started() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let node = format!(
        "host_setup = '''#!/bin/sh\nsetsid sleep 87107 &'''\nsetup = '''#!/bin/sh\nsetsid sleep 87107 &\n\
         touch {0}/begun\nsleep 1000'''\n",
        lab.folder.path().display()
    );
    experiment(&lab, &node, "1s");
    let mut child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| lab.path("begun").exists().then_some(()));
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    system(&format!("test -n \"$(ls -d {}/tb-*-dut-*)\"", std::env::temp_dir().display()));
    assert!(lab.run(&["clean"]).status.success());
    wait_until_as(&before);
    assert_eq!(alive("sleep 87107"), 0);
    system(&format!("test -z \"$(ls -d {}/tb-*-dut-* 2>/dev/null)\"", std::env::temp_dir().display()));
}
