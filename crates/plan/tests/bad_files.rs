//! Every file of `tests/bad` is refused, with exactly the text of its golden file.
//!
//! A first line `# options: --set a=b` gives what stands on the command line besides.

#![allow(clippy::disallowed_methods, reason = "planning reads no files, its tests do")]
#![allow(clippy::panic, reason = "helpers of tests fail as tests do")]

mod hosts;

use std::fs;
use std::path::Path;

use tailbed_plan::{Overrides, Source, plan};

fn options(text: &[u8]) -> Overrides {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut overrides = Overrides::default();
    let Some(options) = std::str::from_utf8(first).ok().and_then(|line| line.strip_prefix("# options: ")) else {
        return overrides;
    };
    let mut words = options.split_whitespace();
    while let (Some(option), Some(value)) = (words.next(), words.next()) {
        match option {
            "--set" => overrides.set.push(value.to_owned()),
            "--sweep" => overrides.sweep.push(value.to_owned()),
            other => panic!("{other} is no option of this test"),
        }
    }
    overrides
}

#[test]
fn each_is_refused_with_its_text() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/bad"));
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() >= 40, "only {} files in {}", files.len(), folder.display());
    for file in files {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read(&file).unwrap();
        let name = format!("tests/bad/{stem}.toml");
        let source = Source { name: &name, text: &text };
        let error = plan(&source, &options(&text), &hosts::small(), "a1b2c3").expect_err(&name);
        let shown = format!("{}\n\nexit code {}", error.render(false), error.exit_code());
        insta::with_settings!({ snapshot_path => "snapshots/bad", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(stem, shown);
        });
    }
}
