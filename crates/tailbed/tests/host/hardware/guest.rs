//! The same with control groups of version 2 alone, which this host may not have: a lab inside a virtual machine, whose script mounts them.

use super::*;
use crate::image::tools;
use crate::vm::machines;

/// What the container looks at.
const INSIDE: &str = "#!/bin/sh
PATH=/bin
exec > /seen/log 2>&1
busybox mknod /dev/messages c 1 11 && echo made: yes
(: < /dev/messages) 2>&1 | busybox sed 's/.*: /messages: /'
: > /dev/null && echo null: open
busybox fallocate -l 4194304 /dev/hugepages/x && echo file: 4
busybox rm /dev/hugepages/x
busybox fallocate -l 6291456 /dev/hugepages/y || echo large: refused
busybox rm -f /dev/hugepages/y
echo group: $(busybox cat /proc/self/cgroup)
echo cores: $(cd /sys/devices/system/cpu; busybox ls -d cpu[0-9]*)
echo allowed: $(busybox grep Cpus_allowed_list /proc/self/status)
";

/// What the machine does: mounts version 2, brings the lab up and takes it down, and keeps what came of it.
const SCRIPT: &str = "#!/bin/sh
PATH=/bin
export TAILBED_STATE=/tmp/state
control=/sys/fs/cgroup/cgroup.subtree_control
busybox mount -t cgroup2 none /sys/fs/cgroup
before=$(busybox cat $control)
busybox mkdir /tmp/seen
cd /tmp
/tailbed up /inner.toml > $TAILBED_RESULTS/said 2>&1
echo up: $? > $TAILBED_RESULTS/seen
/tailbed down >> $TAILBED_RESULTS/said 2>&1
echo down: $? >> $TAILBED_RESULTS/seen
busybox cat /tmp/seen/log >> $TAILBED_RESULTS/seen
echo steps: $(/tailbed plan /inner.toml --steps | busybox grep hugetlb) >> $TAILBED_RESULTS/seen
echo left: $(busybox ls -d /sys/fs/cgroup/tb-* 2> /dev/null) >> $TAILBED_RESULTS/seen
[ \"$before\" = \"$(busybox cat $control)\" ] && echo controllers: as before >> $TAILBED_RESULTS/seen
echo pages: $(busybox cat /proc/sys/vm/nr_hugepages) >> $TAILBED_RESULTS/seen
true
";

/// The experiment, over links that take no driver of the guest's kernel.
fn inner() -> String {
    format!(
        "name = \"inner\"\nrepeats = 1\nattempts = 1\n\n[nodes.dut]\nenvironment = \"container\"\nsetup = '''{INSIDE}'''\n\n\
         [nodes.dut.container]\nvolumes = [\"/bin:/bin:ro\", \"/tmp/seen:/seen\"]\nmemory = \"256MiB\"\nhugepages = \"4MiB\"\n\
         capabilities = [\"CAP_MKNOD\"]\n\n\
         [links.load]\nends = [\"generator\", \"dut:in\"]\nkind = \"memory\"\n\n\
         [links.return]\nends = [\"dut:out\", \"sink\"]\nkind = \"memory\"\n\n\
         [traffic]\nrate = \"100pps\"\nduration = \"200ms\"\nwarm_up = \"50ms\"\n\n\
         [validity]\nlateness = \"10s\"\ngap = \"60s\"\n"
    )
}

/// A disk with busybox and the experiment.
fn disk(lab: &Lab) -> PathBuf {
    let (folder, path) = (lab.path("root"), lab.path("root.raw"));
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::copy("/bin/busybox", folder.join("bin/busybox")).unwrap();
    std::os::unix::fs::symlink("busybox", folder.join("bin/sh")).unwrap();
    fs::write(folder.join("inner.toml"), inner()).unwrap();
    let make = format!("mkfs.ext4 -q -F -L tailbed -d {} {} 16M > /dev/null", folder.display(), path.display());
    system(&format!("PATH=$PATH:/sbin:/usr/sbin; {make}"));
    path
}

#[test]
fn containers_are_held_by_control_groups_of_version_2_alone_in_a_guest() {
    let Some(lab) = machines() else { return };
    if !tools(&["busybox", "mkfs.ext4"]) {
        return;
    }
    let before = traces();
    let root = disk(&lab);
    let node = format!(
        "[nodes.guest]\nenvironment = \"vm\"\nsetup = '''{SCRIPT}'''\nscript_timeout = \"120s\"\n\n\
         [nodes.guest.vm]\naccel = \"tcg\"\nvcpus = 2\nmemory = \"1GiB\"\nroot = \"{}\"\n",
        root.display()
    );
    let path = lab.experiment("host", "100ms", &node);
    let text = fs::read_to_string(&path).unwrap().replace("[nodes.dut]\nenvironment = \"host\"\n", "");
    fs::write(path, text).unwrap();
    let results =
        results(&lab.run(&["run", "experiment.toml", "--json", "--set", "traffic.rate=200pps", "--set", "isolation=false"]));
    assert_eq!(traces(), before);
    let run = results["summary"]["runs"].as_array().unwrap().last().unwrap();
    let folder =
        lab.path(results["results"].as_str().unwrap()).join("runs").join(run["run"].as_str().unwrap()).join("results-guest");
    let (seen, said) = (fs::read_to_string(folder.join("seen")).unwrap(), fs::read_to_string(folder.join("said")).unwrap());
    assert_eq!((line(&seen, "up"), line(&seen, "down")), ("0", "0"), "{seen}\n{said}");
    assert_eq!((line(&seen, "made"), line(&seen, "null"), line(&seen, "file")), ("yes", "open", "4"), "{seen}\n{said}");
    assert_eq!((line(&seen, "messages"), line(&seen, "large")), ("Operation not permitted", "refused"), "{seen}");
    assert!(line(&seen, "group").starts_with("0::/tb-") && line(&seen, "group").ends_with("/dut"), "{seen}");
    let cores = line(&seen, "cores");
    assert_eq!(line(&seen, "allowed"), format!("Cpus_allowed_list: {}", cores.trim_start_matches("cpu")), "{seen}");
    assert!(line(&seen, "steps").contains("hugetlb.2MB.rsvd.max"), "{seen}");
    assert_eq!((line(&seen, "left"), line(&seen, "controllers"), line(&seen, "pages")), ("", "as before", "0"), "{seen}");
}
