//! Many flows of many lengths, in bursts and at random, through forwarders.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::{lab, results, traces};

/// A row of `flows.csv` by its titles.
fn rows(csv: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut lines = csv.lines();
    let titles: Vec<_> = lines.next().unwrap().split(',').collect();
    lines.map(|line| titles.iter().copied().zip(line.split(',')).collect()).collect()
}

#[test]
fn every_flow_passes_a_process_and_a_container_whole() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let traffic = "[traffic.flows]\ncount = 20\nvlan = { first = 100, count = 5 }\nouter_vlan = 7\n\n\
                   [sweep]\n\"nodes.dut.environment\" = [\"host\", \"container\"]\n\
                   \"traffic.pattern\" = [\"poisson\", { burst = { size = 16 } }]\n";
    lab.experiment("host", "300ms", traffic);
    let frame = "traffic.frame=[{ size = 72, weight = 7 }, { size = 1518, weight = 4 }, { size = 9018, weight = 1 }]";
    let output = lab.run(&["run", "experiment.toml", "--json", "--set", frame]);
    let results = results(&output);
    assert_eq!(traces(), before);
    let folder = lab.path(results["results"].as_str().unwrap());
    let runs = results["summary"]["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 6, "two floors and four measurements");
    for run in runs {
        assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
        let count = |value: &Value| value.as_u64().unwrap();
        let (sent, lost) = (count(&run["counts"]["sent"]), count(&run["counts"]["lost"]));
        assert_eq!((sent, count(&run["flows"]["count"])), (600, 20));
        // after 100 packets of warm-up; each flow goes through the cycle of twelve by itself, one packet ahead of the flow before
        let cycle = [72, 1518, 72, 72, 1518, 72, 9018, 72, 1518, 72, 1518, 72];
        let bytes: usize = (100..700).map(|number| cycle[(number / 20 + number % 20) % 12]).sum();
        assert_eq!(run["volume"]["sent"], bytes, "{}", run["volume"]);

        let csv = fs::read_to_string(folder.join("runs").join(run["run"].as_str().unwrap()).join("flows.csv")).unwrap();
        let rows = rows(&csv);
        let number = |row: &BTreeMap<&str, &str>, title: &str| row[title].parse::<u64>().unwrap();
        for (flow, row) in (0..).zip(&rows) {
            assert_eq!((number(row, "flow"), number(row, "vlan"), row["outer_vlan"]), (flow, 100 + flow % 5, "7"));
            assert_eq!((number(row, "sent"), number(row, "duplicates")), (30, 0));
            assert_eq!(number(row, "received") + number(row, "lost"), 30);
        }
        assert_eq!(rows.iter().map(|row| number(row, "lost")).sum::<u64>(), lost);
        if let Some(rule) = run["forwarders"][0]["rules"].get(0) {
            // the longest frames too: none is cut off
            assert_eq!((count(&rule["malformed"]), &rule["received"]), (0, &rule["sent"]), "{rule}");
            assert!(count(&rule["sent"]) >= 600 - lost, "{rule}");
        }
    }
}
