//! Words of a command line, so that it can be pasted into a shell.

/// A word as a POSIX shell reads it back: as it is, or within single quotes.
pub(crate) fn quote(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "/._-+=:,".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_it_is_quoted() {
        assert_eq!(quote("traffic.rate=10kpps,100kpps"), "traffic.rate=10kpps,100kpps");
        assert_eq!(quote("why?"), "'why?'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
