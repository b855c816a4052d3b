//! What is wrong, where, and the way out.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Span, Texts};

/// Why there is no plan. Nothing has been touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// The experiment file or the command line is wrong.
    File(Report),
    /// The experiment is right, but this host cannot do it.
    Host(Report),
}

impl PlanError {
    /// The program's exit code: 2 when the file is wrong, 3 when this host cannot.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::File(_) => 2,
            Self::Host(_) => 3,
        }
    }

    /// The error with file, line, column, the text in question underlined, and advice; ends without a newline.
    pub fn render(&self, colour: bool) -> String {
        let (Self::File(report) | Self::Host(report)) = self;
        report.render(colour)
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for PlanError {}

/// An error with all it takes to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    title: String,
    excerpts: Vec<Excerpt>,
    help: Vec<String>,
}

/// A text and the places in it that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    name: String,
    text: String,
    marks: Vec<Mark>,
}

/// A place and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    span: Span,
    label: String,
    primary: bool,
}

impl Report {
    fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut group = Group::with_title(Level::ERROR.primary_title(&self.title));
        for excerpt in &self.excerpts {
            let marks = excerpt.marks.iter().map(|mark| {
                let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
                kind.span(mark.span.clone()).label(&mark.label)
            });
            group = group.element(Snippet::source(&excerpt.text).path(&excerpt.name).annotations(marks));
        }
        group = group.elements(self.help.iter().map(|help| Level::HELP.message(help)));
        renderer.render(&[group])
    }
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Host,
}

/// An error as it is found: with spans, not yet with the texts they point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    kind: Kind,
    title: String,
    marks: Vec<Mark>,
    help: Vec<String>,
}

impl Fault {
    /// The file or the command line is wrong.
    pub(crate) fn file(title: impl Into<String>) -> Self {
        Self { kind: Kind::File, title: title.into(), marks: Vec::new(), help: Vec::new() }
    }

    /// This host cannot.
    pub(crate) fn host(title: impl Into<String>) -> Self {
        Self { kind: Kind::Host, ..Self::file(title) }
    }

    /// The same, where another host would do with the file.
    pub(crate) fn of_this_host(self) -> Self {
        Self { kind: Kind::Host, ..self }
    }

    /// The place to change.
    pub(crate) fn at(self, span: Span, label: impl Into<String>) -> Self {
        self.mark(span, label.into(), true)
    }

    /// Another place that explains it.
    pub(crate) fn beside(self, span: Span, label: impl Into<String>) -> Self {
        self.mark(span, label.into(), false)
    }

    fn mark(mut self, span: Span, label: String, primary: bool) -> Self {
        self.marks.push(Mark { span, label, primary });
        self
    }

    /// A way out.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// This way out, and no other.
    pub(crate) fn only_help(mut self, help: &str) -> Self {
        self.help.clear();
        self.help(help)
    }

    /// With the texts the spans point into.
    pub(crate) fn report(self, texts: &Texts) -> PlanError {
        let mut excerpts: Vec<Excerpt> = Vec::new();
        for mark in self.marks {
            let Some((text, span)) = texts.locate(&mark.span) else { continue };
            let mark = Mark { span, ..mark };
            match excerpts.iter_mut().find(|excerpt| excerpt.name == text.name && excerpt.text == text.content) {
                Some(excerpt) => excerpt.marks.push(mark),
                None => excerpts.push(Excerpt { name: text.name.clone(), text: text.content.clone(), marks: vec![mark] }),
            }
        }
        let report = Report { title: self.title, excerpts, help: self.help };
        match self.kind {
            Kind::File => PlanError::File(report),
            Kind::Host => PlanError::Host(report),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Overrides, Source};
    use super::*;

    #[test]
    fn the_place_is_underlined_and_colour_is_only_there_when_asked_for() {
        let (texts, _) = Texts::new(&Source { name: "x.toml", text: b"name = 5\n" }, &Overrides::default());
        let error = Fault::file("no").at(7..8, "this").help("write a name").report(&texts);
        insta::assert_snapshot!(error.render(false), @r"
        error: no
         --> x.toml:1:8
          |
        1 | name = 5
          |        ^ this
          |
          = help: write a name
        ");
        assert!(error.render(true).contains('\u{1b}'));
        assert_eq!((error.exit_code(), Fault::host("no").report(&texts).exit_code()), (2, 3));
    }
}
