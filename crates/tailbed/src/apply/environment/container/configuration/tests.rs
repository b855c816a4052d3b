use super::*;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tailbed_plan::step::{Confinement, ContainerSpec};

use crate::apply::environment::container::order::Image;
use crate::apply::environment::container::root::Passed;

fn order() -> Order {
    let spec = ContainerSpec {
        id: "tb-0123abc-dut".to_owned(),
        cgroup: Some("tb-0123abc/dut".to_owned()),
        image: None,
        read_only: true,
        user_namespace: false,
        devices: Vec::new(),
        volumes: Vec::new(),
        hugepages: Vec::new(),
        preferred_node: None,
        masks: None,
        confinement: Confinement { rlimits: BTreeMap::new(), ..Confinement::default() },
    };
    Order { spec, namespace: Some("/run/netns/tb-0123abc-dut".into()), image: None, binary: "/usr/bin/tailbed".into() }
}

fn found() -> Found {
    Found {
        root: Root {
            path: PathBuf::from("/run/tailbed/tb-0123abc-dut/base"),
            working_directory: "/".to_owned(),
            binary: PathBuf::from("/run/tailbed/tb-0123abc-dut/private/tailbed"),
            passed: vec![Passed { source: "/s".into(), target: "/data".to_owned(), read_only: true }],
        },
        capabilities: vec!["CAP_NET_RAW".to_owned()],
        limits: Vec::new(),
        devices: Vec::new(),
        device_rules: Some(vec![json!({ "allow": false, "access": "rwm" })]),
        apparmor: None,
        mapping: None,
    }
}

#[test]
fn a_container_is_confined_unless_it_is_written_otherwise() {
    let mut order = order();
    let confined = configuration(&order, &found());
    assert_eq!(confined["process"]["args"], json!(["/tailbed", "agent", "--seccomp"]));
    assert_eq!(confined["process"]["noNewPrivileges"], true);
    assert_eq!(confined["process"]["capabilities"]["ambient"], json!([]));
    assert_eq!(confined["root"]["readonly"], true);
    assert_eq!(confined["linux"]["cgroupsPath"], "/tb-0123abc/dut");
    assert_eq!(confined["linux"]["resources"]["devices"][0]["allow"], false);
    assert_eq!(confined["linux"]["memoryPolicy"], Value::Null);
    assert!(confined["linux"]["maskedPaths"].as_array().is_some_and(|paths| paths.contains(&json!("/proc/kcore"))));
    let mounts = confined["mounts"].as_array().unwrap();
    let of = |destination: &str| mounts.iter().find(|mount| mount["destination"] == destination).unwrap();
    assert!(of("/data")["options"].as_array().unwrap().contains(&json!("rro")));
    assert!(of("/sys")["options"].as_array().unwrap().contains(&json!("ro")));

    order.spec.confinement.privileged = true;
    let privileged = configuration(&order, &found());
    assert_eq!(privileged["process"]["args"], json!(["/tailbed", "agent"]));
    assert_eq!(privileged["process"]["noNewPrivileges"], false);
    assert_eq!(privileged["linux"]["maskedPaths"], Value::Null);
    assert_eq!(privileged["linux"]["readonlyPaths"], Value::Null);
}

#[test]
fn a_user_namespace_has_its_ids_and_a_network_of_its_own() {
    let order = Order { namespace: None, ..order() };
    let found = Found { mapping: Some(Mapping { first: 0x7000_0000, count: 65_536 }), ..found() };
    let linux = &configuration(&order, &found)["linux"];
    assert_eq!(linux["uidMappings"], json!([{ "containerID": 0, "hostID": 0x7000_0000_u32, "size": 65_536 }]));
    assert_eq!(linux["uidMappings"], linux["gidMappings"]);
    let namespaces = linux["namespaces"].as_array().unwrap();
    assert!(namespaces.contains(&json!({ "type": "user" })) && namespaces.contains(&json!({ "type": "network" })));
}

#[test]
fn a_memory_node_is_preferred_in_the_runtimes_words() {
    let mut order = order();
    order.spec.preferred_node = Some(1);
    let policy = &configuration(&order, &found())["linux"]["memoryPolicy"];
    assert_eq!(*policy, json!({ "mode": "MPOL_PREFERRED", "nodes": "1" }));
}

#[test]
fn an_images_environment_is_kept_and_its_path_made_up_for() {
    let image = Image { rootfs: "/image".into(), environment: vec!["LANG=C".to_owned()], working_directory: None };
    let mut order = Order { image: Some(image), ..order() };
    assert_eq!(environment(&order), [PATH, "LANG=C"]);
    let own = "PATH=/opt/bin".to_owned();
    order.image.as_mut().unwrap().environment = vec![own.clone()];
    assert_eq!(environment(&order), [own]);
}
