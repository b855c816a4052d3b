//! The experiment as text: the file, what the command line adds to it, and where in either a fault lies.
//!
//! Every text gets its own stretch of one line of positions, so that a span alone says which text it points into.

pub(crate) mod advice;
pub(crate) mod error;
pub(crate) mod key;
pub(crate) mod tree;

use std::ops::Range;

use error::Fault;

/// An experiment file, already read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// How it is named in errors, usually the path as typed.
    pub name: &'a str,
    /// Its bytes, not yet known to be text.
    pub text: &'a [u8],
}

/// What the command line changes in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `key.path=value`, each as given to `--set`.
    pub set: Vec<String>,
    /// `key.path=a,b,c` or `key.path=[a, b, c]`, each as given to `--sweep`.
    pub sweep: Vec<String>,
    /// Texts of the profiles' files that the experiment names, by their paths ([`crate::knob::files_named`]).
    pub profiles: Vec<(String, String)>,
}

/// A stretch of bytes of one of the [`Texts`].
pub(crate) type Span = Range<usize>;

/// The file first, then one text per override.
#[derive(Debug)]
pub(crate) struct Texts {
    texts: Vec<Text>,
    profiles: Vec<(String, String)>,
}

/// One text and its place.
#[derive(Debug)]
pub(crate) struct Text {
    /// How it is named in errors.
    pub(crate) name: String,
    /// What it says.
    pub(crate) content: String,
    /// Position of its first byte.
    pub(crate) start: usize,
}

/// An override: where its own text begins after the name of the option, and what it says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Override<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
}

const SET: &str = "--set ";
const SWEEP: &str = "--sweep ";

impl Texts {
    /// Takes in all texts. When the file is not UTF-8 text, the fault comes with texts it can be shown in.
    pub(crate) fn new(source: &Source<'_>, overrides: &Overrides) -> (Self, Result<(), Fault>) {
        let (text, valid) = match std::str::from_utf8(source.text) {
            Ok(text) => (text.to_owned(), Ok(())),
            Err(error) => (String::from_utf8_lossy(source.text).into_owned(), Err(not_text(source.text, error.valid_up_to()))),
        };
        let mut texts = Self { texts: Vec::new(), profiles: overrides.profiles.clone() };
        texts.push(source.name.to_owned(), text);
        let set = overrides.set.iter().map(|text| (SET, text));
        for (option, text) in set.chain(overrides.sweep.iter().map(|text| (SWEEP, text))) {
            texts.push("command line".to_owned(), format!("{option}{text}"));
        }
        (texts, valid)
    }

    /// The folder of the experiment file, as far as its name tells; empty for the one tailbed was started in.
    pub(crate) fn folder(&self) -> &str {
        let name = self.texts.first().map_or("", |file| file.name.as_str());
        match name.rsplit_once('/') {
            Some(("", _)) => "/",
            Some((folder, _)) => folder,
            None => "",
        }
    }

    /// A position of its own stays free behind each text, so that "at the end" belongs to one text only.
    fn push(&mut self, name: String, content: String) {
        let start = self.texts.last().map_or(0, |last| last.start + last.content.len() + 1);
        self.texts.push(Text { name, content, start });
    }

    /// Texts of profiles' files, by their paths. No fault points into them: what is wrong there is told by the line that names them.
    pub(crate) fn profiles(&self) -> &[(String, String)] {
        &self.profiles
    }

    /// The experiment file.
    pub(crate) fn file(&self) -> &str {
        self.texts.first().map_or("", |file| &file.content)
    }

    /// Overrides given to `--set`, in order.
    pub(crate) fn set(&self) -> impl Iterator<Item = Override<'_>> {
        self.overrides(SET)
    }

    /// Overrides given to `--sweep`, in order.
    pub(crate) fn sweep(&self) -> impl Iterator<Item = Override<'_>> {
        self.overrides(SWEEP)
    }

    fn overrides(&self, option: &'static str) -> impl Iterator<Item = Override<'_>> {
        self.texts.iter().skip(1).filter_map(move |given| {
            let text = given.content.strip_prefix(option)?;
            Some(Override { text, start: given.start + option.len() })
        })
    }

    /// The text a span points into, and the span within it.
    pub(crate) fn locate(&self, span: &Span) -> Option<(&Text, Span)> {
        let text = self.texts.iter().rfind(|text| text.start <= span.start)?;
        let within = |at: usize| (at - text.start).min(text.content.len());
        Some((text, within(span.start)..within(span.end.max(span.start))))
    }

    /// What stands at a span.
    pub(crate) fn slice(&self, span: &Span) -> &str {
        self.locate(span).and_then(|(text, within)| text.content.get(within)).unwrap_or("")
    }
}

/// The replacement character stands in the lossy text exactly where the first wrong byte stood in the file.
fn not_text(bytes: &[u8], at: usize) -> Fault {
    let byte = bytes.get(at).copied().unwrap_or_default();
    Fault::file(format!("this is not UTF-8 text: byte {at} is 0x{byte:02x}"))
        .at(at..at + '\u{fffd}'.len_utf8(), "text ends here")
        .help("an experiment is a TOML file; give the path of one, or save it as UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_alone_says_which_text_it_points_into() {
        let overrides = Overrides { set: vec!["a=1".to_owned()], sweep: vec!["b=2,3".to_owned()], ..Overrides::default() };
        let (texts, valid) = Texts::new(&Source { name: "x.toml", text: b"name" }, &overrides);
        assert!(valid.is_ok());
        assert_eq!(texts.slice(&(0..4)), "name");
        let set = texts.set().next().unwrap();
        assert_eq!((set.text, texts.slice(&(set.start..set.start + 3))), ("a=1", "a=1"));
        let sweep = texts.sweep().next().unwrap();
        assert_eq!(texts.slice(&(sweep.start + 2..sweep.start + 3)), "2");
        let (text, end) = texts.locate(&(4..4)).unwrap();
        assert_eq!((text.name.as_str(), end), ("x.toml", 4..4));
    }
}
