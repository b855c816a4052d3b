//! What a file's name says of it: `rate{rate}-repeat{repeat}`.
//!
//! A pattern is compared with the end of a path: with the name of the file, and with as many folders above it as the pattern has
//! slashes. `{key}` stands for one sign or more, as few as will do, without a slash and not beginning with a full stop; `{key:a|b}` for one of the given words. What follows
//! the pattern in the file's name may only be its ending, from a full stop on. The key `repeat` numbers a cell's repeats; all others
//! are parameters.

use std::str::FromStr;

use tailbed_format::summary::Parameter;

/// The key that numbers repeats.
pub const REPEAT: &str = "repeat";

/// A pattern of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Key { key: String, words: Vec<String> },
}

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// The parameters, in the pattern's order.
    pub parameters: Vec<Parameter>,
    /// Which repeat, where the pattern has [`REPEAT`].
    pub repeat: Option<String>,
}

impl Pattern {
    /// What a path says, with `/` between its folders; `None` when the pattern does not fit it.
    pub fn of(&self, path: &str) -> Option<Named> {
        let end = self.tail(path)?;
        let mut found = Vec::new();
        if !fits(&self.parts, end, &mut found) {
            return None;
        }
        let mut named = Named::default();
        for (key, value) in found {
            if key == REPEAT {
                named.repeat = Some(value);
            } else {
                named.parameters.push(Parameter { key, value });
            }
        }
        Some(named)
    }

    /// As much of a path's end as the pattern looks at; `None` when the path has too few folders.
    pub fn tail<'a>(&self, path: &'a str) -> Option<&'a str> {
        let folders =
            self.parts.iter().map(|part| if let Part::Literal(text) = part { text.matches('/').count() } else { 0 }).sum();
        let slashes = path.rmatch_indices('/').map(|(at, _)| at);
        match slashes.clone().nth(folders) {
            Some(at) => Some(&path[at + 1..]),
            None => (slashes.count() == folders).then_some(path),
        }
    }
}

/// Whether the parts fit the whole text, the last of them up to the file's ending; what each key stands for.
fn fits(parts: &[Part], text: &str, found: &mut Vec<(String, String)>) -> bool {
    let Some((part, rest)) = parts.split_first() else { return text.is_empty() || text.starts_with('.') };
    match part {
        Part::Literal(literal) => text.strip_prefix(literal.as_str()).is_some_and(|text| fits(rest, text, found)),
        // the file's ending is no value
        Part::Key { .. } if text.starts_with('.') => false,
        Part::Key { key, words } => {
            let within = text.find('/').unwrap_or(text.len());
            let ends = text.char_indices().map(|(at, sign)| at + sign.len_utf8()).filter(|end| *end <= within);
            let allowed = |end: &usize| words.is_empty() || words.iter().any(|word| *word == text[..*end]);
            for end in ends.filter(allowed) {
                found.push((key.clone(), text[..end].to_owned()));
                if fits(rest, &text[end..], found) {
                    return true;
                }
                found.pop();
            }
            false
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("`{text}` is no pattern of names: {what}; write such as rate{{rate}}-repeat{{repeat}}");
        let mut parts = Vec::new();
        let mut keys: Vec<&str> = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (literal, inner) = (&rest[..at], &rest[at + 1..]);
            let end = inner.find('}').ok_or_else(|| wrong("a `{` is not closed"))?;
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            } else if matches!(parts.last(), Some(Part::Key { words, .. }) if words.is_empty()) {
                return Err(wrong("nothing stands between two keys, so nobody knows where the first ends"));
            }
            let (key, words) = inner[..end].split_once(':').unwrap_or((&inner[..end], ""));
            if key.is_empty() || keys.contains(&key) {
                return Err(wrong(if key.is_empty() { "a key has no name" } else { "a key stands in it twice" }));
            }
            keys.push(key);
            let words = words.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            parts.push(Part::Key { key: key.to_owned(), words });
            rest = &inner[end + 1..];
        }
        if keys.is_empty() {
            return Err(wrong("it has no key in braces"));
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        if keys.len() > MOST_KEYS {
            return Err(wrong("it has more keys than a name can tell apart"));
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

/// A name is tried in all ways to divide it among the keys: with more than these it would take long.
const MOST_KEYS: usize = 8;

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(pattern: &str, path: &str) -> Option<String> {
        let named = pattern.parse::<Pattern>().unwrap().of(path)?;
        let parameters = named.parameters.iter().map(|parameter| format!("{}={}", parameter.key, parameter.value));
        let repeat = named.repeat.map(|repeat| format!("repeat {repeat}"));
        Some(parameters.chain(repeat).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn names_say_what_they_hold() {
        let path = "published/bare-metal-nohz-non-optimized/rate10000-repeat2.percentiles.csv";
        assert_eq!(said("rate{rate}-repeat{repeat}", path).as_deref(), Some("rate=10000 repeat 2"));
        let whole = "{environment}-{kernel:vanilla|nohz|rt}-{tuning}/rate{rate}-repeat{repeat}";
        let told = "environment=bare-metal kernel=nohz tuning=non-optimized rate=10000 repeat 2";
        assert_eq!(said(whole, path).as_deref(), Some(told));
        assert_eq!(said(whole, "rate10000-repeat2.percentiles.csv"), None, "too few folders");
        assert_eq!(said("rate{rate}-repeat{repeat}", "rate10000-repeat.csv"), None, "a key stands for one sign or more");
        assert_eq!(said("rate{rate}", "rate10000-repeat2.csv").as_deref(), Some("rate=10000-repeat2"));
        assert_eq!(said("x{a}y", "x1y2.csv"), None, "what follows is no ending");
    }

    #[test]
    fn wrong_patterns_say_why() {
        for (pattern, why) in [
            ("rate", "no key in braces"),
            ("{a", "is not closed"),
            ("{}", "has no name"),
            ("{a}-{a}", "twice"),
            ("{a}{b}", "nothing stands between"),
            ("{a}.{b}.{c}.{d}.{e}.{f}.{g}.{h}.{i}", "more keys"),
        ] {
            let error = pattern.parse::<Pattern>().unwrap_err();
            assert!(error.contains(why), "{pattern}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out(rate in 1_u32..10_000_000, repeat in 0_u32..100, folder in "[a-z]{1,8}") {
            let path = format!("{folder}/rate{rate}-repeat{repeat}.csv");
            let told = said("{where}/rate{rate}-repeat{repeat}", &path).unwrap();
            prop_assert_eq!(told, format!("where={folder} rate={rate} repeat {repeat}"));
        }

        #[test]
        fn nothing_panics(pattern in "\\PC{0,30}", path in "\\PC{0,40}") {
            if let Ok(pattern) = pattern.parse::<Pattern>() {
                let _ = pattern.of(&path);
            }
        }
    }
}
