//! Runs that are killed leave a journal; `clean` and the next run take back what it says, and nothing else.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rustix::process::Signal;

use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{lab, system, traces};

#[test]
fn killed_at_twenty_random_moments_clean_takes_back_ours_and_only_ours() {
    let Some(lab) = lab() else { return };
    // others' things, with names like ours
    system(
        "ip netns add tb-0badcafe-dut && mkdir /sys/fs/cgroup/cpuset/tb-0badcafe 2>/dev/null || mkdir -p /sys/fs/cgroup/tb-0badcafe",
    );
    system("ip link add tb0badcafein type veth peer name tb0badcafeout");
    let before = traces();
    lab.experiment("container", "150ms", "");
    let mut moments = rand_chacha::ChaCha8Rng::seed_from_u64(20);
    let mut interrupted_something = 0;
    for _ in 0..20 {
        let arguments = ["run", "experiment.toml"];
        let mut child = lab.tailbed().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moments.random_range(5..700)));
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted_something += usize::from(fs::read_dir(lab.path("state")).is_ok_and(|journals| journals.count() > 0));
        let cleaned = lab.run(&["clean"]);
        assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stderr));
        // processes of the killed run end by themselves once their parent is gone
        wait_until_as(&before);
        assert_eq!(fs::read_dir(lab.path("state")).map_or(0, Iterator::count), 0, "journals that are done with are removed");
    }
    system("ip link del tb0badcafein && ip netns del tb-0badcafe-dut");
    system("rmdir /sys/fs/cgroup/cpuset/tb-0badcafe 2>/dev/null || rmdir /sys/fs/cgroup/tb-0badcafe");
    assert!(interrupted_something >= 5, "only {interrupted_something} of 20 kills hit a run under way");
}

#[test]
fn a_namesake_made_after_the_kill_survives() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "20s", "");
    let mut child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ours = wait_for(|| {
        let names = fs::read_dir("/run/netns").ok()?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.into_iter().find(|name| name.ends_with("-generator") && lab.journal_says(name))
    });
    wait_for(|| lab.journal_says("\"agent\"").then_some(()));
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    system(&format!("ip netns del {ours} && ip netns add {ours}"));
    let cleaned = lab.run(&["clean"]);
    let said = String::from_utf8_lossy(&cleaned.stdout).into_owned();
    assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stderr));
    assert!(said.contains("is not the one we made"), "{said}");
    assert!(fs::exists(format!("/run/netns/{ours}")).unwrap());
    system(&format!("ip netns del {ours}"));
    wait_until_as(&before);
    assert!(String::from_utf8_lossy(&lab.run(&["clean"]).stdout).contains("nothing to take back"));
}

#[test]
fn the_next_run_takes_back_what_a_killed_one_left() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "100ms", "");
    let long = ["run", "experiment.toml", "--set", "traffic.duration=20s"];
    let mut child = lab.tailbed().args(long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| (traces() != before && fs::read_dir(lab.path("state")).is_ok_and(|journals| journals.count() > 0)).then_some(()));
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let output = lab.run(&["run", "experiment.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("a run that was killed"), "{said}");
    wait_until_as(&before);
}
