//! Nodes in the host's own network namespace.

use std::fs;

use crate::support::{lab, results, system, traces};

/// Two forwarders in a row, both in the host's own namespace: the link between them has both its ends there.
const TWO: &str = "name = \"own\"\nrepeats = 1\nattempts = 1\n\n[nodes.a.host]\nnamespace = \"none\"\n\n[nodes.b.host]\nnamespace = \"none\"\n\n\
                   [traffic]\nrate = \"1kpps\"\nduration = \"200ms\"\nwarm_up = \"50ms\"\n\n[validity]\nlateness = \"1s\"\ngap = \"10s\"\n";

#[test]
fn packets_pass_two_nodes_of_the_hosts_own_network_and_no_interface_is_left() {
    let Some(lab) = lab() else { return };
    let before = traces();
    fs::write(lab.path("own.toml"), TWO).unwrap();
    let results = results(&lab.run(&["run", "own.toml", "--json"]));
    let run = &results["summary"]["runs"][1];
    assert!(run["counts"]["received"].as_u64().unwrap() > 150, "{}", run["counts"]);
    assert_eq!(traces(), before);
}

#[test]
fn a_namesake_of_our_interface_made_after_the_kill_survives() {
    let Some(lab) = lab() else { return };
    let before = traces();
    fs::write(lab.path("own.toml"), TWO).unwrap();
    let mut child = lab.tailbed().args(["run", "own.toml", "--set", "traffic.duration=1s"]).spawn().unwrap();
    let interface = || {
        let names = fs::read_dir("/sys/class/net").ok()?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.into_iter().find(|name| name.starts_with("tb") && !before.has_interface(name))
    };
    crate::interrupted::wait_for(|| interface().filter(|_| lab.journal_says("\"made\":{\"agent\"")));
    child.kill().unwrap();
    child.wait().unwrap();
    let ours = interface().unwrap();
    system(&format!(
        "ip link delete {ours} && ip link add {ours} type veth peer name tbforeign && ip link set {ours} alias theirs"
    ));
    let said = String::from_utf8_lossy(&lab.run(&["clean"]).stdout).into_owned();
    assert!(said.contains("does not carry our mark"), "{said}");
    assert!(fs::exists(format!("/sys/class/net/{ours}")).unwrap());
    system(&format!("ip link delete {ours}"));
    crate::interrupted::wait_until_as(&before);
}
