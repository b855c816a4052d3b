//! examples/dpdk.toml: testpmd in a container on huge pages, and what is said when it has too few.

use super::*;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/dpdk.toml");

/// Shorter than the example is, and lenient with a machine that others use.
const SHORT: [&str; 5] =
    ["traffic.rate=2kpps", "traffic.duration=500ms", "traffic.warm_up=200ms", "validity.lateness=\"1s\"", "validity.gap=\"10s\""];

fn command(lab: &Lab, more: &[&str]) -> Command {
    let set = SHORT.iter().chain(&["repeats=1", "attempts=1"]).flat_map(|set| ["--set", set]);
    let mut command = lab.tailbed();
    command.args(["run", EXAMPLE, "--json"]).args(set).args(more);
    command
}

#[test]
fn testpmd_forwards_between_two_ports_on_huge_pages_by_af_packet_and_af_xdp() {
    let Some(lab) = lab() else { return };
    if !engine("dpdk-testpmd") {
        return;
    }
    let (before, pages) = (traces(), pool());
    let taken_before = taken();
    let child = command(&lab, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // 128 MiB of huge pages are in use
    wait_for(|| (taken() >= taken_before + 64).then_some(()));
    let results = results(&child.wait_with_output().unwrap());
    for environment in ["af_packet", "af_xdp"] {
        let (sent, received) = (count(&results, environment, "sent"), count(&results, environment, "received"));
        assert!(sent == 1000 && received > 900, "{environment}: {received} of {sent}");
        let runs = results["summary"]["runs"].as_array().unwrap();
        let run = runs.iter().find(|run| run["run"].as_str().unwrap().contains(environment)).unwrap();
        let folder = lab.path(results["results"].as_str().unwrap()).join("runs").join(run["run"].as_str().unwrap());
        let log = fs::read_to_string(folder.join("programs/dut-command.log")).unwrap();
        assert!(log.contains("mac packet forwarding - ports=2 "), "{log}");
        assert!(log.contains("EAL: Detected CPU lcores: 1\n"), "of all cores only its own: {log}");
        assert_eq!(log.contains("libxdp"), environment == "af_xdp", "{log}");
    }
    assert_eq!((traces(), pool()), (before, pages));
}

#[test]
fn a_limit_below_its_need_is_told_with_the_key_to_raise() {
    let Some(lab) = lab() else { return };
    if !engine("dpdk-testpmd") {
        return;
    }
    let (before, pages) = (traces(), pool());
    let failed = |more: &[&str]| {
        let environment = ["--set", "nodes.dut.environment=af_packet"];
        let output = command(&lab, &[&environment, more].concat()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        said
    };
    // what it asks for is more than the host shows to be free: the kernel is never asked
    let said = failed(&["--set", "environments.af_packet.container.hugepages=64MiB"]);
    let told = "before it was ready (out of huge pages: limit 64MiB in pages of 2MiB; the command asks for 128MiB (--socket-mem)";
    assert!(said.contains(told) && said.contains("a larger `hugepages` is the way out"), "{said}");
    // the host has enough, and the group may not
    fs::write(POOL, format!("{}", pages + 128)).unwrap();
    let said = failed(&["--set", "environments.af_packet.container.hugepages=64MiB"]);
    fs::write(POOL, format!("{pages}")).unwrap();
    assert!(said.contains("limit 64MiB in pages of 2MiB") && said.contains("the kernel refused more"), "{said}");
    assert_eq!((traces(), pool()), (before, pages));
}

#[test]
fn a_port_that_is_missing_is_told_although_testpmd_runs_on() {
    let Some(lab) = lab() else { return };
    if !engine("dpdk-testpmd") {
        return;
    }
    let before = traces();
    let text = fs::read_to_string(EXAMPLE).unwrap().replace("--vdev=\"${driver}1,iface=$TAILBED_OUT\"", "");
    fs::write(lab.path("experiment.toml"), text.replace("--eth-peer=\"1,$TAILBED_OUT_PEER_MAC\"", "")).unwrap();
    let set = SHORT.iter().chain(&["repeats=1", "attempts=1", "nodes.dut.environment=af_packet", "nodes.dut.script_timeout=6s"]);
    let output = lab.tailbed().args(["run", "experiment.toml"]).args(set.flat_map(|set| ["--set", set])).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the command of dut has not said `forwarding - ports=2 ` within the script_timeout of 6s"), "{said}");
    assert_eq!(traces(), before);
}
