//! Lines of text: their tones, and what is done where they are too long.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Dim,
    Good,
    Warn,
    Bad,
    /// The instrument's floor in a drawing.
    Floor,
    Chip,
    GoodChip,
    BadChip,
}

impl Tone {
    /// In colours, or without: then only by weight, since colour alone would be lost.
    pub(super) fn style(self, colour: bool) -> Style {
        let style = Style::new();
        let coloured = |style: Style, of: Color| if colour { style.fg(of) } else { style };
        match self {
            Self::Plain => style,
            Self::Strong => style.add_modifier(Modifier::BOLD),
            Self::Dim => style.add_modifier(Modifier::DIM),
            Self::Good => coloured(style, Color::Green),
            Self::Warn => coloured(style, Color::Yellow),
            Self::Bad => coloured(style.add_modifier(Modifier::BOLD), Color::Red),
            Self::Floor => coloured(style.add_modifier(Modifier::BOLD), Color::Cyan),
            Self::Chip => style.add_modifier(Modifier::REVERSED),
            Self::GoodChip => coloured(style.add_modifier(Modifier::REVERSED), Color::Green),
            Self::BadChip => coloured(style.add_modifier(Modifier::REVERSED), Color::Red),
        }
    }
}

/// A text in so many characters, its end replaced where it is longer.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain("…".chars().take(width)).collect()
}

/// A text in lines of so many characters, broken between words, and so many lines at most.
pub(super) fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(last) = lines.last_mut() else { break };
        let empty = last.is_empty();
        if empty || last.chars().count() + 1 + word.chars().count() <= width {
            *last += if empty { "" } else { " " };
            *last += word;
        } else {
            lines.push(word.to_owned());
        }
    }
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(rest);
    }
    lines.into_iter().map(|line| cut(&line, width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_says_so() {
        assert_eq!(cut("first-look", 10), "first-look");
        assert_eq!(cut("first-look", 6), "first…");
        assert_eq!((cut("first", 1), cut("first", 0)), ("…".to_owned(), String::new()));
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("what does a container cost", 10, 9), ["what does", "a", "container", "cost"]);
        assert_eq!(wrapped("what does a container cost", 10, 2), ["what does", "a contain…"]);
        assert_eq!(wrapped("", 10, 2), [""]);
    }
}
