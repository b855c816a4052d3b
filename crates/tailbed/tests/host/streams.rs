//! Several streams at once: both ways, from several nodes, through random topologies.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::{Lab, lab, results, traces};

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

/// Limits wide enough for a shared machine.
const LIMITS: &str = "[validity]\nlateness = \"1s\"\ngap = \"10s\"\n";

fn write(lab: &Lab, text: &str) {
    fs::write(lab.path("experiment.toml"), format!("name = \"test\"\nrepeats = 1\nattempts = 1\n{text}\n{LIMITS}")).unwrap();
}

/// Every stream and every flow of a run is accounted for, packet by packet; gives the streams by name.
fn conserved(run: &Value, folder: &std::path::Path) -> BTreeMap<String, Value> {
    assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
    assert_eq!(count(&run["counts"]["sent"]), count(&run["counts"]["received"]) + count(&run["counts"]["lost"]), "{run}");
    // of one alone the run itself says all
    let Some(streams) = run["streams"].as_array() else { return BTreeMap::new() };
    let mut all = BTreeMap::new();
    for stream in streams {
        let counts = &stream["counts"];
        assert_eq!(count(&counts["sent"]), count(&counts["received"]) + count(&counts["lost"]), "{stream}");
        assert_eq!(count(&stream["misdelivered"]), 0, "{stream}");
        assert_eq!(count(&stream["latency"]["count"]), count(&counts["received"]), "{stream}");
        all.insert(stream["name"].as_str().unwrap().to_owned(), stream.clone());
    }
    for what in ["sent", "received", "lost"] {
        let sum: u64 = streams.iter().map(|stream| count(&stream["counts"][what])).sum();
        assert_eq!(sum, count(&run["counts"][what]), "{what}");
    }
    let csv = fs::read_to_string(folder.join("runs").join(run["run"].as_str().unwrap()).join("flows.csv")).unwrap();
    let mut lines = csv.lines();
    let titles: Vec<_> = lines.next().unwrap().split(',').collect();
    let mut sent: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines {
        let row: BTreeMap<&str, &str> = titles.iter().copied().zip(line.split(',')).collect();
        let number = |title: &str| row[title].parse::<u64>().unwrap();
        assert_eq!(number("sent"), number("received") + number("lost"), "{line}");
        *sent.entry(row["stream"].to_owned()).or_default() += number("sent");
    }
    let by_stream: BTreeMap<_, _> = all.iter().map(|(name, stream)| (name.clone(), count(&stream["counts"]["sent"]))).collect();
    assert_eq!(sent, by_stream);
    all
}

#[test]
fn packets_go_both_ways_through_a_process_and_a_container() {
    let Some(lab) = lab() else { return };
    let before = traces();
    write(
        &lab,
        "[nodes.dut]\nenvironment = \"host\"\n[traffic]\nrate = \"1kpps\"\nduration = \"300ms\"\nwarm_up = \"50ms\"\nbidirectional = true\n\
         flows = { count = 3, source_port = { first = 5000, count = 3 } }\n\
         [sweep]\n\"nodes.dut.environment\" = [\"host\", \"container\"]\n",
    );
    let output = lab.reported(&["run", "experiment.toml", "--json"]);
    let results = results(&output);
    assert_eq!(traces(), before);
    let folder = lab.path(results["results"].as_str().unwrap());
    let runs = results["summary"]["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3, "a floor and two measurements");
    for run in runs {
        let streams = conserved(run, &folder);
        let sent: Vec<_> = streams.iter().map(|(name, stream)| (name.as_str(), count(&stream["counts"]["sent"]))).collect();
        assert_eq!(sent, [("back", 300), ("forth", 300)]);
        assert_eq!(count(&run["flows"]["count"]), 6);
        for (rule, stream) in [(0, "forth"), (1, "back")] {
            if let Some(rule) = run["forwarders"][0]["rules"].get(rule) {
                // what each direction of the forwarder sent on, the warm-up included, is at least what came in of its stream
                assert!(count(&rule["sent"]) >= count(&streams[stream]["counts"]["received"]), "{rule}");
                assert!(count(&rule["received"]) >= 300 && count(&rule["received"]) < 600, "{rule}");
            }
        }
    }
    let report = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(report.contains("id=\"streams\"") && report.contains("forth") && report.contains("back"));
    let csv = fs::read_to_string(folder.join("runs").join(runs[1]["run"].as_str().unwrap()).join("flows.csv")).unwrap();
    // answers go to where questions come from
    assert!(
        csv.contains("forth,1,,,198.18.0.1,198.19.0.1,5001,9,") && csv.contains("back,4,,,198.19.0.1,198.18.0.1,9,5001,"),
        "{csv}"
    );
}

#[test]
fn each_of_several_generators_comes_through() {
    let Some(lab) = lab() else { return };
    let before = traces();
    write(
        &lab,
        "[nodes.first]\nenvironment = \"host\"\n[nodes.second]\nenvironment = \"container\"\n\
         [traffic]\nrate = \"1kpps\"\nduration = \"300ms\"\nwarm_up = \"50ms\"\n\
         [traffic.streams.all]\nframe = 594\n[traffic.streams.last]\nfrom = \"second:side\"\nrate = \"500pps\"\nframe = 1518\n\
         [traffic.streams.first]\nfrom = \"first:side\"\npattern = { burst = { size = 10, gap = \"30ms\" } }\n",
    );
    let output = lab.run(&["run", "experiment.toml", "--json"]);
    let results = results(&output);
    assert_eq!(traces(), before);
    let folder = lab.path(results["results"].as_str().unwrap());
    let runs = results["summary"]["runs"].as_array().unwrap();
    for run in runs {
        let streams = conserved(run, &folder);
        let sent: Vec<_> = streams.iter().map(|(name, stream)| (name.as_str(), count(&stream["counts"]["sent"]))).collect();
        assert_eq!(sent, [("all", 300), ("first", 100), ("last", 150)]);
        assert_eq!(count(&streams["last"]["volume"]["sent"]), 150 * 1518);
    }
    // the node that two streams pass, by three ports
    let forwarders = runs.last().unwrap()["forwarders"].as_array().unwrap();
    assert_eq!(forwarders[1]["ports"], serde_json::json!(["in", "out", "side"]), "{forwarders:?}");
    assert!(count(&forwarders[1]["rules"][2]["received"]) >= 150, "{forwarders:?}");
}

/// Real packets through real namespaces: three random topologies of each shape. Many nodes share few cores here, so what they hold back has
/// time to come in.
#[test]
fn random_topologies_bring_every_stream_home() {
    let Some(lab) = lab() else { return };
    let before = traces();
    write(
        &lab,
        "[topology]\nleast = 3\nnodes = 6\n[topology.node]\nenvironment = \"host\"\n\
         [traffic]\nrate = \"500pps\"\nduration = \"200ms\"\nwarm_up = \"20ms\"\ndrain = \"1s\"\n\
         [sweep]\n\"topology.shape\" = [\"line\", \"tree\", \"ring\", \"fan\"]\n\"topology.seed\" = [1, 2, 3]\n",
    );
    let output = lab.run(&["run", "experiment.toml", "--json"]);
    let results = results(&output);
    assert_eq!(traces(), before);
    let folder = lab.path(results["results"].as_str().unwrap());
    let runs = results["summary"]["runs"].as_array().unwrap();
    let measured: Vec<_> = runs.iter().filter(|run| run["kind"] == "measurement").collect();
    assert_eq!(measured.len(), 12);
    let mut several = 0;
    for run in measured {
        let streams = conserved(run, &folder);
        let plan = folder.join("runs").join(run["run"].as_str().unwrap()).join("plan.json");
        let plan: Value = serde_json::from_slice(&fs::read(plan).unwrap()).unwrap();
        let planned = plan["streams"].as_array().cloned().unwrap_or_default();
        assert!(planned.len() == streams.len() || (planned.len(), streams.len()) == (1, 0), "{planned:?}");
        several += usize::from(streams.len() > 1);
        let passed = |node: &str| {
            let through =
                planned.iter().filter(|stream| stream["hops"].as_array().unwrap().iter().any(|hop| hop["node"] == node));
            through.map(|stream| stream["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for forwarder in run["forwarders"].as_array().unwrap() {
            let node = forwarder["node"].as_str().unwrap();
            let received: u64 = forwarder["rules"].as_array().unwrap().iter().map(|rule| count(&rule["received"])).sum();
            let through: u64 =
                passed(node).iter().filter_map(|name| streams.get(name)).map(|stream| count(&stream["counts"]["received"])).sum();
            assert!(!passed(node).is_empty() && received >= through, "{node}: {received} of {through}");
        }
    }
    assert!(several >= 5, "hardly any has several streams");
}
