//! Every example plans, on hosts of different kinds, exactly as its golden file says.

#![allow(clippy::disallowed_methods, reason = "planning reads no files, its tests do")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod hosts;

use std::fs;
use std::path::Path;

use tailbed_format::facts::{Engine, Facts, Missing};
use tailbed_plan::{Overrides, Source, describe, plan, schema};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

fn described(name: &str, facts: &Facts, overrides: &Overrides) -> String {
    let text = fs::read(Path::new(FOLDER).join(name)).unwrap();
    let plan = plan(&Source { name, text: &text }, overrides, facts, "a1b2c3").unwrap_or_else(|error| panic!("{error}"));
    describe(&plan, facts, true)
}

#[test]
fn recipes_are_right() {
    let folder = Path::new(FOLDER).join("images");
    for name in ["busybox.toml", "debian.toml"] {
        let text = fs::read(folder.join(name)).unwrap();
        let read = tailbed_plan::recipe::read(&Source { name, text: &text });
        assert!(read.is_ok(), "{}", read.unwrap_err());
    }
}

fn golden(name: &str, text: &str) {
    insta::with_settings!({ snapshot_path => "snapshots/plan", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn each_has_its_plan() {
    let mut names: Vec<_> =
        fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "toml"));
    names.sort();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let stem = name.trim_end_matches(".toml");
        // of a hundred topologies a tree, a ring and a line
        let sweep = if stem == "topologies" { vec!["topology.seed=1,2,5".to_owned()] } else { Vec::new() };
        let overrides = Overrides { sweep, ..Overrides::default() };
        golden(&format!("{stem}-on-small"), &described(&name, &hosts::small(), &overrides));
        golden(&format!("{stem}-on-server"), &described(&name, &hosts::server(), &overrides));
    }
}

#[test]
fn without_root_the_plan_says_what_is_missing() {
    golden("first-look-on-laptop", &described("first-look.toml", &hosts::laptop(), &Overrides::default()));
}

#[test]
fn what_the_host_lacks_is_left_out_with_the_reason() {
    let engine = |kind: &str, missing: Option<(&str, &str)>| Engine {
        kind: kind.to_owned(),
        version: None,
        missing: missing.map(|(reason, way_out)| Missing { reason: reason.to_owned(), way_out: way_out.to_owned() }),
    };
    let engines = vec![
        engine("container", None),
        engine("lxc", None),
        engine("docker", Some(("the Docker engine is not installed", "install it: apt install docker.io"))),
        engine("vm", Some(("qemu-system-x86_64 is not installed", "install it: apt install qemu-system-x86"))),
    ];
    let facts = Facts { engines, ..hosts::small() };
    golden("first-look-without-engines", &described("first-look.toml", &facts, &Overrides::default()));
}

#[test]
fn a_kind_of_link_that_the_kernel_refuses_is_left_out_or_fails() {
    let missing = Missing {
        reason: "the kernel does not make a macvlan (Operation not supported (os error 95))".to_owned(),
        way_out: "use another kind of link, or a kernel with CONFIG_MACVLAN".to_owned(),
    };
    let engine = Engine { kind: "macvlan".to_owned(), version: None, missing: Some(missing) };
    let facts = Facts { engines: vec![engine], ..hosts::small() };
    let text = fs::read(Path::new(FOLDER).join("memory.toml")).unwrap();
    let source = Source { name: "memory.toml", text: &text };
    let swept = plan(&source, &Overrides::default(), &facts, "a1b2c3").unwrap();
    assert_eq!(swept.skipped.len(), 1);
    assert!(swept.notes.iter().any(|note| note.starts_with("left out: links.load.kind = macvlan: the kernel does not")));
    let overrides = Overrides { set: vec!["links.load.kind=macvlan".to_owned()], ..Overrides::default() };
    let refused = plan(&source, &overrides, &facts, "a1b2c3").unwrap_err();
    assert_eq!(refused.exit_code(), 3);
    let said = refused.render(false);
    assert!(said.contains("this host cannot make the link `load`: the kernel does not make a macvlan (Operation"), "{said}");
}

#[test]
fn one_core_is_shared_by_all() {
    let facts = Facts { cpus: vec![3], ..hosts::small() };
    golden("first-look-on-one-core", &described("first-look.toml", &facts, &Overrides::default()));
}

#[test]
fn the_command_line_pins_and_sweeps() {
    let overrides = Overrides {
        set: vec!["nodes.dut.environment=host".to_owned(), "nodes.dut.host.namespace=none".to_owned(), "repeats=2".to_owned()],
        sweep: vec!["traffic.rate=10kpps,50kpps".to_owned(), "validity.gap=[\"10ms\", \"10000us\"]".to_owned()],
        ..Overrides::default()
    };
    golden("first-look-with-options", &described("first-look.toml", &hosts::small(), &overrides));
}

/// A line of many nodes is listed, not drawn beyond the edge of the terminal.
#[test]
fn a_long_line_is_listed() {
    let nodes: Vec<_> = (1..=12).map(|number| format!("[nodes.n{number}]\nenvironment = \"host\"\n")).collect();
    let nodes = nodes.concat();
    let text = format!("name = \"long\"\nrepeats = 1\n{nodes}[traffic]\nrate = \"1kpps\"\nduration = \"1s\"\n");
    let source = Source { name: "long.toml", text: text.as_bytes() };
    let plan = plan(&source, &Overrides::default(), &hosts::server(), "a1b2c3").unwrap();
    golden("a-long-line", &describe(&plan, &hosts::server(), false));
}

#[test]
fn the_schema_names_every_top_level_key_of_the_examples() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let files = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "toml")) {
        let text = fs::read_to_string(file).unwrap();
        let table: toml::Table = text.parse().unwrap();
        for key in table.keys() {
            assert!(schema["properties"].get(key).is_some(), "{key}");
        }
    }
}
