//! Advice as text, for a terminal or a page of so many columns.

use super::boot::{Parameter, Score, State};
use super::finding::{Finding, Level, ToDo};
use super::{Advice, Line};

/// Narrower than this nothing can be read any more.
const NARROWEST: usize = 40;

/// Advice as text; `width` is in characters. What is there to be typed is never broken into lines.
pub fn show(advice: &Advice, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut page = Page { width, text: String::new() };
    page.paragraph(0, &advice.host);
    page.paragraph(0, &cores(advice));
    let mut number = 0;
    for level in [Level::Serious, Level::Notable, Level::Minor] {
        let findings: Vec<&Finding> = advice.findings.iter().filter(|finding| finding.level == level).collect();
        if findings.is_empty() {
            continue;
        }
        page.heading(&format!("{} ({})", level.name(), findings.len()));
        for finding in findings {
            number += 1;
            page.costly(number, finding);
        }
    }
    page.list(advice, Level::Unknown);
    page.list(advice, Level::Fine);
    advice.scores.iter().for_each(|score| page.score(score));
    page.line(advice.line.as_ref());
    page.summary(advice);
    page.text
}

fn cores(advice: &Advice) -> String {
    if advice.cores.is_empty() {
        let running = if advice.housekeeping.is_empty() { "not told" } else { &advice.housekeeping };
        return format!("cores for packets: none to spare; CPUs that run: {running}");
    }
    format!(
        "cores for packets: {} ({}); all else: {}; choose others with --cores",
        advice.cores, advice.cores_why, advice.housekeeping
    )
}

struct Page {
    width: usize,
    text: String,
}

impl Page {
    fn heading(&mut self, text: &str) {
        let line = "─".repeat(text.chars().count().min(self.width));
        self.text.push('\n');
        self.push(text);
        self.push(&line);
    }

    /// Words from a column on, broken at the width.
    fn paragraph(&mut self, indent: usize, text: &str) {
        self.labelled(indent, "", text);
    }

    /// A label, and words beside it.
    fn labelled(&mut self, indent: usize, label: &str, text: &str) {
        let mut line =
            format!("{}{label}", " ".repeat(indent.saturating_sub(label.chars().count() + usize::from(!label.is_empty()))));
        if !label.is_empty() {
            line.push(' ');
        }
        let mut empty = true;
        for word in text.split_whitespace() {
            if !empty && line.chars().count() + 1 + word.chars().count() > self.width {
                self.push(&line);
                line = " ".repeat(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line += word;
            empty = false;
        }
        self.push(&line);
    }

    fn push(&mut self, line: &str) {
        self.text += line.trim_end();
        self.text.push('\n');
    }

    fn costly(&mut self, number: usize, finding: &Finding) {
        const INDENT: usize = 4;
        let Some(cost) = &finding.cost else { return };
        if !self.text.ends_with("─\n") {
            self.text.push('\n');
        }
        self.labelled(INDENT, &format!("{number}."), &format!("{}: delays of {}", finding.topic, cost.effect));
        self.paragraph(INDENT, &finding.is);
        self.paragraph(INDENT, &cost.why);
        finding.to_do.iter().for_each(|one| self.advise(INDENT, one));
        let read = finding
            .read
            .iter()
            .map(|read| if read.value.is_empty() { read.file.clone() } else { format!("{} = {}", read.file, read.value) });
        self.paragraph(INDENT, &format!("read: {}", read.collect::<Vec<_>>().join("; ")));
        self.paragraph(INDENT, &format!("source: {}", cost.source));
    }

    /// What is to be typed stays on one line.
    fn advise(&mut self, indent: usize, one: &ToDo) {
        match one {
            ToDo::Run(command) => self.push(&format!("{}$ {command}", " ".repeat(indent))),
            ToDo::Boot(parameters) => self.push(&format!("{}boot with: {parameters}", " ".repeat(indent))),
            ToDo::Note(text) => self.paragraph(indent, &format!("advice: {text}")),
        }
    }

    /// Findings that take a line each.
    fn list(&mut self, advice: &Advice, level: Level) {
        let findings: Vec<&Finding> = advice.findings.iter().filter(|finding| finding.level == level).collect();
        if findings.is_empty() {
            return;
        }
        self.heading(&format!("{} ({})", level.name(), findings.len()));
        let column = findings.iter().map(|finding| finding.topic.chars().count()).max().unwrap_or(0) + 2;
        for finding in findings {
            let padded = format!("{:width$}", finding.topic, width = column - 1);
            self.labelled(column, &padded, &finding.is);
            finding.to_do.iter().for_each(|one| self.advise(column, one));
        }
    }

    fn score(&mut self, score: &Score) {
        self.heading(&format!("{}: {} of {} as recommended", score.name, score.there, score.of));
        self.paragraph(0, score.source);
        // what is not known for one reason is told once
        let unknown = |parameter: &Parameter| matches!(parameter.state, State::Unknown(_));
        if let Some(first) = score.parameters.first().filter(|_| score.parameters.iter().all(unknown)) {
            let reason = first.state.reason().unwrap_or_default();
            let wanted: Vec<&str> = score.parameters.iter().map(|parameter| parameter.wanted.as_str()).collect();
            self.paragraph(0, &format!("not known: {reason}; recommended: {}", wanted.join(" ")));
            return;
        }
        let column = score.parameters.iter().map(|parameter| parameter.wanted.chars().count()).max().unwrap_or(0).min(34) + 14;
        for parameter in &score.parameters {
            let state = match &parameter.state {
                State::There => "there",
                State::Missing => "missing",
                State::Contradicted(_) => "instead",
                State::NotHere(_) => "not here",
                State::LeftOut(_) => "left out",
                State::Unknown(_) => "unknown",
            };
            let reason = parameter.state.reason().map_or_else(String::new, |reason| format!(" ({reason})"));
            let label = format!("{state:9} {:width$}", parameter.wanted, width = column - 11);
            self.labelled(column, &label, &format!("{}{reason}", parameter.why));
        }
    }

    fn line(&mut self, line: Option<&Line>) {
        let Some(line) = line else { return };
        self.heading("line to add");
        self.push(&line.add);
        if !line.remove.is_empty() {
            self.paragraph(0, &format!("instead of: {}", line.remove.join(" ")));
        }
        self.text.push('\n');
        line.how.iter().for_each(|line| self.push(&format!("$ {line}").replace("$ # ", "# ")));
    }

    fn summary(&mut self, advice: &Advice) {
        let counts = [Level::Serious, Level::Notable, Level::Minor, Level::Unknown, Level::Fine];
        let counts: Vec<String> = counts.iter().map(|level| format!("{} {}", advice.count(*level), level.name())).collect();
        self.text.push('\n');
        self.paragraph(0, &counts.join(", "));
    }
}
