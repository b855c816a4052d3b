//! What was asked of the host's knobs, and what they said.

use maud::{Markup, html};
use tailbed_format::knob::{KnobReading, KnobRecord, Knobs};

use super::page;

/// A table for each different profile and set of values; nothing where the host was left as it was.
pub(super) fn section<'a>(runs: impl Iterator<Item = &'a Knobs>) -> Markup {
    let mut different: Vec<&Knobs> = Vec::new();
    for knobs in runs {
        // values found before differ where runs follow each other; what was asked for and said does not
        if !different.iter().any(|known| asked(known) == asked(knobs)) {
            different.push(knobs);
        }
    }
    if different.iter().all(|knobs| knobs.is_stock()) {
        return html! {};
    }
    page::section(
        "knobs",
        "The host's knobs",
        &html! {
            p { "What was set for each run and put back after it, and what the kernel said when the work of the first such run was done." }
            @for knobs in different {
                (page::scrolling(&format!("Profile {}", knobs.profile), &table(knobs)))
            }
        },
    )
}

fn asked(knobs: &Knobs) -> (&str, Vec<(&str, &str, bool)>) {
    let each = knobs.knobs.iter().map(|knob| (knob.knob.as_str(), knob.wanted.as_str(), knob.left.is_some()));
    (&knobs.profile, each.collect())
}

fn table(knobs: &Knobs) -> Markup {
    html! {
        thead { tr { th.word scope="col" { "Knob" } th.word scope="col" { "Wanted" } th.word scope="col" { "Before" } th.word scope="col" { "Read" } } }
        tbody { @for knob in &knobs.knobs { tr {
            th scope="row" { code { (knob.knob) } }
            td.word { (knob.wanted) }
            td.word { @for reading in &knob.readings { div { (or_nothing(&reading.before)) } } }
            td.word {
                @for reading in &knob.readings { div { (said(reading)) } }
                @for word in words(knob) { div.under { (word) } }
            }
        } } }
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

fn said(reading: &KnobReading) -> String {
    let place = match reading.count {
        1 => reading.first.clone(),
        count => format!("{} and {} more", reading.first, count - 1),
    };
    format!("{} ({place})", or_nothing(&reading.read))
}

/// Why it was left alone, and what else is to be known.
fn words(knob: &KnobRecord) -> impl Iterator<Item = String> {
    let left = knob.left.iter().map(|reason| format!("left alone: {reason}"));
    let nothing = (knob.left.is_none() && knob.readings.is_empty() && knob.remarks.is_empty())
        .then(|| "nothing of the host to set".to_owned());
    left.chain(knob.remarks.iter().cloned()).chain(nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(knob: &str, left: Option<&str>) -> KnobRecord {
        let readings = left.is_none().then(|| KnobReading {
            first: format!("/sys/{knob}"),
            count: 3,
            before: "3".to_owned(),
            given: "1".to_owned(),
            read: "1".to_owned(),
        });
        KnobRecord {
            knob: knob.to_owned(),
            wanted: "true".to_owned(),
            readings: readings.into_iter().collect(),
            left: left.map(str::to_owned),
            remarks: Vec::new(),
        }
    }

    #[test]
    fn each_knob_stands_with_what_it_said_or_why_it_was_left() {
        let knobs =
            Knobs { profile: "isolated".to_owned(), knobs: vec![record("irqs", None), record("governor", Some("none <here>"))] };
        let text = table(&knobs).into_string();
        assert!(text.contains("1 (/sys/irqs and 2 more)"), "{text}");
        assert!(text.contains("left alone: none &lt;here&gt;"), "{text}");
    }
}
