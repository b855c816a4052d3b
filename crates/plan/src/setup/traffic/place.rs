//! Where the keys of a load stand: in `[traffic]`, in the table of one of its streams, or in `[throughput]`.

use crate::text::Span;
use crate::text::tree::{self, Table, Value};

/// Where a load stands in the file.
#[derive(Debug, Clone, Copy)]
pub(in crate::setup) struct Place<'a> {
    tree: &'a Table<'a>,
    /// `traffic` or `throughput`.
    kind: &'static str,
    /// The name of its table in `[traffic.streams]`.
    stream: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// That of `[traffic]`, or of one of its streams.
    pub(in crate::setup) fn new(tree: &'a Table<'a>, stream: Option<&'a str>) -> Self {
        Self { tree, kind: "traffic", stream }
    }

    /// That of `[throughput]`.
    pub(in crate::setup) fn of_search(tree: &'a Table<'a>) -> Self {
        Self { tree, kind: "throughput", stream: None }
    }

    /// A key is the stream's where it has it, else that of `[traffic]`.
    fn path<'k>(&'k self, keys: &[&'k str]) -> Vec<&'k str> {
        let own = self.stream.map(|name| ["traffic", "streams", name]);
        let own =
            own.filter(|own| keys.first().is_some_and(|first| tree::get(self.tree, &[&own[..], &[*first]].concat()).is_some()));
        own.map_or_else(|| [&[self.kind], keys].concat(), |own| [&own[..], keys].concat())
    }

    /// Where the value at a path of keys stands.
    pub(in crate::setup) fn span(&self, keys: &[&str]) -> Span {
        tree::span(self.tree, &self.path(keys))
    }

    /// Where the last key of a path stands; nowhere when it is not written.
    pub(in crate::setup) fn key_span(&self, keys: &[&str]) -> Span {
        tree::key_span(self.tree, &self.path(keys)).unwrap_or_default()
    }

    /// The value at a path of keys.
    pub(in crate::setup) fn get(&self, keys: &[&str]) -> Option<&'a Value<'a>> {
        tree::get(self.tree, &self.path(keys))
    }

    /// Where all of the table stands.
    pub(in crate::setup) fn table(&self) -> Span {
        let traffic = || tree::get(self.tree, &[self.kind]);
        let own = self.stream.and_then(|name| tree::get(self.tree, &["traffic", "streams", name]));
        own.or_else(traffic).map(Value::span).unwrap_or_default()
    }
}
