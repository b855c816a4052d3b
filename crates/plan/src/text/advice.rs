//! From what serde says of a wrong key or value to what a reader needs: what was found, where, and what would do.

use toml::de::Error;

use super::error::Fault;
use super::{Span, Texts};

/// What is said in one kind of file and not in another.
pub(crate) struct Wording {
    /// Keys that have no default, each as it may be written.
    pub(crate) required: &'static [(&'static str, &'static str)],
    /// What somebody may have wanted who wrote a list where there can be none.
    pub(crate) list: Option<&'static str>,
}

/// For experiments.
pub(crate) const EXPERIMENT: Wording = Wording {
    required: &[
        ("name", "name = \"first-look\""),
        ("nodes", "[nodes.dut]\nenvironment = \"host\""),
        ("traffic", "[traffic] with a rate and a duration"),
        ("rate", "rate = \"10kpps\""),
        ("duration", "duration = \"5s\""),
        ("max", "max = \"1Mpps\", a rate that the load generator can send"),
        ("loss", "loss = \"0.5%\""),
        ("size", "size = 64"),
        ("weight", "weight = 1"),
        ("from", "from = \"1kpps\""),
        ("to", "to = \"100kpps\""),
        ("rates", "rates = [\"1kpps\", \"10kpps\"]"),
        ("pcap", "pcap = \"traffic.pcap\""),
        ("first", "first = …, the value of the first flow"),
        ("count", "count = 10, the number of values"),
        ("percentile", "percentile = 99.9999"),
        ("below", "below = \"0.5ms\""),
        ("ends", "ends = [\"generator\", \"dut:in\"]"),
    ],
    list: Some("to measure several values, list them in [sweep]: \"traffic.rate\" = [\"10kpps\", \"100kpps\"]"),
};

/// The fault serde found in an experiment.
pub(crate) fn fault(error: &Error, texts: &Texts) -> Fault {
    fault_in(error, texts, &EXPERIMENT)
}

/// The fault serde found. Its texts are serde's own default ones (`serde::de::Error`), the same in every data format.
pub(crate) fn fault_in(error: &Error, texts: &Texts, wording: &Wording) -> Fault {
    let message = error.message();
    let span = error.span().unwrap_or_default();
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return unknown("key", "keys", rest, span);
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return unknown("value", "values", rest, span);
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return missing(rest.trim_matches('`'), span, texts, wording);
    }
    if message.starts_with("wanted exactly 1 element") {
        return Fault::file("exactly one kind is wanted here")
            .at(span, "none, or more than one")
            .help("give the table one kind, for example [environments.small.container]");
    }
    let wrong = ["invalid type: ", "invalid value: "].iter().find_map(|prefix| message.strip_prefix(prefix));
    if let Some((found, expected)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) {
        return wrong_kind(found, expected, span, wording);
    }
    match message.split_once("; ") {
        Some((title, help)) => Fault::file(title).at(span, "cannot be used").help(help),
        None => Fault::file(message).at(span, "cannot be used"),
    }
}

/// In the words of the file, not of the program: serde names Rust types.
fn wrong_kind(found: &str, expected: &str, span: Span, wording: &Wording) -> Fault {
    let expected = match expected {
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more,",
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list",
        expected if expected.starts_with("struct ") => "a table",
        expected => expected,
    };
    let (kind, value) = found.split_once(' ').unwrap_or((found, ""));
    let kind = match kind {
        "integer" | "floating" => "the number",
        "string" => "the text",
        "boolean" => "the switch",
        "sequence" => "a list",
        "map" => "a table",
        kind => kind,
    };
    let value = value.trim_start_matches("point ");
    let found = format!("{kind} {value}");
    let fault = Fault::file(format!("{} stands where {expected} is wanted", found.trim_end())).at(span, "of the wrong kind");
    let number_in_quotes = kind == "the text" && value.trim_matches('"').parse::<u64>().is_ok();
    match kind {
        "a list" => wording.list.into_iter().fold(fault, Fault::help),
        _ if number_in_quotes => fault.help("leave the quotes out"),
        "a table" if expected == "a list" => {
            fault.help("each table of a list has two brackets, like [[slo]] or [[throughput.goals]]")
        }
        _ => fault,
    }
}

/// `found` and what is allowed, as serde lists both: "`frme`, expected one of `frame`, `rate`".
fn unknown(one: &str, many: &str, rest: &str, span: Span) -> Fault {
    let mut names = rest.split('`').skip(1).step_by(2);
    let found = names.next().unwrap_or_default();
    let allowed: Vec<_> = names.collect();
    let fault = suggest(Fault::file(format!("unknown {one} `{found}`")).at(span, "not known here"), found, many, &allowed);
    let has = |name: &str| allowed.contains(&name);
    if !OF_CONTAINERS.contains(&found) || !has("memory") || has("vcpus") {
        return fault;
    }
    let engine =
        if has("template") { "LXC has none; lines of its own go into `config`" } else { "Docker's engine has none like it" };
    fault.help(format!("`{found}` is a setting of `container`: {engine}"))
}

/// Settings of one kind of environment that other kinds would be asked for too.
const OF_CONTAINERS: [&str; 3] = ["hugepages", "masks", "preferred_node"];

/// Adds the nearest of the allowed names, and all of them.
pub(crate) fn suggest(fault: Fault, found: &str, many: &str, allowed: &[&str]) -> Fault {
    let fault = match nearest(found, allowed) {
        Some(name) => fault.help(format!("did you mean `{name}`?")),
        None => fault,
    };
    let names: Vec<_> = allowed.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => fault.help(format!("no {many} are known here")),
        names => fault.help(format!("{many} known here: {}", names.join(", "))),
    }
}

/// The allowed name that the found one is most likely a slip of: at most a third of its letters, and one in any case, may be
/// wrong, missing, too many or swapped with the next (Damerau's four slips).
fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    let slips = |name: &&str| strsim::damerau_levenshtein(&found, name);
    let name = allowed.iter().copied().min_by_key(slips)?;
    (slips(&name) <= (found.chars().count() / 3).max(1)).then_some(name)
}

/// serde's span is that of the table, and for the top of the file that is all of it: its beginning is enough.
fn missing(key: &str, span: Span, texts: &Texts, wording: &Wording) -> Fault {
    let place = if span == (0..texts.file().len()) || span.is_empty() { 0..0 } else { span };
    missing_key(key, place, wording)
}

/// A key that must be there is not.
pub(crate) fn missing_key(key: &str, place: Span, wording: &Wording) -> Fault {
    let example = wording.required.iter().find(|(name, _)| *name == key).map_or(key, |(_, example)| example);
    Fault::file(format!("the key `{key}` is missing")).at(place, "needed here").help(format!("add {example}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_recognised_and_another_word_is_not() {
        let allowed = ["frame", "rate", "duration", "warm_up"];
        assert_eq!(nearest("frme", &allowed), Some("frame"));
        assert_eq!(nearest("wramup", &allowed), Some("warm_up"));
        assert_eq!(nearest("Rate", &allowed), Some("rate"));
        assert_eq!(nearest("colour", &allowed), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
