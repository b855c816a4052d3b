//! Who made a results folder, with what, when and on which machine: the entities that are no files (RO-Crate 1.1, sections 4 to 8).

use serde_json::{Value, json};
use tailbed_format::facts::Facts;
use tailbed_format::results;

use super::entity::moment as iso;

/// What the metadata say besides the files.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// What the results are called.
    pub name: String,
    /// The question and its answer, or where the results come from.
    pub description: String,
    /// The command that makes them again.
    pub command: String,
    /// The version of tailbed that did so, with its commit where that is known.
    pub writer: String,
    /// When that began, seconds since 1970.
    pub began: u64,
    /// When it ended, seconds since 1970.
    pub ended: u64,
    /// The machine; `None` of results that were imported.
    pub facts: Option<Facts>,
    /// Who made them, as whoever hands them on says.
    pub author: Option<String>,
    /// Under which licence they are handed on, an address.
    pub licence: Option<String>,
}

impl About {
    /// Of a campaign, by its `summary.json`, the command that makes it again and the machine; it ended at `ended`, seconds since 1970.
    #[must_use]
    pub fn of(summary: &Value, command: String, facts: Facts, ended: u64) -> Self {
        let text = |key: &str| summary.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let description: Vec<String> =
            [text("question"), text("answer")].into_iter().filter(|sentence| !sentence.is_empty()).collect();
        let runs = summary.get("runs").and_then(Value::as_array).into_iter().flatten();
        let began = runs.filter_map(|run| run.get("began").and_then(Value::as_u64)).filter(|time| *time > 0).min();
        Self {
            name: text("name"),
            description: if description.is_empty() { "A tail-latency campaign".to_owned() } else { description.join(" ") },
            command,
            writer: facts
                .tool_commit
                .as_ref()
                .map_or_else(|| facts.tool_version.clone(), |commit| format!("{} ({commit})", facts.tool_version)),
            began: began.unwrap_or(ended).min(ended),
            ended,
            facts: Some(facts),
            author: None,
            licence: None,
        }
    }

    /// Of results that other programs measured, brought here at `made`, seconds since 1970.
    #[must_use]
    pub fn of_imported(name: &str, source: Option<&str>, made: u64, writer: &str) -> Self {
        let from = source.map_or_else(|| "from where, nobody said".to_owned(), |source| format!("from {source}"));
        Self {
            name: name.to_owned(),
            description: format!("Results that were measured elsewhere and imported, {from}"),
            command: "tailbed import".to_owned(),
            writer: writer.to_owned(),
            began: made,
            ended: made,
            ..Self::default()
        }
    }

    /// The root: the folder itself.
    pub(super) fn root(&self, parts: &[Value]) -> Value {
        let mut root = json!({
            "@id": "./",
            "@type": "Dataset",
            "name": self.name,
            "description": self.description,
            "datePublished": iso(self.ended),
            "license": { "@id": self.licence.clone().unwrap_or_else(|| "#licence".to_owned()) },
            "hasPart": parts,
            "mentions": { "@id": "#campaign" },
        });
        if self.author.is_some() {
            root["author"] = json!({ "@id": "#author" });
        }
        root
    }

    /// The action, its instrument, the machine, the author and the licence.
    pub(super) fn context(&self, parts: &[Value]) -> Vec<Value> {
        let is = |name: &str| parts.iter().any(|part| part["@id"] == name);
        let objects: Vec<Value> = [results::EXPERIMENT, results::CAMPAIGN]
            .into_iter()
            .filter(|name| is(name))
            .map(|name| json!({ "@id": name }))
            .collect();
        let made: Vec<&Value> = parts.iter().filter(|part| !objects.contains(part) && part["@id"] != results::FACTS).collect();
        let mut action = json!({
            "@id": "#campaign",
            "@type": "CreateAction",
            "name": format!("{}, by {}", self.name, self.command.split_whitespace().take(2).collect::<Vec<_>>().join(" ")),
            "description": format!("Made by the command: {}", self.command),
            "instrument": { "@id": "#tailbed" },
            "startTime": iso(self.began),
            "endTime": iso(self.ended),
            "actionStatus": { "@id": "http://schema.org/CompletedActionStatus" },
            "result": made,
        });
        if !objects.is_empty() {
            action["object"] = json!(objects);
        }
        if self.author.is_some() {
            action["agent"] = json!({ "@id": "#author" });
        }
        let mut all = vec![self.software()];
        if let Some(facts) = &self.facts {
            action["location"] = json!({ "@id": "#machine" });
            all.extend(machine(facts));
        }
        all.insert(0, action);
        all.extend(self.author.iter().map(|name| json!({ "@id": "#author", "@type": "Person", "name": name })));
        all.push(match &self.licence {
            Some(address) => json!({ "@id": address, "@type": "CreativeWork", "name": address, "description": "The licence of these results" }),
            None => json!({
                "@id": "#licence",
                "@type": "CreativeWork",
                "name": "No licence was chosen",
                "description": "Whoever made these results has not said under which terms they may be used; `tailbed export --licence` says so",
            }),
        });
        all
    }

    fn software(&self) -> Value {
        json!({
            "@id": "#tailbed",
            "@type": "SoftwareApplication",
            "name": "tailbed",
            "version": self.writer,
            "description": "A tail-latency testbed for bare metal, containers and virtual machines",
        })
    }
}

/// The machine, and what of it bears on a result, each a `PropertyValue`.
fn machine(facts: &Facts) -> Vec<Value> {
    let cpus = facts.cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mitigations: Vec<String> = facts.mitigations.iter().map(|(name, state)| format!("{name}: {state}")).collect();
    let rows = [
        ("processor", facts.cpu_model.clone()),
        ("cpus", cpus),
        ("memory", format!("{} bytes", facts.memory)),
        ("kernel", facts.kernel.clone()),
        ("kernel-command-line", facts.command_line.clone()),
        ("mitigations", mitigations.join("; ")),
        ("clock-source", facts.clocksource.clone()),
        ("hypervisor", facts.hypervisor.clone().unwrap_or_else(|| "none".to_owned())),
    ];
    let known: Vec<(&str, String)> = rows.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let id = |name: &str| format!("#machine-{name}");
    let properties: Vec<Value> = known.iter().map(|(name, _)| json!({ "@id": id(name) })).collect();
    let mut all = vec![json!({
        "@id": "#machine",
        "@type": "Place",
        "name": facts.hostname,
        "description": "The machine that measured; all of its facts are in facts.json",
        "additionalProperty": properties,
    })];
    all.extend(
        known.into_iter().map(|(name, value)| json!({ "@id": id(name), "@type": "PropertyValue", "name": name, "value": value })),
    );
    all
}
