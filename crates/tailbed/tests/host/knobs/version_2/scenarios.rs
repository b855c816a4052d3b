//! What the tests of knobs on the host ask, asked once more where control groups of version 2 are all there is, on two cores, of which one keeps the
//! house and has the generator as well.

use super::*;

/// Each scenario is a run of the experiment with options, of which the exit status, the results, what was said and the host's files after it are
/// kept.
const SCRIPT: &str = "#!/bin/sh
exec 2>> $TAILBED_RESULTS/errors
bb() { /bin/busybox \"$@\"; }
bb insmod /veth.ko
bb mount -t cgroup2 none /sys/fs/cgroup
echo +memory +pids > /sys/fs/cgroup/cgroup.subtree_control
bb mkdir /sys/fs/cgroup/system.slice /lab
bb sleep 1000 < /dev/null > /dev/null 2>&1 &
echo $! > /sys/fs/cgroup/system.slice/cgroup.procs
export TAILBED_STATE=/lab/state
files() {
    bb grep -s '' /sys/fs/cgroup/cgroup.subtree_control /sys/fs/cgroup/*/cpuset.cpus /sys/devices/virtual/workqueue/cpumask \\
        /proc/irq/*/smp_affinity_list /proc/sys/vm/swappiness /sys/kernel/mm/transparent_hugepage/enabled
    bb ls /sys/fs/cgroup
}
cd /lab
files > $TAILBED_RESULTS/before
scenario() {
    name=$1 file=$2
    shift 2
    bb timeout 180 /tailbed run $file --json --no-report \"$@\" > $TAILBED_RESULTS/$name.json 2> $TAILBED_RESULTS/$name.said
    echo $? > $TAILBED_RESULTS/$name.status
    files > $TAILBED_RESULTS/$name.after
}
scenario host /inner.toml
scenario container /inner.toml --set nodes.dut.environment=container
scenario root /inner.toml --set profile=stock --set knobs.cpuset=exclusive
scenario noise /noise.toml
scenario neighbour /noise.toml --set noise.load=same
scenario life /life.toml
swappiness=/proc/sys/vm/swappiness
bb mount --bind $swappiness $swappiness
bb mount -o remount,ro,bind $swappiness
scenario refused /inner.toml
bb umount $swappiness
bb mount --bind /dev/null $swappiness
scenario ignored /inner.toml
bb umount $swappiness
exit 0
";

const NOISE: &str = "name = \"noise\"
repeats = 1
profile = \"isolated\"
[nodes.dut]
environment = \"container\"
[noise]
cpus = [1]
duration = \"100ms\"
threshold = \"10us\"
interval = \"2ms\"
cycles = 50
";

const LIFE: &str = "name = \"life\"
repeats = 1
profile = \"isolated\"
[nodes.dut]
environment = \"container\"
[lifecycle]
phases = [\"boot\", \"shutdown\"]
";

/// A knob's record in the last run of a campaign.
fn knob<'a>(campaign: &'a Value, name: &str) -> &'a Value {
    let runs = campaign["summary"]["runs"].as_array().unwrap();
    let knobs = runs.last().unwrap()["knobs"]["knobs"].as_array().unwrap();
    knobs.iter().find(|record| record["knob"] == name).unwrap_or_else(|| panic!("{name}: {campaign}"))
}

/// What a file of a knob said.
fn read<'a>(record: &'a Value, file: &str) -> &'a str {
    let readings = record["readings"].as_array().unwrap_or_else(|| panic!("{record}"));
    let reading = readings.iter().find(|reading| reading["first"].as_str().unwrap().contains(file));
    reading.unwrap_or_else(|| panic!("{file}: {record}"))["read"].as_str().unwrap()
}

#[test]
fn with_version_2_on_two_cores_the_same_holds_as_on_the_host() {
    let Some(guest) = Guest::of(&[("noise.toml", NOISE), ("life.toml", LIFE)]) else { return };
    let results = guest.run(SCRIPT, 2, "900s");
    let said = |name: &str| results.read(&format!("{name}.said"));
    let campaign = |name: &str| -> Value {
        assert_eq!(results.read(&format!("{name}.status")).trim(), "0", "{name}: {}", said(name));
        serde_json::from_str(&results.read(&format!("{name}.json"))).unwrap()
    };
    for environment in ["host", "container"] {
        let campaign = campaign(environment);
        let cpuset = knob(&campaign, "cpuset");
        assert_eq!(read(cpuset, "/dut/cpuset.cpus.partition"), "isolated");
        assert_eq!(read(cpuset, "/dut/cpuset.cpus.effective"), "1");
        assert_eq!(read(knob(&campaign, "housekeeping"), "system.slice/cpuset.cpus.effective"), "0");
        let run = campaign["summary"]["runs"].as_array().unwrap().last().unwrap();
        assert!(run["counts"]["received"].as_u64().unwrap() > 0, "{run}");
    }
    assert_eq!(read(knob(&campaign("root"), "cpuset"), "/dut/cpuset.cpus.partition"), "root");
    let noise = campaign("noise");
    assert_eq!(noise["summary"]["runs"][0]["invalid"], Value::Array(Vec::new()), "{noise}");
    assert_eq!(read(knob(&noise, "cpuset"), "/dut/cpuset.cpus.partition"), "isolated");
    let beside = campaign("neighbour");
    assert!(knob(&beside, "cpuset")["left"].as_str().unwrap().contains("dut and neighbour share a core"), "{beside}");
    assert_eq!(read(knob(&beside, "housekeeping"), "system.slice/cpuset.cpus.effective"), "0");
    let threads = beside["summary"]["runs"][0]["load"]["threads"].as_array().unwrap();
    assert!(threads.iter().all(|thread| thread["turns"].as_u64().unwrap() > 0), "the neighbour was not confined: {threads:?}");
    assert_eq!(read(knob(&campaign("life"), "swappiness"), "swappiness"), "1");
    for (name, words) in [("refused", "Read-only file system"), ("ignored", "was given 1 and says")] {
        assert_eq!(results.read(&format!("{name}.status")).trim(), "3", "{}", said(name));
        assert!(said(name).contains(words), "{name}: {}", said(name));
    }
    let before = results.read("before");
    for name in ["host", "container", "root", "noise", "neighbour", "life"] {
        assert_eq!(results.read(&format!("{name}.after")), before, "{name}: {}", said(name));
    }
    // (swappiness itself is hidden then)
    let but_swappiness = |text: &str| text.lines().filter(|line| !line.contains("swappiness")).collect::<Vec<_>>().join("\n");
    for name in ["refused", "ignored"] {
        assert_eq!(but_swappiness(&results.read(&format!("{name}.after"))), but_swappiness(&before), "{name}");
    }
}
