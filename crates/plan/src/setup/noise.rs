//! What is measured of cores.

use tailbed_format::noise::{MOST_CYCLES, Test, Work};

use super::{Environment, Node};
use crate::experiment::{Experiment, Noise, NoiseLoad, NoiseTest};
use crate::plan::NEIGHBOUR;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// Which tests, on which cores, beside what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoiseGoals {
    /// At least one, each once.
    pub(crate) tests: Vec<Test>,
    /// `None` is ordinary priority.
    pub(crate) priority: Option<u8>,
    /// Cores of the host; empty when they are to be chosen.
    pub(crate) cpus: Vec<usize>,
    /// Where the neighbour is.
    pub(crate) load: NoiseLoad,
    /// What it does, each once; empty without one.
    pub(crate) work: Vec<Work>,
}

/// A core is watched, or a timer waits, no longer than this, ns: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// Checks `[noise]`, and that nothing stands beside it that would not be used.
pub(super) fn goals(settings: &Noise, experiment: &Experiment, nodes: &[Node], tree: &Table<'_>) -> Result<NoiseGoals, Fault> {
    alone(experiment, nodes, tree)?;
    let at = |key: &str| tree::span(tree, &["noise", key]);
    let empty = |key: &str, what: &str| {
        Err(Fault::file(format!("{what} is asked for")).at(at(key), "empty").help(format!("leave `{key}` out to have all of it")))
    };
    if settings.tests.is_empty() {
        return empty("tests", "no noise test");
    }
    if settings.load_work.is_empty() {
        return empty("load_work", "a neighbour that does nothing");
    }
    let times = [
        ("threshold", settings.threshold, settings.duration.0),
        ("duration", settings.duration, LONGEST),
        ("interval", settings.interval, LONGEST),
    ];
    for (key, time, most) in times {
        if time.0 == 0 || time.0 > most {
            let most = tailbed_format::unit::Time(most);
            return Err(
                Fault::file(format!("`{key}` is {time}")).at(at(key), format!("more than 0 and at most {most} is allowed"))
            );
        }
    }
    if !(1..=MOST_CYCLES).contains(&settings.cycles) {
        let said = Fault::file(format!("`cycles` is {}", settings.cycles));
        return Err(said.at(at("cycles"), format!("1 to {MOST_CYCLES} is allowed")));
    }
    if settings.interval.0.saturating_mul(settings.cycles) > LONGEST * 24 {
        return Err(Fault::file(format!("{} cycles of {} take more than a day", settings.cycles, settings.interval))
            .at(at("cycles"), "too many")
            .help("ask for fewer cycles or a shorter interval"));
    }
    if settings.priority > 99 {
        return Err(Fault::file(format!("`priority` is {}", settings.priority)).at(at("priority"), "0 to 99 is allowed"));
    }
    let mut tests: Vec<Test> = Vec::new();
    for test in &settings.tests {
        let test = match test {
            NoiseTest::Gaps => Test::Gaps { threshold: settings.threshold.0, duration: settings.duration.0 },
            NoiseTest::Timer => Test::Timer { interval: settings.interval.0, cycles: settings.cycles },
        };
        if !tests.contains(&test) {
            tests.push(test);
        }
    }
    let mut cpus = settings.cpus.clone();
    cpus.sort_unstable();
    cpus.dedup();
    let mut work: Vec<Work> = settings.load_work.iter().map(|work| (*work).into()).collect();
    work.sort_unstable();
    work.dedup();
    if settings.load == NoiseLoad::None {
        work.clear();
    }
    Ok(NoiseGoals { tests, priority: Some(settings.priority).filter(|priority| *priority > 0), cpus, load: settings.load, work })
}

/// Nothing else is measured, and the node has nothing that would not be used.
fn alone(experiment: &Experiment, nodes: &[Node], tree: &Table<'_>) -> Result<(), Fault> {
    let at = |path: &[&str]| tree::span(tree, path);
    let others = [
        ("traffic", experiment.traffic.is_some(), "packets"),
        ("throughput", experiment.throughput.is_some(), "packets"),
        ("lifecycle", experiment.lifecycle.is_some(), "lives"),
    ];
    if let Some((table, _, what)) = others.into_iter().find(|(_, there, _)| *there) {
        return Err(Fault::file(format!("an experiment measures {what} or noise, not both"))
            .at(at(&["noise"]), "noise")
            .beside(at(&[table]), what)
            .help("put [noise] into an experiment file of its own"));
    }
    if let [_, second, ..] = nodes {
        return Err(Fault::file("noise is measured of one node at a time")
            .at(at(&["nodes", &second.name]), "a second node")
            .help("sweep the environment of one node: \"nodes.dut.environment\" = [\"host\", \"container\", \"vm\"]"));
    }
    for node in nodes {
        let place = || at(&["nodes", &node.name]);
        if node.name == NEIGHBOUR {
            return Err(Fault::file(format!("a node is called `{NEIGHBOUR}`, and so is what makes the load"))
                .at(place(), "taken")
                .help("give it another name, for example dut"));
        }
        if matches!(node.environment, Environment::Simulated(_)) {
            return Err(Fault::file(format!("node `{}` is simulated and has no core to test", node.name))
                .at(place(), "simulated")
                .help("give it an environment that starts something: host, container, lxc, docker or vm"));
        }
        if node.scripts.any() {
            return Err(Fault::file(format!("node `{}` has scripts, which are not run where noise is measured", node.name))
                .at(place(), "with scripts")
                .help("leave them out, or measure packets with [traffic]"));
        }
    }
    match experiment.links.0.first() {
        Some((name, _)) => Err(Fault::file("a node whose noise is measured has no links")
            .at(tree::key_span(tree, &["links", name]).unwrap_or_default(), "a link")
            .help("leave [links] out")),
        None => Ok(()),
    }
}
