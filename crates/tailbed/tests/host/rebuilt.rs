//! Reports of what was measured, made again: of packets with all that the host did meanwhile and a third party's captures, of lives, of noise.

use std::fs;
use std::path::PathBuf;

use crate::support::{Lab, lab, results, traces};

/// Carries out an experiment, then has its report made again; the page and every plot are the same.
fn the_same_again(lab: &Lab, experiment: &str) {
    fs::write(lab.path("again.toml"), experiment).unwrap();
    let output = lab.reported(&["run", "again.toml", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder: PathBuf = lab.path(results(&output)["results"].as_str().unwrap());
    let plots = fs::read_dir(folder.join("plots")).unwrap().map(|plot| plot.unwrap().path());
    let derived: Vec<PathBuf> = plots.chain([folder.join("report.html")]).collect();
    let wrote: Vec<Vec<u8>> = derived.iter().map(|file| fs::read(file).unwrap()).collect();
    for file in &derived {
        fs::remove_file(file).unwrap();
    }
    let output = lab.run(&["report", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for (file, wrote) in derived.iter().zip(wrote) {
        assert!(fs::read(file).unwrap() == wrote, "{} differs", file.display());
    }
}

#[test]
fn what_was_measured_is_reported_again_as_it_was() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let packets = "name = \"packets\"\nrepeats = 1\n[nodes.dut]\nenvironment = \"host\"\nforward = \"l2fwd\"\n\
                   [traffic]\nrate = \"5kpps\"\nduration = \"300ms\"\nwarm_up = \"100ms\"\n[capture]\n";
    let lives = "name = \"lives\"\nrepeats = 1\n[nodes.dut.container]\n[lifecycle]\nphases = [\"boot\", \"shutdown\"]\n";
    let noise = "name = \"noise\"\nrepeats = 1\n[nodes.dut.host]\n[noise]\ncpus = [0]\nduration = \"50ms\"\nthreshold = \"1us\"\n\
                 interval = \"1ms\"\ncycles = 50\n";
    for experiment in [packets, lives, noise] {
        the_same_again(&lab, experiment);
    }
    assert_eq!(traces(), before);
}
