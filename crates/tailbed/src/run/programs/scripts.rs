//! The texts of scripts that lie in files, read before anything is touched.

use std::collections::HashMap;

use tailbed_plan::plan::{NodePrograms, Plan, ScriptSource};

use crate::failure::Failure;

/// Texts by path.
#[derive(Debug, Default)]
pub(crate) struct Scripts(HashMap<String, String>);

impl Scripts {
    /// Reads every script file that a plan names.
    pub(crate) fn of(plan: &Plan) -> Result<Self, Failure> {
        let mut texts = HashMap::new();
        for node in plan.runs.iter().flat_map(|run| &run.programs) {
            for (name, source) in sources(node) {
                let ScriptSource::File(path) = source else { continue };
                if texts.contains_key(path) {
                    continue;
                }
                let wrong = |why: &dyn std::fmt::Display| {
                    Failure::File(format!(
                        "error: cannot read the script {path}, which is `{name}` of node `{}`: {why}",
                        node.node
                    ))
                };
                let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
                if !text.starts_with("#!") {
                    return Err(wrong(&"its first line does not name an interpreter, as #!/bin/sh does"));
                }
                texts.insert(path.clone(), text);
            }
        }
        Ok(Self(texts))
    }

    /// Puts the texts in the place of the files' names, so that a run can be handed to a process that does not read them again.
    pub(crate) fn fill_in(&self, programs: &mut [NodePrograms]) {
        for node in programs {
            let all = [&mut node.host_setup, &mut node.setup, &mut node.run, &mut node.teardown, &mut node.host_teardown];
            for source in all.into_iter().flatten() {
                *source = ScriptSource::Text(self.text(source).to_owned());
            }
        }
    }

    /// The text of a script.
    pub(super) fn text<'a>(&'a self, source: &'a ScriptSource) -> &'a str {
        match source {
            ScriptSource::Text(text) => text,
            ScriptSource::File(path) => self.0.get(path).map_or("", String::as_str),
        }
    }
}

/// A node's scripts with the keys they have in the experiment file.
fn sources(node: &NodePrograms) -> impl Iterator<Item = (&'static str, &ScriptSource)> {
    let all = [
        ("host_setup", &node.host_setup),
        ("setup", &node.setup),
        ("run", &node.run),
        ("teardown", &node.teardown),
        ("host_teardown", &node.host_teardown),
    ];
    all.into_iter().filter_map(|(name, source)| Some((name, source.as_ref()?)))
}
