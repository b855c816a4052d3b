//! Knobs and profiles: what they plan, what they refuse, and what the documentation says of them.

#![allow(clippy::disallowed_methods, reason = "planning reads no files, its tests do")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod hosts;

use std::collections::BTreeSet;
use std::fs;

use tailbed_format::facts::{Facts, Privilege};
use tailbed_plan::knob::{ALL, SUPPLIED, files_named, pages};
use tailbed_plan::plan::Plan;
use tailbed_plan::step::{Setting, Step};
use tailbed_plan::{Overrides, PlanError, Source, describe, plan};

const FILE: &str =
    "name = \"x\"\nrepeats = 1\n[nodes.dut]\nenvironment = \"host\"\n[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n";

fn try_plan(set: &[&str], facts: &Facts) -> Result<Plan, PlanError> {
    let overrides = Overrides { set: set.iter().map(|text| (*text).to_owned()).collect(), ..Overrides::default() };
    plan(&Source { name: "x.toml", text: FILE.as_bytes() }, &overrides, facts, "a1b2c3")
}

fn planned(set: &[&str], facts: &Facts) -> Plan {
    try_plan(set, facts).unwrap_or_else(|error| panic!("{error}"))
}

fn settings(plan: &Plan) -> Vec<&Setting> {
    let run = plan.runs.last().unwrap();
    let written = run.steps.iter().filter_map(|step| match step {
        Step::WriteSetting(setting) => Some(setting),
        _ => None,
    });
    written.collect()
}

fn value<'a>(plan: &'a Plan, path: &str) -> Option<&'a str> {
    settings(plan).into_iter().find(|setting| setting.path == path).map(|setting| setting.value.as_str())
}

const WORKQUEUES: &str = "/sys/devices/virtual/workqueue/cpumask";

#[test]
fn the_page_says_what_the_knobs_do() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/knobs.md");
    let written = pages();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        fs::write(file, &written).unwrap();
    }
    assert_eq!(fs::read_to_string(file).unwrap(), written, "run this test with INSTA_UPDATE=always to write docs/knobs.md anew");
}

#[test]
fn names_are_unique_and_every_standard_value_is_accepted() {
    let names: BTreeSet<_> = ALL.iter().map(|knob| knob.name).collect();
    assert_eq!(names.len(), ALL.len());
    for knob in ALL {
        assert!(knob.accepts.allows(knob.standard), "{}", knob.name);
        for said in [knob.unit, knob.what, knob.why, knob.source, knob.manner.read, knob.manner.set, knob.manner.verified] {
            assert!(!said.is_empty(), "{}", knob.name);
        }
    }
}

#[test]
fn without_a_profile_nothing_is_set_but_what_the_instrument_needs() {
    for facts in [hosts::small(), hosts::server()] {
        let plan = planned(&[], &facts);
        let paths: Vec<_> = settings(&plan).iter().map(|setting| setting.path.clone()).collect();
        assert_eq!(paths, ["/proc/sys/kernel/sched_rt_runtime_us"]);
        assert!(plan.runs.iter().all(|run| run.knobs.is_stock()));
        assert_eq!(plan, planned(&["profile=stock"], &facts));
    }
}

#[test]
fn a_profile_sets_its_knobs_and_the_experiment_overrides_them() {
    let server = hosts::server();
    let plan = planned(&["profile=isolated", "knobs.thp=never", "knobs.workqueues=false"], &server);
    assert_eq!(value(&plan, "/sys/kernel/mm/transparent_hugepage/enabled"), Some("never"));
    assert_eq!(value(&plan, WORKQUEUES), None);
    assert_eq!(value(&plan, "/proc/sys/vm/swappiness"), Some("1"));
    // cores 1 (generator) and 2 (dut) are packets', 5 and 6 their siblings, kept idle
    let plan = planned(&["profile=isolated"], &server);
    assert_eq!(value(&plan, WORKQUEUES), Some("99"));
    assert_eq!(value(&plan, "/proc/irq/30/smp_affinity_list"), Some("0,3-4,7"));
    assert_eq!((value(&plan, "/proc/irq/31/smp_affinity_list"), value(&plan, "/proc/irq/32/smp_affinity_list")), (None, None));
    assert!(plan.notes.iter().any(|note| note.contains("31 (nvme0q3) stays on CPU 2")), "{:?}", plan.notes);
}

#[test]
fn what_a_host_has_not_is_left_out_of_a_profile_and_refused_by_name() {
    let server = hosts::server();
    let plan = planned(&["profile=realtime"], &server);
    let left: Vec<_> =
        plan.runs[0].knobs.knobs.iter().filter(|knob| knob.left.is_some()).map(|knob| knob.knob.as_str()).collect();
    assert_eq!(left, ["nohz_full", "fair_server"]);
    assert!(plan.notes.iter().any(|note| note.contains("boot with nohz_full=1-2")), "{:?}", plan.notes);
    let refused = try_plan(&["knobs.nohz_full=true"], &server).unwrap_err();
    assert_eq!(refused.exit_code(), 3);
    assert!(refused.to_string().contains("the knob `nohz_full` cannot be true here"), "{refused}");
    let no_root = Privilege { root: false, ..server.privilege };
    let refused = try_plan(&["knobs.thp=never"], &Facts { privilege: no_root, ..server.clone() }).unwrap_err();
    assert!(refused.to_string().contains("it takes root") && refused.exit_code() == 3, "{refused}");
    let plan = planned(&["profile=isolated"], &Facts { privilege: no_root, ..server });
    assert!(settings(&plan).is_empty());
}

#[test]
fn without_isolation_a_profile_is_not_used() {
    let plan = planned(&["profile=isolated", "isolation=false", "knobs.thp=never"], &hosts::server());
    assert!(plan.runs.iter().all(|run| run.knobs.is_stock()));
    assert!(plan.notes.iter().any(|note| note.contains("the profile isolated with [knobs] is not used where isolation = false")));
}

#[test]
fn a_profile_may_be_a_file() {
    let source = Source { name: "folder/x.toml", text: FILE.as_bytes() };
    let mut overrides = Overrides { sweep: vec!["profile=stock,mine.toml".to_owned()], ..Overrides::default() };
    assert_eq!(files_named(&source, &overrides).unwrap(), ["folder/mine.toml"]);
    let refused = plan(&source, &overrides, &hosts::server(), "t").unwrap_err();
    assert!(refused.to_string().contains("the profile's file folder/mine.toml cannot be read"), "{refused}");
    let planned_with = |text: &str, overrides: &mut Overrides| {
        overrides.profiles = vec![("folder/mine.toml".to_owned(), text.to_owned())];
        plan(&source, overrides, &hosts::server(), "t")
    };
    let refused = planned_with("[knobs]\nthp = \"some\"\n", &mut overrides).unwrap_err();
    assert!(refused.to_string().contains("`thp` is some; it may be"), "{refused}");
    let plan = planned_with("[knobs]\nthp = \"never\"\n", &mut overrides).unwrap();
    let with: Vec<_> = plan.runs.iter().filter(|run| run.knobs.profile == "mine.toml").collect();
    assert_eq!(with.len(), 2, "a floor and a measurement");
}

#[test]
fn one_knob_swept_makes_cells_of_its_own_with_floors() {
    let overrides = Overrides { sweep: vec!["knobs.thp=always,never".to_owned()], ..Overrides::default() };
    let plan = plan(&Source { name: "x.toml", text: FILE.as_bytes() }, &overrides, &hosts::server(), "t").unwrap();
    assert_eq!(plan.cells.len(), 4);
    let said = describe(&plan, &hosts::server(), true);
    assert!(said.contains("echo never > /sys/kernel/mm/transparent_hugepage/enabled"), "{said}");
}

/// Settings of a plan are undone by their own paths, and no two of a run write the same file.
#[test]
fn no_file_is_written_twice_in_a_run() {
    for (profile, _) in SUPPLIED {
        let plan = planned(&[&format!("profile={profile}")], &hosts::server());
        for run in &plan.runs {
            let paths: Vec<_> = run
                .steps
                .iter()
                .filter_map(|step| if let Step::WriteSetting(setting) = step { Some(&setting.path) } else { None })
                .collect();
            assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len(), "{profile}");
        }
    }
}

/// An experiment with another purpose than packets, of a node in this environment.
fn planned_for(purpose: &str, environment: &str, set: &[&str], facts: &Facts) -> Result<Plan, PlanError> {
    let text = format!("name = \"x\"\nrepeats = 1\n[nodes.dut]\nenvironment = \"{environment}\"\n[{purpose}]\n");
    let overrides = Overrides { set: set.iter().map(|text| (*text).to_owned()).collect(), ..Overrides::default() };
    plan(&Source { name: "x.toml", text: text.as_bytes() }, &overrides, facts, "a1b2c3")
}

#[test]
fn cores_that_are_tested_are_those_that_others_are_kept_off() {
    let server = hosts::server();
    for environment in ["host", "container"] {
        let plan = planned_for("noise", environment, &["profile=isolated", "noise.cpus=[3]"], &server).unwrap();
        let run = &plan.runs[0];
        assert_eq!((value(&plan, WORKQUEUES), value(&plan, "/proc/sys/vm/swappiness")), (Some("77"), Some("1")));
        let place = |wanted: &dyn Fn(&Step) -> bool| run.steps.iter().position(wanted).unwrap();
        let group = place(&|step| matches!(step, Step::MakeCgroup(spec) if spec.cpus == [3] && spec.exclusive.is_some()));
        let agent = place(&|step| matches!(step, Step::StartAgent { node, .. } if node == "dut"));
        assert!(group < agent, "its agent starts in the group");
        let watch = run.proof.as_ref().unwrap();
        assert_eq!((watch.cores.len(), watch.cores[0].cpu, watch.reader, watch.switches), (1, 3, 0, false));
        // without a node's own cores in the way, one of the others keeps the house
        let first = planned_for("noise", environment, &["noise.cpus=[0]", "proof.switches=true"], &server).unwrap();
        let watch = first.runs[0].proof.as_ref().unwrap();
        assert_eq!((watch.reader, watch.rate, watch.switches), (1, 1, true));
    }
}

#[test]
fn with_version_1_load_is_still_balanced_over_the_cores_for_all_else() {
    let balanced = "/sys/fs/cgroup/cpuset/cpuset.sched_load_balance";
    let mut server = Facts { cgroup: hosts::small().cgroup, ..hosts::server() };
    server.settings.files.insert(balanced.to_owned(), "1".to_owned());
    let plan = planned(&["profile=isolated"], &server);
    assert_eq!(value(&plan, balanced), Some("0"));
    let steps = &plan.runs.last().unwrap().steps;
    let place = |wanted: &dyn Fn(&Step) -> bool| steps.iter().position(wanted).unwrap();
    let house = place(&|step| matches!(step, Step::MakeCgroup(spec) if spec.path == "tb-a1b2c3-house"));
    assert!(house < place(&|step| matches!(step, Step::WriteSetting(setting) if setting.path == balanced)));
    let Step::MakeCgroup(spec) = &steps[house] else { unreachable!() };
    assert_eq!((spec.cpus.as_slice(), &spec.exclusive), ([0, 3, 4, 7].as_slice(), &None));
    let undo = steps[house].undo().shell(&server.cgroup).join("\n");
    assert!(undo.contains("rmdir $r/tb-a1b2c3-house; done"), "{undo}");
}

#[test]
fn a_neighbour_on_the_tested_cores_leaves_the_node_none_of_its_own() {
    let server = hosts::server();
    let plan = planned_for("noise", "host", &["profile=isolated", "noise.load=same"], &server).unwrap();
    let cpuset = plan.runs[0].knobs.knobs.iter().find(|knob| knob.knob == "cpuset").unwrap();
    assert_eq!(cpuset.left.as_deref(), Some("dut and neighbour share a core"));
    // what is confined to the other cores is everybody but these two
    let groups: Vec<_> = plan.runs[0]
        .steps
        .iter()
        .filter_map(|step| if let Step::MakeCgroup(spec) = step { Some((spec.path.as_str(), spec.cpus.clone())) } else { None })
        .collect();
    let cpus = plan.runs[0].agents[0].scheduling().cpus.clone();
    assert_eq!(groups, [("tb-a1b2c3-beside/dut", cpus.clone()), ("tb-a1b2c3-beside/neighbour", cpus)]);
    let beside = planned_for("noise", "host", &["profile=isolated", "noise.load=others"], &server).unwrap();
    let cpuset = beside.runs[0].knobs.knobs.iter().find(|knob| knob.knob == "cpuset").unwrap();
    assert_eq!((&cpuset.left, &cpuset.remarks), (&None, &Vec::new()));
    let refused = planned_for("noise", "host", &["knobs.cpuset=isolated", "noise.load=same"], &server).unwrap_err();
    assert!(refused.to_string().contains("dut and neighbour share a core") && refused.exit_code() == 3, "{refused}");
}

#[test]
fn lives_have_the_knobs_that_are_not_of_cores() {
    let server = hosts::server();
    let plan = planned_for("lifecycle", "container", &["profile=isolated"], &server).unwrap();
    assert_eq!((value(&plan, "/proc/sys/vm/swappiness"), value(&plan, WORKQUEUES)), (Some("1"), None));
    let left = plan.runs[0].knobs.knobs.iter().find(|knob| knob.knob == "workqueues").unwrap();
    assert_eq!(left.left.as_deref(), Some("no core is kept for a node whose life is gone through"));
    let refused = planned_for("lifecycle", "container", &["knobs.cpuset=isolated"], &server).unwrap_err();
    assert!(refused.to_string().contains("no core is kept") && refused.exit_code() == 3, "{refused}");
    let stock = planned_for("lifecycle", "container", &[], &server).unwrap();
    assert!(settings(&stock).is_empty(), "nothing of a life has real-time priority");
}

/// Under the governor `performance` some drivers take no other preference and make it `performance`: what is found and put back must be
/// that of another governor.
#[test]
fn the_preference_is_written_while_it_can_be() {
    const FOLDER: &str = "/sys/devices/system/cpu/cpu1/cpufreq";
    let (preference, governor) = (format!("{FOLDER}/energy_performance_preference"), format!("{FOLDER}/scaling_governor"));
    let mut server = hosts::server();
    let of_core = |set: &[&str], host: &Facts| -> Vec<(String, String)> {
        let plan = planned(set, host);
        let written = settings(&plan).into_iter().filter(|setting| setting.path.starts_with(FOLDER));
        written.map(|setting| (setting.path.clone(), setting.value.clone())).collect()
    };
    let pair = |file: &String, value: &str| (file.clone(), value.to_owned());
    let fast = [pair(&preference, "performance"), pair(&governor, "performance")];
    assert_eq!(of_core(&["knobs.energy_preference=true", "knobs.governor=true"], &server), fast);
    let thrifty = ["knobs.energy_preference=power", "knobs.governor=powersave"];
    assert_eq!(of_core(&thrifty, &server), [pair(&governor, "powersave"), pair(&preference, "power")]);
    // of another driver the two have nothing to do with each other
    assert_eq!(of_core(&["knobs.governor=performance"], &server), fast[1..]);
    for cpu in 0..8 {
        let file = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_driver");
        server.settings.files.insert(file, "amd-pstate-epp".to_owned());
    }
    assert_eq!(of_core(&["knobs.governor=performance"], &server), fast);
    assert_eq!(of_core(&["knobs.energy_preference=true", "knobs.governor=true"], &server), fast);
    assert_eq!(of_core(&["knobs.governor=powersave"], &server), [pair(&governor, "powersave")]);
    let refused = try_plan(&["knobs.energy_preference=power", "knobs.governor=performance"], &server).unwrap_err();
    assert!(refused.to_string().contains("the knob `energy_preference` is to make it power"), "{refused}");
}

/// What somebody has given a group is theirs: no group gets more cores than it had, and none loses those that only it has.
#[test]
fn groups_keep_what_is_theirs_of_the_cores_for_all_else() {
    let limits = |files: &[(&str, &str)]| -> (Vec<(String, String)>, Vec<String>) {
        let mut server = hosts::server();
        let files = files.iter().map(|(file, text)| (format!("/sys/fs/cgroup/{file}"), (*text).to_owned()));
        server.settings.files.extend(files);
        let plan = planned(&["knobs.housekeeping=true", "knobs.smt=idle"], &server);
        let run = plan.runs.last().unwrap();
        let limit = |step: &Step| if let Step::ConfineGroup(limit) = step { Some(limit.clone()) } else { None };
        let limits = run.steps.iter().filter_map(limit).map(|limit| (limit.group, limit.cpus));
        let knob = run.knobs.knobs.iter().find(|knob| knob.knob == "housekeeping").unwrap();
        assert_eq!(knob.left, None);
        (limits.collect(), knob.remarks.clone())
    };
    let pair = |group: &str, cpus: &str| (group.to_owned(), cpus.to_owned());
    let all = [pair("init.scope", "0,3-4,7"), pair("system.slice", "0,3-4,7"), pair("user.slice", "0,3-4,7")];
    assert_eq!(limits(&[]), (all.to_vec(), Vec::new()));
    let some = [("init.scope/cpuset.cpus", "0"), ("system.slice/cpuset.cpus", "0-2"), ("user.slice/cpuset.cpus", "1-2")];
    assert_eq!(limits(&some), (vec![pair("init.scope", "0"), pair("system.slice", "0"), all[2].clone()], Vec::new()));
    let member = ("system.slice/cpuset.cpus.partition", "member");
    let lapsed = ("user.slice/cpuset.cpus.partition", "isolated invalid (Parent is not a partition root)");
    assert_eq!(limits(&[member, lapsed]).0, all);
    let partition = [
        ("system.slice/cpuset.cpus", "3-4"),
        ("system.slice/cpuset.cpus.partition", "isolated"),
        ("user.slice/cpuset.cpus.effective", "7"),
        ("user.slice/cpuset.cpus.partition", "root"),
    ];
    let remark = |group, cpus| format!("{group} is left as it is: somebody has made it a partition, with {cpus} to itself");
    let remarks = vec![remark("system.slice", "CPUs 3-4"), remark("user.slice", "CPU 7")];
    assert_eq!(limits(&partition), (vec![all[0].clone()], remarks));
}
