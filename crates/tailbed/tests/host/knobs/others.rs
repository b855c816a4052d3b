//! Knobs where no packets are sent: cores are tested and lives gone through under a profile, by the same steps.

use std::fs;

use serde_json::Value;

use super::{SWAPPINESS, record, with_mounts};
use crate::support::{Lab, lab, results, traces};

/// Short tests of one core that does not keep the house, or `None` where there is but one.
fn tests_of_a_core(lab: &Lab, environment: &str, more: &str) -> Option<usize> {
    let cores = std::thread::available_parallelism().unwrap().get();
    if cores < 2 {
        println!("skipped: needs two cores");
        return None;
    }
    let text = format!(
        "name = \"noise\"\nrepeats = 1\nprofile = \"isolated\"\n\n[nodes.dut]\nenvironment = \"{environment}\"\n\n\
         [noise]\ncpus = [{}]\nduration = \"100ms\"\ninterval = \"1ms\"\ncycles = 100\n{more}\n",
        cores - 1
    );
    fs::write(lab.path("experiment.toml"), text).unwrap();
    Some(cores - 1)
}

fn report(lab: &Lab) -> String {
    let campaign = fs::read_dir(lab.path("results")).unwrap().next().unwrap().unwrap().path();
    fs::read_to_string(campaign.join("report.html")).unwrap()
}

#[test]
fn cores_are_tested_under_a_profile_and_who_was_there_is_named() {
    let Some(lab) = lab() else { return };
    let before = traces();
    for environment in ["host", "container"] {
        let Some(core) = tests_of_a_core(&lab, environment, "") else { return };
        let all = results(&lab.reported(&["run", "experiment.toml", "--json", "--set", "proof.switches=true"]));
        assert_eq!(traces(), before, "{environment}: everything is put back");
        let run = &all["summary"]["runs"][0];
        assert_eq!(run["invalid"], Value::Array(Vec::new()), "{run}");
        assert_eq!(run["knobs"]["profile"], "isolated");
        assert_eq!(record(&all, "swappiness")["readings"][0]["read"], "1");
        let cores = run["proof"]["cores"].as_array().unwrap();
        assert_eq!((cores.len(), &cores[0]["cpu"], &cores[0]["nodes"][0]), (1, &Value::from(core), &Value::from("dut")));
        // a hundred wake-ups are a hundred changes of task, where the kernel lets them be noted
        if run["proof"]["tasks"]["switches"].is_object() {
            assert!(cores[0]["switches"].as_u64().unwrap() >= 100, "{run}");
            let own = cores[0]["tasks"].as_array().unwrap().iter().find(|task| task["node"] == "dut");
            assert!(own.is_some_and(|task| task["expected"] == true), "{run}");
        }
        let report = report(&lab);
        assert!(report.contains("Profile isolated") && report.contains(SWAPPINESS), "the report shows the knobs");
        assert!(report.contains("On a core that is tested nothing belongs but"), "and what the host did");
        fs::remove_dir_all(lab.path("results")).unwrap();
    }
}

#[test]
fn a_neighbour_on_the_tested_core_is_named_and_takes_the_node_its_own() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let Some(_) = tests_of_a_core(&lab, "host", "load = \"same\"\nload_work = [\"calls\"]") else { return };
    let output = lab.reported(&["run", "experiment.toml", "--json"]);
    let all = results(&output);
    assert_eq!(traces(), before);
    assert!(record(&all, "cpuset")["left"].as_str().unwrap().contains("dut and neighbour share a core"), "{all}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("`cpuset` cannot be had here: dut and neighbour share a core"), "{said}");
    let culprits = all["summary"]["runs"][0]["proof"]["cores"][0]["culprits"].to_string();
    assert!(culprits.contains("of neighbour"), "{culprits}");
}

#[test]
fn a_test_under_a_knob_that_does_not_hold_ends_the_campaign() {
    let Some(lab) = lab() else { return };
    if tests_of_a_core(&lab, "host", "").is_none() {
        return;
    }
    let before = traces();
    let ignored = format!("mount --bind /dev/null {SWAPPINESS}");
    let life = "name = \"life\"\nrepeats = 1\nprofile = \"isolated\"\n\n[nodes.dut]\nenvironment = \"host\"\n\n[lifecycle]\n";
    for text in [fs::read_to_string(lab.path("experiment.toml")).unwrap(), life.to_owned()] {
        fs::write(lab.path("experiment.toml"), text).unwrap();
        let output = with_mounts(&lab, &ignored, "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(&format!("the knob `swappiness` does not hold: {SWAPPINESS} was given 1")), "{said}");
        assert_eq!(traces(), before);
        let campaign = fs::read_dir(lab.path("results")).unwrap().next().unwrap().unwrap().path();
        assert!(!campaign.join("summary.json").exists(), "nothing is called isolated");
        fs::remove_dir_all(lab.path("results")).unwrap();
    }
}

#[test]
fn the_subcommand_tests_cores_under_a_profile_with_knobs_of_ones_own() {
    let Some(lab) = lab() else { return };
    let cores = std::thread::available_parallelism().unwrap().get();
    if cores < 2 {
        println!("skipped: needs two cores");
        return;
    }
    let before = traces();
    let last = (cores - 1).to_string();
    let short = ["noise", "--cpus", &last, "--duration", "50ms", "--interval", "1ms", "--cycles", "50"];
    let under = ["--profile", "isolated", "--set", "knobs.swappiness=7"];
    let all = results(&lab.run(&[&short[..], &under[..], &["--json"]].concat()));
    assert_eq!(all["run"]["knobs"]["profile"], "isolated");
    let knobs = all["run"]["knobs"]["knobs"].as_array().unwrap();
    let swappiness = knobs.iter().find(|knob| knob["knob"] == "swappiness").unwrap();
    assert_eq!(swappiness["readings"][0]["read"], "7");
    assert!(all["run"]["proof"]["cores"][0]["interrupts"].is_array(), "{all}");
    let table = lab.run(&[&short[..], &under[..]].concat());
    let said = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.status.success() && said.contains("profile isolated: ") && said.contains("swappiness 7"), "{said}");
    let unknown = lab.run(&[&short[..], &["--profile", "izolated"]].concat());
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert_eq!(unknown.status.code(), Some(2), "{said}");
    assert!(said.contains("unknown profile `izolated`"), "{said}");
    assert_eq!(traces(), before);
}

#[test]
fn a_life_is_gone_through_under_a_profile_whose_knobs_hold_to_its_end() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let text = "name = \"life\"\nrepeats = 1\nprofile = \"isolated\"\n\n[nodes.dut]\nenvironment = \"container\"\n\n[lifecycle]\n\n\
                [knobs]\nswappiness = 7\n";
    fs::write(lab.path("experiment.toml"), text).unwrap();
    let output = lab.reported(&["run", "experiment.toml", "--json"]);
    let all = results(&output);
    assert_eq!(traces(), before);
    let life = &all["summary"]["runs"][0];
    assert_eq!((&life["failed"], &life["knobs"]["profile"]), (&Value::Null, &Value::from("isolated")));
    assert_eq!(record(&all, "swappiness")["readings"][0]["read"], "7");
    assert!(record(&all, "cpuset")["left"].as_str().unwrap().contains("no core is kept for a node whose life"), "{life}");
    assert!(report(&lab).contains("Profile isolated"), "the report shows the knobs");
}
