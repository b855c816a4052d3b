//! Words of a command line, so that it can be pasted into a shell.

/// A word as a POSIX shell reads it back: as it is, or within single quotes.
pub(crate) fn quote(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "/._-+=:,".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The command that carries out an experiment file with these `--set` and `--sweep` options.
pub(crate) fn command_line(file: &str, set: &[String], sweep: &[String]) -> String {
    let options = [("--set", set), ("--sweep", sweep)];
    let options = options.iter().flat_map(|(name, values)| values.iter().map(move |value| format!(" {name} {}", quote(value))));
    format!("tailbed run {}{}", quote(file), options.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_can_be_pasted() {
        let set = ["traffic.rate=50kpps".to_owned(), "question=why?".to_owned()];
        let expected = "tailbed run first-look.toml --set traffic.rate=50kpps --set 'question=why?' --sweep traffic.frame=64,128";
        assert_eq!(command_line("first-look.toml", &set, &["traffic.frame=64,128".to_owned()]), expected);
    }

    #[test]
    fn only_what_needs_it_is_quoted() {
        assert_eq!(quote("traffic.rate=10kpps,100kpps"), "traffic.rate=10kpps,100kpps");
        assert_eq!(quote("why?"), "'why?'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
