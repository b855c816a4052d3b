//! What was varied: each swept key with its values, and the form that hides configurations by them.

use maud::{Markup, html};
use tailbed_format::summary::{CellSummary, Parameter, RunKind};

use super::cells::values;

/// A swept key and its values, in the order they first occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Factor<'a> {
    pub(super) key: &'a str,
    pub(super) values: Vec<&'a str>,
}

impl Factor<'_> {
    /// Whether its values are quantities, such as rates, rather than names.
    pub(super) fn is_quantity(&self) -> bool {
        self.values.iter().all(|value| value.starts_with(|first: char| first.is_ascii_digit()))
    }

    /// A value as the report calls it.
    pub(super) fn name(&self, value: &str) -> String {
        values(&[Parameter { key: self.key.to_owned(), value: value.to_owned() }])
    }
}

/// The factors of the measured cells.
pub(super) fn of<'a>(cells: impl IntoIterator<Item = &'a CellSummary>) -> Vec<Factor<'a>> {
    let mut factors: Vec<Factor<'a>> = Vec::new();
    let measured = cells.into_iter().filter(|cell| cell.kind == RunKind::Measurement);
    for parameter in measured.flat_map(|cell| &cell.parameters) {
        match factors.iter_mut().find(|factor| factor.key == parameter.key) {
            Some(factor) if factor.values.contains(&parameter.value.as_str()) => {}
            Some(factor) => factor.values.push(&parameter.value),
            None => factors.push(Factor { key: &parameter.key, values: vec![&parameter.value] }),
        }
    }
    factors
}

/// A box to tick for each value of each factor that has several. It is of no use without the script, which shows it.
pub(super) fn form(factors: &[Factor<'_>]) -> Markup {
    let varied: Vec<_> = factors.iter().filter(|factor| factor.values.len() > 1).collect();
    if varied.is_empty() {
        return Markup::default();
    }
    html! {
        details.menu #filter hidden {
            summary { "Filter" span #filter-count {} }
            form aria-label="Show configurations by what was varied" {
                @for factor in varied {
                    fieldset {
                        legend { (factor.key) }
                        @for value in &factor.values {
                            label { input type="checkbox" checked data-key=(factor.key) data-value=(value); (named(value)) }
                        }
                    }
                }
                button type="reset" { "Show all" }
            }
        }
    }
}

/// A value as it is called; an empty text is said to be one.
pub(super) fn named(value: &str) -> &str {
    if value.is_empty() { "(none)" } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_varies_can_be_filtered_by() {
        let varied = Factor { key: "nodes.dut.environment", values: vec!["host", "<container>", ""] };
        let fixed = Factor { key: "traffic.frame", values: vec!["64"] };
        let text = form(&[varied, fixed.clone()]).into_string();
        assert_eq!(text.matches("type=\"checkbox\"").count(), 3, "{text}");
        assert!(text.contains("&lt;container&gt;") && text.contains("(none)") && !text.contains("traffic.frame"), "{text}");
        assert_eq!(form(&[fixed]).into_string(), "");
    }
}
