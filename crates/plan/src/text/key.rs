//! Key paths: how sweeps and the command line name a key, `nodes.dut.cpus`.

use std::fmt;

use super::Span;
use super::error::Fault;

/// A path of keys from the top of the file, with the place of each part.
#[derive(Debug, Clone)]
pub(crate) struct KeyPath {
    /// At least one.
    pub(crate) parts: Vec<Part>,
    /// Where all of it stands.
    pub(crate) span: Span,
}

/// One key of a path.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) span: Span,
}

impl KeyPath {
    /// Reads `a.b.c`, whose first byte stands at `start`.
    pub(crate) fn parse(text: &str, start: usize) -> Result<Self, Fault> {
        let span = start..start + text.len();
        let mut parts = Vec::new();
        let mut at = start;
        for name in text.split('.') {
            let right = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(right) {
                return Err(Fault::file(format!("`{text}` is not a path of keys"))
                    .at(span, "keys separated by dots are wanted")
                    .help("write it like `traffic.rate` or `nodes.dut.cpus`"));
            }
            parts.push(Part { name: name.to_owned(), span: at..at + name.len() });
            at += name.len() + 1;
        }
        Ok(Self { parts, span })
    }

    /// Reads a path that stands as a key in a file. In quotes the text begins one byte later; with escapes in it no part has a
    /// place of its own.
    pub(crate) fn parse_key(text: &str, span: &Span) -> Result<Self, Fault> {
        let quotes = span.len().saturating_sub(text.len());
        let mut path = Self::parse(text, span.start + quotes.min(2) / 2)?;
        if quotes > 2 {
            for part in &mut path.parts {
                part.span = span.clone();
            }
        }
        path.span = span.clone();
        Ok(path)
    }

    /// The keys without their places.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.name.as_str())
    }

    /// Whether both name the same key.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.names().eq(other.names())
    }

    /// Whether one lies within the other, so that setting both would depend on the order.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.names().zip(other.names()).all(|(mine, theirs)| mine == theirs)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_know_their_places() {
        let path = KeyPath::parse("traffic.rate", 10).unwrap();
        assert_eq!(path.parts.iter().map(|part| part.span.clone()).collect::<Vec<_>>(), [10..17, 18..22]);
        let quoted = KeyPath::parse_key("traffic.rate", &(10..24)).unwrap();
        assert_eq!(quoted.parts[1].span, 19..23);
        let escaped = KeyPath::parse_key("traffic.rate", &(10..30)).unwrap();
        assert_eq!(escaped.parts[1].span, 10..30);
    }

    #[test]
    fn paths_overlap_when_one_lies_within_the_other() {
        let path = |text| KeyPath::parse(text, 0).unwrap();
        assert!(path("traffic").overlaps(&path("traffic.rate")));
        assert!(path("traffic.rate").is(&path("traffic.rate")));
        assert!(!path("traffic.rate").overlaps(&path("traffic.frame")));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", ".", "a.", "a..b", "a b", "a.\"b\""] {
            assert!(KeyPath::parse(text, 0).is_err(), "{text}");
        }
    }
}
