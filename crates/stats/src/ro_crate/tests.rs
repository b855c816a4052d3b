#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use tailbed_format::facts::Facts;

use super::*;

fn facts() -> Facts {
    crate::report::example::facts()
}

/// The metadata of a folder as a campaign leaves it, in small.
fn graph_of(about: &About) -> Vec<Value> {
    let file = |path: &&str| File { path: (*path).to_owned(), length: 42 };
    let paths = [
        "summary.json",
        "experiment.toml",
        "campaign.json",
        "facts.json",
        "plots/cdf #1.svg",
        "runs/0000 floor/packets.parquet",
        "runs/0000 floor/results-dut/x",
        "runs/0001-a/packets.parquet",
        "x.partial",
        "ro-crate-metadata.json",
    ];
    let metadata = metadata(&paths.iter().map(file).collect::<Vec<_>>(), about);
    assert_eq!(metadata["@context"], "https://w3id.org/ro/crate/1.1/context");
    metadata["@graph"].as_array().unwrap().clone()
}

fn about() -> About {
    let summary = json!({
        "name": "first-look",
        "question": "What does a container cost?",
        "answer": "Little.",
        "runs": [{ "began": 1_700_000_010 }, { "began": 1_700_000_000 }],
    });
    About::of(&summary, "tailbed run experiment.toml --set seed=7".to_owned(), facts(), 1_700_000_060)
}

fn with_id<'a>(graph: &'a [Value], id: &str) -> &'a Value {
    graph.iter().find(|entity| entity["@id"] == id).unwrap()
}

/// Every reference in a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| references(one, found)),
        Value::Object(map) if map.len() == 1 && map.contains_key("@id") => {
            found.insert(map["@id"].as_str().unwrap().to_owned());
        }
        Value::Object(map) => map.values().for_each(|one| references(one, found)),
        _ => {}
    }
}

/// Sections 2.1, 3.1 and 4 of the specification, requirement by requirement.
#[test]
fn what_the_specification_requires_is_there() {
    let graph = graph_of(&about());
    // every entity has an identifier of its own and a type, and none holds another: the graph is flat
    let ids: BTreeSet<&str> = graph.iter().map(|entity| entity["@id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), graph.len());
    assert!(graph.iter().all(|entity| entity["@type"].is_string()));
    // the descriptor: its type, what it is about, the specification it keeps
    let descriptor = with_id(&graph, "ro-crate-metadata.json");
    assert_eq!(descriptor["@type"], "CreativeWork");
    assert_eq!(descriptor["about"]["@id"], "./");
    assert_eq!(descriptor["conformsTo"]["@id"], "https://w3id.org/ro/crate/1.1");
    // the root: a Dataset with name, description, licence and a date to the day or finer
    let root = with_id(&graph, "./");
    assert_eq!(root["@type"], "Dataset");
    for key in ["name", "description"] {
        assert!(!root[key].as_str().unwrap().is_empty(), "{key}");
    }
    assert!(chrono::DateTime::parse_from_rfc3339(root["datePublished"].as_str().unwrap()).is_ok());
    assert!(ids.contains(root["license"]["@id"].as_str().unwrap()));
    // every file that there is, and no other, is a File that the root reaches by hasPart, with relative URIs as identifiers
    let mut reached = vec!["./".to_owned()];
    for at in 0.. {
        let Some(id) = reached.get(at) else { break };
        let parts = with_id(&graph, id)["hasPart"].as_array().cloned().unwrap_or_default();
        reached.extend(parts.iter().map(|part| part["@id"].as_str().unwrap().to_owned()));
    }
    let files: BTreeSet<&str> = reached.iter().map(String::as_str).filter(|id| !id.ends_with('/')).collect();
    let expected = [
        "campaign.json",
        "experiment.toml",
        "facts.json",
        "plots/cdf%20%231.svg",
        "runs/0000%20floor/packets.parquet",
        "runs/0000%20floor/results-dut/x",
        "runs/0001-a/packets.parquet",
        "summary.json",
    ];
    assert_eq!(files, expected.into_iter().collect());
    for id in &files {
        let file = with_id(&graph, id);
        assert_eq!(file["@type"], "File");
        for key in ["name", "description", "encodingFormat", "contentSize"] {
            assert!(!file[key].as_str().unwrap().is_empty(), "{id} has no {key}");
        }
    }
    assert_eq!(with_id(&graph, "summary.json")["contentSize"], "42");
    assert_eq!(with_id(&graph, "runs/0000%20floor/")["@type"], "Dataset");
}

#[test]
fn the_campaign_can_be_cited_and_made_again() {
    let graph = graph_of(&About { author: Some("A. Person".to_owned()), ..about() });
    let action = with_id(&graph, "#campaign");
    assert_eq!(action["@type"], "CreateAction");
    assert!(action["description"].as_str().unwrap().ends_with("tailbed run experiment.toml --set seed=7"));
    assert_eq!(
        (action["startTime"].as_str(), action["endTime"].as_str()),
        (Some("2023-11-14T22:13:20Z"), Some("2023-11-14T22:14:20Z"))
    );
    assert_eq!(action["object"], json!([{ "@id": "experiment.toml" }, { "@id": "campaign.json" }]));
    assert_eq!(with_id(&graph, action["instrument"]["@id"].as_str().unwrap())["name"], "tailbed");
    assert_eq!(with_id(&graph, "#author")["name"], "A. Person");
    let facts = facts();
    assert_eq!(with_id(&graph, "#machine")["name"], facts.hostname.as_str());
    assert_eq!(with_id(&graph, "#machine-kernel")["value"], facts.kernel.as_str());
    // nothing is referred to that is not there
    let mut all = BTreeSet::new();
    graph.iter().flat_map(|entity| entity.as_object().unwrap().values()).for_each(|value| references(value, &mut all));
    for id in all.iter().filter(|id| !id.starts_with("http")) {
        with_id(&graph, id);
    }
}

#[test]
fn every_kind_of_file_is_described() {
    for path in [
        "a/latency-50.hgrm",
        "plots/x.csv",
        "runs/0000-a/packets-50.parquet",
        "runs/0000-a/agent-dut.log",
        "runs/0000-a/results-dut/y",
    ] {
        assert!(!described::described(path).is_empty(), "{path}");
    }
    assert_eq!(described::format("a/b.log"), "text/plain");
    assert_eq!(described::format("a/b"), "application/octet-stream");
    assert_eq!(described::described("runs/0000-a/"), "An attempt at a run");
}
