//! Huge pages that cannot be had are told by file, wanted and got; and nothing is left.

use super::*;

#[test]
fn a_kernel_that_gives_fewer_pages_than_asked_is_told_with_what_it_gave() {
    let Some(lab) = lab() else { return };
    let before = traces();
    experiment(&lab, "hugepages = \"4MiB\"\npreferred_node = 0", "true");
    // a file that the kernel takes numbers for and says others: a filter of core dumps, 00000033, says in hexadecimal what it takes in decimal
    // numbers (core(5))
    let file = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB";
    let binary = env!("CARGO_BIN_EXE_tailbed");
    let script = format!(
        "sleep 60 & other=$!; echo 0x33 > /proc/$other/coredump_filter; echo 0 > free; \
         mount --bind /proc/$other/coredump_filter {file}/nr_hugepages && mount --bind free {file}/free_hugepages || exit 99; \
         {binary} run experiment.toml; status=$?; kill $other; exit $status"
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).env("TAILBED_STATE", lab.path("state")).current_dir(lab.folder.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let wanted = format!("a setting does not hold: {file}/nr_hugepages was given 35 and says 00000023");
    assert!(said.contains(&wanted), "{said}");
    assert_eq!(traces(), before);
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let Some(lab) = lab() else { return };
    let (before, pages) = (traces(), pool());
    experiment(&lab, &format!("hugepages = \"{}MiB\"\npreferred_node = 0", 2 * (pages + 1)), "true");
    let file = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages";
    let binary = env!("CARGO_BIN_EXE_tailbed");
    let script = format!("mount --bind {file} {file} && mount -o remount,bind,ro {file} && {binary} run experiment.toml");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).env("TAILBED_STATE", lab.path("state")).current_dir(lab.folder.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains(&format!("{file} was given {} and refuses it (Read-only file system", pages + 1)), "{said}");
    assert_eq!((traces(), pool()), (before, pages));
}

#[test]
fn what_the_host_has_not_is_told_before_anything_is_touched() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let refused = |settings: &str| {
        experiment(&lab, settings, "true");
        let output = lab.run(&["run", "experiment.toml"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        said
    };
    assert!(refused("preferred_node = 77").contains("its preferred_node is 77, and this host's memory nodes are"));
    assert!(refused("hugepages = { \"16MiB\" = \"16MiB\" }").contains("no huge pages of 16MiB; it has 2MiB"));
    assert!(refused("devices = [\"0000:ff:1f.7\"]").contains("there is no PCI device 0000:ff:1f.7"));
    assert!(refused("devices = [\"/dev/vfio/99\"]").contains("/dev/vfio/99"));
    // a device of this host that no program is given to use
    if let Some(device) = fs::read_dir("/sys/bus/pci/devices").unwrap().flatten().next() {
        let address = device.file_name().to_string_lossy().into_owned();
        let said = refused(&format!("devices = [\"{address}\"]"));
        assert!(said.contains(&format!("the PCI device {address} is bound to")), "{said}");
    }
    assert_eq!(traces(), before);
    assert!(!lab.path("state").exists() || fs::read_dir(lab.path("state")).unwrap().count() == 0);
}
