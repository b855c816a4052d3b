//! Whole runs on the host and in a container.

use std::fs;

use serde_json::Value;

use crate::support::{lab, results, traces};

#[test]
fn packets_pass_a_host_process_and_a_container_and_nothing_is_left() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "300ms", "[sweep]\n\"nodes.dut.environment\" = [\"host\", \"container\"]");
    let output = lab.reported(&["run", "experiment.toml", "--json"]);
    let results = results(&output);
    assert_eq!(traces(), before);
    let runs = results["summary"]["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3, "a floor and two measurements");
    for run in runs {
        let counts = &run["counts"];
        let count = |name: &str| counts[name].as_u64().unwrap();
        assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{run}");
        assert_eq!(count("sent"), 600);
        assert_eq!(count("received") + count("lost"), count("sent"));
        assert!(count("received") > 500, "{counts}");
        assert_eq!(count("duplicates"), 0, "{counts}");
        let latency = &run["latency"];
        let (least, greatest) = (latency["minimum"].as_u64().unwrap(), latency["maximum"].as_u64().unwrap());
        assert!((100..1_000_000_000).contains(&least) && least <= greatest, "{latency}");
    }
    let forwarded = |run: &Value| run["forwarders"][0]["rules"][0].clone();
    for run in &runs[1..] {
        let rule = forwarded(run);
        // 100 packets of warm-up and 600 counted ones
        assert!(rule["received"].as_u64().unwrap() >= run["counts"]["received"].as_u64().unwrap(), "{rule}");
        assert_eq!(rule["received"], rule["sent"], "{rule}");
    }
    let folder = results["results"].as_str().unwrap();
    let folder = lab.path(folder);
    for name in ["experiment.toml", "campaign.json", "facts.json", "summary.json", "report.html", "plots/percentiles.svg"] {
        assert!(folder.join(name).exists(), "{name}");
    }
    for run in runs {
        let run = folder.join("runs").join(run["run"].as_str().unwrap());
        for name in [
            "plan.json",
            "steps.txt",
            "journal.jsonl",
            "packets.parquet",
            "latency.hgrm",
            "latency.hlog",
            "kept.json",
            "SHA256SUMS",
            "gaps.csv",
            "summary.json",
        ] {
            assert!(run.join(name).exists(), "{}", run.join(name).display());
        }
    }
}

#[test]
fn the_agent_in_a_container_sees_nothing_of_the_host() {
    let Some(lab) = lab() else { return };
    lab.experiment("container", "2s", "");
    let mut child = lab.tailbed().args(["run", "experiment.toml", "--json"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let inside = crate::interrupted::wait_for(|| container_agent(child.id()));
    let link = |kind: &str, pid: &str| fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
    for kind in ["pid", "mnt", "net", "ipc", "uts"] {
        assert_ne!(link(kind, &inside), link(kind, "self"), "{kind}");
    }
    let root = fs::read_dir(format!("/proc/{inside}/root")).unwrap().flatten();
    let mut root: Vec<_> = root.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    root.sort();
    assert_eq!(root, ["dev", "proc", "sys", "tailbed", "tmp"]);
    let status = fs::read_to_string(format!("/proc/{inside}/status")).unwrap();
    // CAP_NET_RAW (13), CAP_IPC_LOCK (14), CAP_SYS_NICE (23)
    assert!(status.contains("CapEff:\t0000000000806000"), "{status}");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    // one core of its own, by its control group
    let cpus = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:\t")).unwrap();
    assert!(cpus.parse::<usize>().is_ok(), "{cpus}");
    assert!(child.wait().unwrap().success());
}

/// The process of the agent inside the container: the one of the shim's children that is the first of its pid namespace.
pub(crate) fn container_agent(parent: u32) -> Option<String> {
    let shims = children(&parent.to_string());
    let inside = shims.iter().flat_map(|pid| children(pid));
    inside.into_iter().find(|pid| {
        fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| {
            status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")) && status.contains("NoNewPrivs:\t1")
        }) && fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"/tailbed\0agent"))
    })
}

/// Processes started by any thread of a process.
pub(crate) fn children(pid: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}
