//! Ways to and from the wire, end to end.

use std::fs;

use serde_json::{Value, json};

use crate::support::{lab, results, traces};

/// Each pair is another cell; the records name what the agents opened, and all packets came through.
#[test]
fn ports_are_swept_and_named_in_the_records() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let sweep = "[sweep]\n\"traffic.port.send\" = [\"packet\", \"packet-batch\", \"xdp-copy\"]\n\
                 \"traffic.port.receive\" = [\"packet\", \"packet-blocks\", \"xdp\"]\n\
                 \"nodes.dut.port.receive\" = [\"packet-blocks\", \"xdp\"]";
    lab.experiment("host", "100ms", sweep);
    let results = results(&lab.reported(&["run", "experiment.toml", "--json", "--out", "results"]));
    let runs = results["summary"]["runs"].as_array().unwrap();
    let measured: Vec<&Value> = runs.iter().filter(|run| run["kind"] == "measurement").collect();
    assert_eq!(measured.len(), 18);
    for run in measured {
        let value = |key: &str| {
            let parameters = run["parameters"].as_array().unwrap();
            parameters.iter().find(|parameter| parameter["key"] == key).unwrap()["value"].clone()
        };
        let (send, receive) = (value("traffic.port.send"), value("traffic.port.receive"));
        let forwarder = json!({ "node": "dut", "send": "packet-batch", "receive": value("nodes.dut.port.receive") });
        assert_eq!(run["ports"], json!([forwarder, { "node": "generator", "send": send, "receive": receive }]));
        assert_eq!(run["counts"]["received"], run["counts"]["scheduled"], "{run}");
    }
    let report = fs::read_to_string(lab.path(results["results"].as_str().unwrap()).join("report.html")).unwrap();
    assert!(report.contains("sends by xdp-copy, receives by packet-blocks"));
    assert_eq!(traces(), before);
}

/// What is asked for and refused is no reason to take something else: exit code 3, the kernel's reason, nothing left.
#[test]
fn a_port_that_cannot_be_had_ends_the_campaign() {
    let Some(lab) = lab() else { return };
    let before = traces();
    for (key, node) in [("traffic.port.send", "generator"), ("nodes.dut.port.send", "dut")] {
        lab.experiment("host", "100ms", "");
        let set = format!("{key}=xdp-zero-copy");
        let output = lab.run(&["run", "experiment.toml", "--set", &set, "--out", node]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(node) && said.contains("XDP_ZEROCOPY") && said.contains("not supported"), "{said}");
        assert_eq!(traces(), before);
    }
}
