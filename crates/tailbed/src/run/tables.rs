//! The tables of network functions that lie in files, read and checked before anything is touched.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::File;
use std::io::Read;

use tailbed_format::function::{LARGEST_FILE, Table};
use tailbed_format::order::Order;
use tailbed_plan::plan::{Plan, Run};

use crate::failure::Failure;

/// Texts by path.
#[derive(Debug, Default)]
pub(crate) struct Tables(HashMap<String, String>);

impl Tables {
    /// Reads every table that a plan names.
    pub(crate) fn of(plan: &Plan) -> Result<Self, Failure> {
        let mut texts = HashMap::new();
        for agent in plan.runs.iter().flat_map(|run| &run.agents) {
            let Order::Forward(forward) = &agent.order else { continue };
            for (listing, table) in forward.function.tables() {
                let Table::File(path) = table else { continue };
                if texts.contains_key(path) {
                    continue;
                }
                let (name, node) = (forward.function.name(), &agent.node);
                let wrong = |why: &dyn Display| {
                    Failure::File(format!("error: cannot read the table {path}, which is for {name} of node `{node}`: {why}"))
                };
                let text = read(path).map_err(|error| wrong(&error))?;
                listing.check(path, &text).map_err(|error| Failure::File(format!("error: {error}")))?;
                texts.insert(path.clone(), text);
            }
        }
        Ok(Self(texts))
    }

    /// The run with the texts in the place of the files' names, for agents that see no file of the host's.
    pub(crate) fn fill_in(&self, run: &Run) -> Run {
        let mut run = run.clone();
        for agent in &mut run.agents {
            let Order::Forward(forward) = &mut agent.order else { continue };
            for table in forward.function.tables_mut() {
                if let Table::File(path) = table
                    && let Some(text) = self.0.get(path)
                {
                    *table = Table::Text { name: path.clone(), text: text.clone() };
                }
            }
        }
        run
    }
}

fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(std::io::Error::other(format!("it is larger than {} MiB; use fewer lines", LARGEST_FILE >> 20)));
    }
    Ok(text)
}
