//! A node's network function, with its tables and how many workers it has.

use std::net::Ipv4Addr;

use tailbed_format::function::{self, Bng, Function, Table};
use tailbed_format::order::{BATCH, LARGEST_BATCH, MOST_WORKERS};
use tailbed_format::port::Ports;

use crate::experiment::{self, Node};
use crate::text::error::Fault;
use crate::text::tree;

/// How a node forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forwarding {
    pub(crate) function: Function,
    pub(crate) workers: u32,
    pub(crate) batch: u32,
    pub(crate) ports: Ports,
}

impl Default for Forwarding {
    /// What a node does of which nothing is said.
    fn default() -> Self {
        Self { function: Function::L2fwd, workers: 1, batch: BATCH, ports: Ports::FORWARDER }
    }
}

/// Seed of what is made, where none is given.
const SEED: u64 = 1;

/// Both ends of a gateway's tunnel where none are given: addresses set aside for benchmarks (RFC 2544, appendix C.2.2).
const LOCAL: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 2);

/// Checks a node's function; `folder` is that of the experiment file.
pub(super) fn of_node(name: &str, node: &Node, folder: &str, tree: &tree::Table<'_>) -> Result<Forwarding, Fault> {
    let at = |key: &str| tree::span(tree, &["nodes", name, key]);
    if node.workers == 0 || node.workers > MOST_WORKERS {
        return Err(Fault::file(format!("node `{name}` cannot have {} workers", node.workers))
            .at(at("workers"), format!("1 to {MOST_WORKERS} is allowed"))
            .help("each worker has a core to itself; add cores with cpus"));
    }
    if node.workers as usize > node.cpus.count() && node.command.is_empty() {
        return Err(Fault::file(format!("node `{name}` has more workers than cores"))
            .at(at("workers"), format!("{} workers", node.workers))
            .beside(at("cpus"), format!("{} cores", node.cpus.count()))
            .help(format!("a worker never gives up its core; write cpus = {} as well", node.workers)));
    }
    if !(1..=LARGEST_BATCH).contains(&node.batch) {
        return Err(Fault::file(format!("node `{name}` cannot take {} frames at a time", node.batch))
            .at(at("batch"), format!("1 to {LARGEST_BATCH} is allowed")));
    }
    let place = Place { name, kind: kind(&node.forward), folder, tree };
    let ports = super::sockets::of_node(name, node, tree)?;
    Ok(Forwarding { function: place.function(&node.forward)?, workers: node.workers, batch: node.batch, ports })
}

fn kind(function: &experiment::Function) -> &'static str {
    match function {
        experiment::Function::None => "none",
        experiment::Function::L2fwd => "l2fwd",
        experiment::Function::L3fwd(_) => "l3fwd",
        experiment::Function::Bng(_) => "bng",
        experiment::Function::Reflect => "reflect",
        experiment::Function::Filter(_) => "filter",
    }
}

/// Where the settings of a function stand.
struct Place<'a> {
    name: &'a str,
    kind: &'static str,
    folder: &'a str,
    tree: &'a tree::Table<'a>,
}

impl Place<'_> {
    fn function(&self, function: &experiment::Function) -> Result<Function, Fault> {
        Ok(match function {
            experiment::Function::None => Function::None,
            experiment::Function::L2fwd => Function::L2fwd,
            experiment::Function::Reflect => Function::Reflect,
            experiment::Function::L3fwd(settings) => {
                let made = Made { key: "routes", count: settings.routes, range: function::ROUTES, seed: settings.seed };
                let routes = match &settings.table {
                    Some(lines) => self.lines(lines, settings)?,
                    None => self.table(&made, ("file", settings.file.as_ref()), 10_000)?,
                };
                Function::L3fwd { routes, further: Vec::new() }
            }
            experiment::Function::Bng(settings) => self.gateway(settings)?,
            experiment::Function::Filter(settings) => Function::Filter { rules: self.rules(settings)? },
        })
    }

    fn gateway(&self, settings: &experiment::Bng) -> Result<Function, Fault> {
        let seed = settings.seed;
        let subscribers = Made { key: "subscribers", count: settings.subscribers, range: function::SUBSCRIBERS, seed };
        let routes = Made { key: "routes", count: settings.routes, range: function::ROUTES, seed };
        let address = |key: &str, text: &Option<String>, default| match text {
            None => Ok(default),
            Some(text) => text.parse::<Ipv4Addr>().map_err(|_| {
                Fault::file(format!("`{text}` is not an IPv4 address"))
                    .at(self.span(key), "an end of the tunnel")
                    .help(format!("write it like {key} = \"{default}\""))
            }),
        };
        let (local, remote) = (address("local", &settings.local, LOCAL)?, address("remote", &settings.remote, REMOTE)?);
        if local == remote {
            let key = if settings.remote.is_some() { "remote" } else { "local" };
            return Err(Fault::file(format!("both ends of the tunnel of node `{}` are {local}", self.name))
                .at(self.span(key), "the same as the other end")
                .help("give local and remote different addresses"));
        }
        Ok(Function::Bng(Bng {
            subscribers: self.table(&subscribers, ("file", settings.file.as_ref()), 1_000)?,
            routes: self.table(&routes, ("routes_file", settings.routes_file.as_ref()), function::ROUTES.0)?,
            local,
            remote,
        }))
    }

    /// Routes that are written into the experiment.
    fn lines(&self, lines: &[String], settings: &experiment::L3fwd) -> Result<Table, Fault> {
        for (key, given) in [("file", settings.file.is_some()), ("routes", settings.routes.is_some())] {
            if given {
                return Err(self.two("table", key));
            }
        }
        let text = lines.join("\n");
        let name = self.path("table").join(".");
        function::routes(&name, &text).map_err(|wrong| {
            let entry = tree::get(self.tree, &self.path("table")).and_then(|table| table.get_ref().get(wrong.line - 1));
            let span = entry.map_or_else(|| self.span("table"), tree::Value::span);
            let said = wrong.to_string();
            let said = said.splitn(3, ':').nth(2).unwrap_or(&said).trim();
            let (title, help) = said.split_once("; ").unwrap_or((said, ""));
            let fault = Fault::file(title).at(span, "no route");
            if help.is_empty() { fault } else { fault.help(help) }
        })?;
        Ok(Table::Text { name, text })
    }

    /// Rules from one of three places, none at all by default.
    fn rules(&self, settings: &experiment::Filter) -> Result<Table, Fault> {
        if let Some(rules) = &settings.rules {
            for (key, given) in [("file", settings.file.is_some()), ("generated", settings.generated.is_some())] {
                if given {
                    return Err(self.two("rules", key));
                }
            }
            rules.iter().enumerate().try_for_each(|(number, rule)| self.rule(number, rule))?;
        }
        if settings.file.is_none() && settings.generated.is_none() {
            let text = settings.rules.as_deref().unwrap_or_default().join("\n");
            return Ok(Table::Text { name: self.path("rules").join("."), text });
        }
        let made = Made { key: "generated", count: settings.generated, range: function::RULES, seed: settings.seed };
        self.table(&made, ("file", settings.file.as_ref()), function::RULES.0)
    }

    fn rule(&self, number: usize, rule: &str) -> Result<(), Fault> {
        let Err(error) = rule.parse::<function::Rule>() else { return Ok(()) };
        let entry = tree::get(self.tree, &self.path("rules")).and_then(|rules| rules.get_ref().get(number));
        let span = entry.map_or_else(|| self.span("rules"), tree::Value::span);
        let error = error.to_string();
        let (title, help) = error.split_once("; ").unwrap_or((&error, ""));
        let fault = Fault::file(title).at(span, "no rule");
        Err(if help.is_empty() { fault } else { fault.help(help) })
    }

    /// A table that is made, or that a file holds.
    fn table(&self, made: &Made<'_>, (key, file): (&str, Option<&String>), default: u32) -> Result<Table, Fault> {
        if let Some(file) = file {
            if made.count.is_some() {
                return Err(self.two(made.key, key));
            }
            if file.trim().is_empty() {
                return Err(Fault::file(format!("`{key}` of node `{}` is empty", self.name))
                    .at(self.span(key), "no path")
                    .help(format!("leave it out, or write it like {key} = \"table.txt\"")));
            }
            return Ok(Table::File(super::environment::beside(self.folder, file)));
        }
        let count = made.count.unwrap_or(default);
        let (least, most) = made.range;
        if !(least..=most).contains(&count) {
            return Err(Fault::file(format!(
                "{count} {} cannot be made",
                if made.key == "generated" { "rules" } else { made.key }
            ))
            .at(self.span(made.key), format!("{least} to {most} is allowed"))
            .help(format!("a table of any other size can be read: {key} = \"table.txt\"")));
        }
        Ok(Table::Generated { count, seed: made.seed.unwrap_or(SEED) })
    }

    fn two(&self, first: &str, second: &str) -> Fault {
        Fault::file(format!("node `{}` has two tables for its {}", self.name, self.kind))
            .at(self.span(second), "a second one")
            .beside(self.span(first), "a first one")
            .help("leave one of them out")
    }

    fn path<'k>(&'k self, key: &'k str) -> [&'k str; 5] {
        ["nodes", self.name, "forward", self.kind, key]
    }

    fn span(&self, key: &str) -> crate::text::Span {
        tree::span(self.tree, &self.path(key))
    }
}

/// A table that may be made, as asked for.
struct Made<'a> {
    key: &'a str,
    count: Option<u32>,
    range: (u32, u32),
    seed: Option<u64>,
}
