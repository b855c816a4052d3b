//! Which characters the terminal can show.

use std::ffi::OsString;

/// What drawings are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// Block elements and box drawings (Unicode, 2500 to 259F).
    Blocks,
    /// ASCII alone.
    Ascii,
}

impl Charset {
    /// By the environment variables that say what the terminal can.
    pub(crate) fn of_environment() -> Self {
        Self::by(|name| std::env::var_os(name))
    }

    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set and not empty says the encoding (locale(7)). The console of Linux reads UTF-8 but
    /// has no font with eighths of blocks, and a dumb terminal promises nothing.
    fn by(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| variable(name).map(|value| value.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        if ["linux", "dumb"].contains(&text("TERM").as_str()) {
            return Self::Ascii;
        }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(text).into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        if locale.contains("utf-8") || locale.contains("utf8") { Self::Blocks } else { Self::Ascii }
    }

    /// Heights of a bar, least first.
    pub(crate) fn levels(self) -> [char; 8] {
        match self {
            Self::Blocks => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Self::Ascii => ['.', ':', '-', '=', '+', '*', '%', '#'],
        }
    }

    /// Points up at a place in the line above.
    pub(crate) fn pointer(self) -> char {
        match self {
            Self::Blocks => '▴',
            Self::Ascii => '^',
        }
    }

    /// Stands for a place in a line.
    pub(crate) fn mark(self) -> char {
        match self {
            Self::Blocks => '┊',
            Self::Ascii => '|',
        }
    }

    /// A text of ours in these characters: letters and signs that we use have a counterpart of the same width, others are left alone.
    pub(crate) fn fitting(self, text: &str) -> String {
        match self {
            Self::Blocks => text.to_owned(),
            Self::Ascii => text.chars().map(plain).collect(),
        }
    }
}

/// The ASCII counterpart of a character that tailbed prints.
fn plain(character: char) -> char {
    match character {
        'µ' => 'u',
        '\u{a0}' | '\u{202f}' => ' ',
        '–' | '−' | '─' | '—' => '-',
        '│' | '┊' | '╎' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '✓' => '+',
        '▴' | '↑' => '^',
        '↓' => 'v',
        '←' => '<',
        '→' | '▶' => '>',
        '·' | '░' => '.',
        '×' | '✗' => 'x',
        '…' => '~',
        '█' => '#',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(variables: &[(&str, &str)]) -> Charset {
        Charset::by(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_locale_says_what_can_be_shown() {
        assert_eq!(by(&[]), Charset::Ascii);
        assert_eq!(by(&[("LANG", "C.UTF-8")]), Charset::Blocks);
        assert_eq!(by(&[("LANG", "C.UTF-8"), ("LC_ALL", "C")]), Charset::Ascii);
        assert_eq!(by(&[("LANG", "C"), ("LC_CTYPE", "en_GB.utf8"), ("LC_ALL", "")]), Charset::Blocks);
        assert_eq!(by(&[("LANG", "en_GB.UTF-8"), ("TERM", "linux")]), Charset::Ascii);
    }

    #[test]
    fn plain_text_is_ascii_and_as_wide() {
        let text = "1.63–1.67\u{a0}µs · 1\u{202f}000 ▴ │─┼┌ ↑↓←→ −340 ns";
        let plain = Charset::Ascii.fitting(text);
        assert!(plain.is_ascii(), "{plain}");
        assert_eq!(plain.chars().count(), text.chars().count());
        assert_eq!(Charset::Blocks.fitting(text), text);
    }
}
