//! Huge pages, devices and masks of /sys in containers of LXC and of the Docker engine.

use super::*;
use crate::docker::Engine;

/// Looks at everything; `fallocate` and `python3` are the host's.
fn look() -> String {
    format!(
        "cd /sys/devices/system/cpu
        echo cores: $(ls -d cpu[0-9]*)
        echo online: $(cat online)
        echo possible: $(cat possible)
        echo topology: $(cat cpu*/topology/core_id)
        echo pci: $(ls /sys/bus/pci/devices)
        touch x 2>&1 | grep -o Read-only
        cd /
        echo mount: $(grep ' /dev/hugepages ' /proc/self/mounts)
        fallocate -l 4M /dev/hugepages/x && echo file: 4
        rm /dev/hugepages/x
        fallocate -l 6M /dev/hugepages/y 2>&1 | sed 's/.*: /large: /'
        rm -f /dev/hugepages/y
        {}
        {}
        : < /dev/zero && echo zero: open
        [ -c /dev/net/tun ] && : < /dev/net/tun && echo tun: open
        mknod /tmp-messages c 1 11 2> /dev/null
        (: < /tmp-messages) 2>&1 | sed 's/.*: /messages: /'",
        maps(4),
        maps(6)
    )
}

/// What the container is to have seen, whoever made it.
fn is_held(printed: &str) {
    let core = line(printed, "online");
    assert!(core.parse::<usize>().is_ok(), "a core of its own: {printed}");
    assert_eq!(line(printed, "cores"), format!("cpu{core}"));
    assert_eq!(line(printed, "possible"), fs::read_to_string("/sys/devices/system/cpu/possible").unwrap().trim());
    assert_ne!(line(printed, "topology"), "", "of its own core everything is there: {printed}");
    assert_eq!(line(printed, "pci"), "");
    assert!(printed.contains("Read-only"), "{printed}");
    let mount = line(printed, "mount");
    assert!(mount.contains("hugetlbfs") && mount.contains("pagesize=2M") && mount.contains("size=4194304"), "{mount}");
    assert_eq!((line(printed, "file"), line(printed, "large")), ("4", "No space left on device"), "{printed}");
    assert_eq!((line(printed, "zero"), line(printed, "tun")), ("open", "open"), "{printed}");
    assert_eq!(line(printed, "mapped"), "4", "{printed}");
    assert!(printed.contains("Cannot allocate memory"), "of memory without a file: {printed}");
}

/// More pages than the limit, for as long as this lives.
struct Pages(u64);

impl Pages {
    fn more() -> Self {
        let pages = pool();
        fs::write(POOL, format!("{}", pages + 8)).unwrap();
        Self(pages)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        fs::write(POOL, format!("{}", self.0)).unwrap();
    }
}

#[test]
fn a_container_of_dockers_gets_huge_pages_devices_and_a_part_of_sys() {
    let Some(docker) = Engine::start() else { return };
    if !engine("python3") || !engine("fallocate") {
        return;
    }
    let before = traces();
    let pages = Pages::more();
    let settings =
        format!("{PROGRAMS}\nhugepages = \"4MiB\"\nmasks = true\ndevices = [\"/dev/net/tun\"]\ncapabilities = [\"CAP_MKNOD\"]");
    experiment_of(&docker.lab, "docker", &settings, &look());
    let output = docker.tailbed().args(["run", "experiment.toml", "--json"]).output().unwrap();
    drop(pages);
    let printed = printed(&docker.lab, &output);
    is_held(&printed);
    assert_eq!(line(&printed, "messages"), "Operation not permitted");
    assert_eq!(docker.docker(&["volume", "ls", "--quiet"]), "", "its volumes went with it");
    assert_eq!(traces(), before);
    let missing = "devices = [\"/dev/no-such\"]\nhugepages = \"2MiB\"";
    experiment_of(&docker.lab, "docker", missing, "true");
    let output = docker.tailbed().args(["run", "experiment.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(traces(), before);
}

#[test]
fn a_system_container_gets_huge_pages_devices_and_a_part_of_sys() {
    let Some(lab) = lab().filter(|_| engine("lxc-start") && engine("python3") && engine("fallocate")) else { return };
    // the first container of all makes groups of LXC's own, and the template's root file system
    experiment_of(&lab, "lxc", "", "true");
    results(&lab.run(&["run", "experiment.toml", "--json"]));
    let before = traces();
    let control = second_version().map(|mount| mount.join("cgroup.subtree_control"));
    let controllers = || control.as_ref().map(|file| fs::read_to_string(file).unwrap());
    let controllers_before = controllers();
    let pages = Pages::more();
    let settings = "hugepages = { \"2MiB\" = \"4MiB\" }\nmasks = true\ndevices = [\"/dev/net/tun\"]\n\
                    config = [\"lxc.mount.entry = /usr usr none bind,ro 0 0\", \"lxc.mount.entry = /usr/lib lib none bind,ro,create=dir 0 0\", \
                    \"lxc.mount.entry = /usr/lib64 lib64 none bind,ro,create=dir 0 0\"]";
    experiment_of(&lab, "lxc", settings, &look());
    let output = lab.run(&["run", "experiment.toml", "--json"]);
    drop(pages);
    let printed = printed(&lab, &output);
    is_held(&printed);
    assert_eq!(line(&printed, "messages"), "no such file", "not even a node can be made for what is not passed in");
    assert_eq!((traces(), controllers()), (before, controllers_before));
}
