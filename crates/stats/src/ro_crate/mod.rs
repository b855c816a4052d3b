//! `ro-crate-metadata.json`: what a results folder is, in the words of RO-Crate 1.1 (w3id.org/ro/crate/1.1), so that archives and people
//! without tailbed can cite and repeat it.
//!
//! The folder is the crate's root; every file and folder below it is a data entity with its format and a description; a campaign is a
//! `CreateAction` of the tailbed that made it, with its command, its beginning and end, on the machine whose facts stand beside it.

mod action;
mod described;
mod entity;

use serde_json::{Value, json};
use tailbed_format::results;

use entity::identifier;

pub use action::About;

/// The version of the specification that is followed.
const SPECIFICATION: &str = "https://w3id.org/ro/crate/1.1";

/// A file of a results folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// Where it is below the folder, with `/` between folders.
    pub path: String,
    /// How long it is, bytes.
    pub length: u64,
}

/// The metadata of a folder with these files, as JSON-LD: flattened and compacted, as section 2.1 of the specification wants it. The
/// metadata's own file, and files that are not whole yet, are left out.
pub fn metadata(files: &[File], about: &About) -> Value {
    let is_partial = |path: &str| path.rsplit('/').next().is_some_and(|name| name.ends_with(".partial"));
    let mut files: Vec<&File> = files.iter().filter(|file| file.path != results::RO_CRATE && !is_partial(&file.path)).collect();
    files.sort();
    let mut graph = vec![json!({
        "@id": results::RO_CRATE,
        "@type": "CreativeWork",
        "about": { "@id": "./" },
        "conformsTo": { "@id": SPECIFICATION },
    })];
    let mut entities = Vec::new();
    let parts = below(&files, 0, &mut entities);
    graph.push(about.root(&parts));
    graph.extend(about.context(&parts));
    graph.extend(entities);
    json!({ "@context": format!("{SPECIFICATION}/context"), "@graph": graph })
}

/// The data entities of files that share the first `depth` bytes of their paths, a folder, added to `entities`; references to those
/// directly in it.
fn below(files: &[&File], depth: usize, entities: &mut Vec<Value>) -> Vec<Value> {
    let child = |file: &File| file.path[depth..].split_inclusive('/').next().unwrap_or_default().len() + depth;
    let mut parts = Vec::new();
    for group in files.chunk_by(|one, other| one.path[..child(one)] == other.path[..child(other)]) {
        let end = child(group[0]);
        let path = &group[0].path[..end];
        parts.push(json!({ "@id": identifier(path) }));
        match path.strip_suffix('/') {
            Some(folder) => {
                let place = entities.len();
                entities.push(Value::Null);
                let inner = below(group, end, entities);
                entities[place] = entity::folder(folder, &inner);
            }
            None => entities.push(entity::part(path, group[0].length)),
        }
    }
    parts
}

#[cfg(test)]
mod tests;
