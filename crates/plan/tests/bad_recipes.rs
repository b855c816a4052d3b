//! Every file of `tests/bad-recipes` is refused, with exactly the text of its golden file.

#![allow(clippy::disallowed_methods, reason = "planning reads no files, its tests do")]

use std::fs;
use std::path::Path;

use tailbed_plan::{Source, recipe};

#[test]
fn each_is_refused_with_its_text() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/bad-recipes"));
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "only {} files in {}", files.len(), folder.display());
    for file in files {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read(&file).unwrap();
        let name = format!("tests/bad-recipes/{stem}.toml");
        let error = recipe::read(&Source { name: &name, text: &text }).expect_err(&name);
        let shown = format!("{}\n\nexit code {}", error.render(false), error.exit_code());
        insta::with_settings!({ snapshot_path => "snapshots/bad-recipes", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(stem, shown);
        });
    }
}
