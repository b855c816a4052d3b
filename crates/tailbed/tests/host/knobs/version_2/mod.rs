//! Knobs on control groups of version 2 alone, in a virtual machine: this host mounts version 1 beside it, which has the cpusets.

mod scenarios;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::image::tools;
use crate::support::{Lab, results, system, traces};
use crate::vm::{kernel, machines};

/// What is run in the machine: this same binary, with a disk's worth of what it needs.
const SCRIPT: &str = "#!/bin/sh
exec 2>> $TAILBED_RESULTS/errors
bb() { /bin/busybox \"$@\"; }
bb insmod /veth.ko
bb mount -t cgroup2 none /sys/fs/cgroup
# as systemd does; what is on for others' groups is left on
echo +memory +pids > /sys/fs/cgroup/cgroup.subtree_control
bb mkdir /sys/fs/cgroup/system.slice /sys/fs/cgroup/user.slice /lab
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
/tailbed run /inner.toml --json --no-report > $TAILBED_RESULTS/inner.json
echo $? > $TAILBED_RESULTS/status
files > $TAILBED_RESULTS/after
/tailbed run /inner.toml --set traffic.duration=60s > /dev/null &
run=$!
while bb kill -0 $run && ! bb grep -qs isolated /sys/fs/cgroup/tb-*/*/cpuset.cpus.partition; do bb sleep 0.1; done
bb kill -9 $run
files > $TAILBED_RESULTS/killed
# agents end by themselves when their parent is gone, and only then their groups can go
/tailbed clean > $TAILBED_RESULTS/cleaned
files > $TAILBED_RESULTS/cleaned-after
exit 0
";

/// An emulated processor may stand still for longer than a generator waits for its packets; such a run does not count, and is made again.
const INNER: &str = "name = \"inner\"
repeats = 1
attempts = 3
profile = \"isolated\"
[nodes.dut]
environment = \"host\"
[traffic]
rate = \"100pps\"
duration = \"200ms\"
warm_up = \"0s\"
[validity]
lateness = \"10s\"
gap = \"60s\"
";

/// A machine's disk, with what it takes to boot one.
struct Guest {
    lab: Lab,
    root: String,
}

/// What a script in the machine has left.
struct Left {
    guest: Guest,
    folder: PathBuf,
}

impl Guest {
    /// A disk with busybox, the driver of veth pairs, the experiment [`INNER`] and further files; `None`, with the reason, where none can be made or
    /// booted.
    fn of(files: &[(&str, &str)]) -> Option<Self> {
        let lab = machines()?;
        if !tools(&["busybox", "mkfs.ext4"]) {
            return None;
        }
        let release = kernel()?.display().to_string().replace("/boot/vmlinuz-", "");
        let module = format!("/lib/modules/{release}/kernel/drivers/net/veth.ko");
        if !fs::exists(&module).unwrap() {
            println!("skipped: there is no {module}");
            return None;
        }
        let (folder, path) = (lab.path("root"), lab.path("root.raw"));
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::copy("/bin/busybox", folder.join("bin/busybox")).unwrap();
        std::os::unix::fs::symlink("busybox", folder.join("bin/sh")).unwrap();
        fs::copy(module, folder.join("veth.ko")).unwrap();
        for (name, text) in [("inner.toml", INNER)].iter().chain(files) {
            fs::write(folder.join(name), text).unwrap();
        }
        let make = format!("mkfs.ext4 -q -F -L tailbed -d {} {} 16M > /dev/null", folder.display(), path.display());
        system(&format!("PATH=$PATH:/sbin:/usr/sbin; {make}"));
        Some(Self { root: path.display().to_string(), lab })
    }

    /// Boots it with so many virtual CPUs, runs the script in it, and gives what that wrote.
    fn run(self, script: &str, vcpus: usize, timeout: &str) -> Left {
        let before = traces();
        fs::write(self.lab.path("inner.sh"), script).unwrap();
        let node = format!(
            "[nodes.guest]\nenvironment = \"vm\"\nsetup = \"inner.sh\"\nscript_timeout = \"{timeout}\"\n\
             [nodes.guest.vm]\naccel = \"tcg\"\nvcpus = {vcpus}\nmemory = \"1GiB\"\nroot = \"{}\"\n",
            self.root
        );
        self.lab.experiment("host", "100ms", &node);
        let outer = results(&self.lab.run(&["run", "experiment.toml", "--json", "--set", "traffic.rate=100pps"]));
        assert_eq!(traces(), before);
        let run = outer["summary"]["runs"][1]["run"].as_str().unwrap().to_owned();
        let folder = self.lab.path(outer["results"].as_str().unwrap()).join("runs").join(run).join("results-guest");
        Left { guest: self, folder }
    }
}

impl Left {
    fn read(&self, name: &str) -> String {
        let path = self.folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{} in {}: {error}", path.display(), self.guest.root))
    }
}

#[test]
fn with_version_2_partitions_and_slices_hold_and_are_put_back_also_after_a_kill() {
    let Some(guest) = Guest::of(&[]) else { return };
    let left = guest.run(SCRIPT, 3, "100s");
    let read = |name: &str| left.read(name);
    assert_eq!(read("status").trim(), "0", "{}", read("errors"));
    let inner: Value = serde_json::from_str(&read("inner.json")).unwrap();
    let knobs = &inner["summary"]["runs"][1]["knobs"]["knobs"];
    let said = |knob: &str, file: &str| {
        let record = knobs.as_array().unwrap().iter().find(|record| record["knob"] == knob).unwrap();
        let readings = record["readings"].as_array().unwrap_or_else(|| panic!("{record}"));
        readings.iter().find(|reading| reading["first"].as_str().unwrap().contains(file)).unwrap_or_else(|| panic!("{record}"))["read"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(said("cpuset", "/dut/cpuset.cpus.partition"), "isolated");
    assert_eq!(said("cpuset", "/dut/cpuset.cpus.effective"), "2");
    assert_eq!(said("housekeeping", "system.slice/cpuset.cpus.effective"), "0");
    assert_eq!(read("after"), read("before"), "{}", read("errors"));
    assert_ne!(read("killed"), read("before"), "it was killed while its groups were there");
    assert_eq!(read("cleaned-after"), read("before"), "{} {}", read("cleaned"), read("errors"));
}
