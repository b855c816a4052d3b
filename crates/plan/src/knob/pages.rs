//! The knobs as text: the page of documentation, and the table that `tailbed knobs` prints.

use std::fmt::Write as _;

use tailbed_format::settings::Settings;

use super::profile::{Profile, SUPPLIED};
use super::{ALL, Knob};

/// The page `docs/knobs.md`: written from the knobs themselves, so that it says what they do.
pub fn pages() -> String {
    let mut text = String::from(HEAD);
    text.push_str("\n## Profiles\n\n| knob |");
    let profiles: Vec<(&str, Profile)> =
        SUPPLIED.iter().filter_map(|(name, text)| Some((*name, Profile::read(text).ok()?))).collect();
    for (name, _) in &profiles {
        let _ = write!(text, " `{name}` |");
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(profiles.len()));
    text.push('\n');
    for knob in ALL {
        let _ = write!(text, "| [`{0}`](#{0}) |", knob.name);
        for (_, profile) in &profiles {
            let _ = write!(text, " {} |", value_in(profile, knob).unwrap_or_default());
        }
        text.push('\n');
    }
    for knob in ALL {
        section(knob, &mut text);
    }
    text
}

const HEAD: &str = "\
# Knobs

<!-- Written by the test `docs_say_what_the_knobs_do` from crates/plan/src/knob; do not edit. -->

What of a host tailbed sets for a run without a reboot, to keep the cores for packets quiet, and puts back after it. `profile = \"isolated\"` in
an experiment sets a list of them; `[knobs]` sets single ones, or takes them out: `true` is the standard value, `false` leaves a knob alone.
Both can be swept: `--sweep profile=stock,isolated`, `--sweep knobs.thp=always,never`. A profile may be a file of one's own, named by its path.
Nothing of it is used where `isolation = false`.

A knob that this host has not, or that cannot hold here, is left out with the reason where a profile asks for it; where the experiment asks
for it by name, nothing is run and the exit code is 3. So it is when the kernel refuses a value or answers with another than it was given: the
message names the file, what was wanted and what is there, and everything is taken back. What the kernel says is read again when the work of
a run is done; a run under which a value has changed does not count. The results and the report name every knob with what was wanted and what
was read. `tailbed knobs` lists the knobs with what they say on this host.
";

fn value_in(profile: &Profile, knob: &Knob) -> Option<String> {
    use super::wish::Value;
    let (_, value) = profile.knobs.0.iter().find(|(name, _)| name == knob.name)?;
    match value {
        Value::Alone => None,
        Value::Standard => Some(format!("`{}`", knob.standard)),
        Value::Is(value) => Some(format!("`{value}`")),
    }
}

fn section(knob: &Knob, text: &mut String) {
    let manner = &knob.manner;
    let files = knob.files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ");
    let _ = write!(text, "\n## {}\n\n{}\n\n{}\n\n", knob.name, knob.what, knob.why);
    let _ = writeln!(text, "- of: {}; counted in: {}", knob.about.words(), knob.unit);
    let _ = writeln!(text, "- values: {}; standard: `{}`", knob.accepts.words(), knob.standard);
    if !files.is_empty() {
        let _ = writeln!(text, "- files: {files}");
    }
    let _ = writeln!(text, "- read: {}", manner.read);
    let _ = writeln!(text, "- set: {}", manner.set);
    let _ = writeln!(text, "- verified: {}", manner.verified);
    let _ = writeln!(text, "- undone: {}", manner.undone);
    let _ = writeln!(text, "- source: {}", knob.source);
}

/// Each knob's name, what it says on this host, its standard value, and what it does.
pub fn table(settings: &Settings) -> Vec<[String; 4]> {
    let row = |knob: &&Knob| {
        let now = knob.now(settings).unwrap_or_else(|| "-".to_owned());
        [knob.name.to_owned(), now, knob.standard.to_owned(), knob.what.to_owned()]
    };
    ALL.iter().map(row).collect()
}
