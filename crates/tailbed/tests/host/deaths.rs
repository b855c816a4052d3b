//! Deaths. docs/host.md lists them all with the tests that bring them about, each beside the other tests of its kind of environment; here
//! are those that concern every kind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::interrupted::wait_for;
use crate::support::{Lab, lab, system, traces};

/// A script that takes memory until the kernel kills it, and it before all others.
const EATER: &str = "#!/bin/sh\necho 1000 > /proc/self/oom_score_adj\necho eating\nexec tail /dev/zero\n";

/// Writes the script for a node's `run` or `setup`; its name.
pub(crate) fn eater(lab: &Lab) -> &'static str {
    fs::write(lab.path("eater.sh"), EATER).unwrap();
    "eater.sh"
}

/// The file of a test given by its path: `lxc::deaths::name` lies in lxc/deaths.rs, or in the `mod.rs` of that folder.
fn text_of(modules: &str) -> String {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/host")).join(modules.replace("::", "/"));
    fs::read_to_string(path.with_extension("rs")).or_else(|_| fs::read_to_string(path.join("mod.rs"))).unwrap_or_default()
}

#[test]
fn the_list_of_deaths_names_tests_that_there_are() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let page = fs::read_to_string(Path::new(root).join("docs/host.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("When something dies")).expect("there is a list");
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
        .skip(1)
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    for row in &rows {
        let &[_, code, said, test] = row.as_slice() else { panic!("{row:?} has not four columns") };
        assert!(["1", "2", "3"].contains(&code), "{row:?}");
        assert!(!said.is_empty(), "{row:?}");
        let (modules, name) = test.trim_matches('`').rsplit_once("::").unwrap();
        assert!(text_of(modules).contains(&format!("#[test]\nfn {name}() {{")), "there is no test {test}");
    }
    let deaths: BTreeSet<_> = rows.iter().map(|row| row[0]).collect();
    assert!(deaths.len() == rows.len() && deaths.len() >= 20, "{} deaths in {} rows", deaths.len(), rows.len());
}

#[test]
fn a_disk_that_is_full_is_told_wherever_results_no_longer_fit() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "500ms", "");
    let disk = lab.path("disk");
    fs::create_dir(&disk).unwrap();
    // full before anything is touched, in the middle of a run's files, and when its packets are written
    for (size, file) in [("4k", "campaign.json"), ("40k", "0000-floor"), ("96k", "packets.parquet")] {
        system(&format!("mount -t tmpfs -o size={size} none {}", disk.display()));
        let output = lab.run(&["run", "experiment.toml", "--out", "disk", "--set", "traffic.rate=40kpps"]);
        system(&format!("umount {}", disk.display()));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{size}: {said}");
        assert!(said.contains(file) && said.contains("No space left on device"), "{size}: {said}");
        assert_eq!(traces(), before, "{size}");
        assert_eq!(fs::read_dir(lab.path("state")).map_or(0, Iterator::count), 0, "{size}: a journal is left");
    }
}

#[test]
fn a_link_that_somebody_removes_is_no_loss_of_packets() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "2s", "");
    // a node's own script is started with the traffic
    fs::write(lab.path("begun.sh"), format!("#!/bin/sh\ntouch {}\n", lab.path("begun").display())).unwrap();
    let arguments = ["run", "experiment.toml", "--set", "nodes.dut.run=begun.sh"];
    let child = lab.tailbed_on_one_core().args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| lab.path("begun").exists().then_some(()));
    let namespace = wait_for(|| {
        let names = fs::read_dir("/run/netns").ok()?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.into_iter().find(|name| name.starts_with("tb-") && name.ends_with("-generator"))
    });
    system(&format!("ip -n {namespace} link delete dev tx"));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the link of tx in tb-") && said.contains("somebody has removed it"), "{said}");
    assert_eq!(traces(), before);
}
