//! Scripts and commands of a run as a table, in the order they are started.

use crate::plan::{NodePrograms, Run, ScriptSource};

/// Node, key, where and when, and what it is.
pub(super) fn table(run: &Run) -> Vec<[String; 4]> {
    let nodes = || run.programs.iter();
    let script = |key: &str, manner: &str, of: fn(&NodePrograms) -> Option<&ScriptSource>| {
        let row = |node: &NodePrograms| Some([node.node.clone(), key.to_owned(), manner.to_owned(), source(of(node)?)]);
        nodes().filter_map(row).collect::<Vec<_>>()
    };
    let command = |node: &NodePrograms| {
        let ready = node.ready.as_ref().map_or(String::new(), |text| format!(", which waits for \"{text}\""));
        let manner = format!("in the node, while there is traffic{ready}");
        (!node.command.is_empty()).then(|| [node.node.clone(), "command".to_owned(), manner, on_one_line(&node.command)])
    };
    let mut table = script("host_setup", "on the host, before the traffic", |node| node.host_setup.as_ref());
    table.extend(script("setup", "in the node, before the traffic", |node| node.setup.as_ref()));
    table.extend(nodes().filter_map(command));
    table.extend(script("run", "in the node, while there is traffic", |node| node.run.as_ref()));
    table.extend(script("teardown", "in the node, after the traffic", |node| node.teardown.as_ref()));
    table.extend(script("host_teardown", "on the host, after the traffic", |node| node.host_teardown.as_ref()));
    table
}

fn on_one_line(command: &[String]) -> String {
    command.iter().flat_map(|word| word.split_whitespace()).collect::<Vec<_>>().join(" ")
}

/// Who, on which cores and how, for each node that a command forwards in.
pub(super) fn cores(run: &Run) -> impl Iterator<Item = [String; 3]> {
    run.programs.iter().filter(|node| !node.command.is_empty()).map(|node| {
        let cpus = node.environment.iter().find(|(name, _)| name == "TAILBED_CPUS").map_or("", |(_, cpus)| cpus);
        [node.node.clone(), format!("cpu {cpus}"), "a command, ordinary priority, memory not locked".to_owned()]
    })
}

/// The path of a file, or what a text begins with and how long it is.
fn source(source: &ScriptSource) -> String {
    match source {
        ScriptSource::File(path) => path.clone(),
        ScriptSource::Text(text) => {
            let lines = text.trim_end().lines().count();
            let first = text.lines().next().unwrap_or_default().trim_end();
            format!("{first}, {lines} line{}", if lines == 1 { "" } else { "s" })
        }
    }
}
