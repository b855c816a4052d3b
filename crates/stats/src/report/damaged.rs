//! What of a results folder could not be read, said before any number is.

use maud::{Markup, html};

/// Thing by thing; nothing where all could be read.
pub(super) fn section(faults: &[String]) -> Markup {
    if faults.is_empty() {
        return Markup::default();
    }
    html! {
        section id="damaged" aria-labelledby="damaged-title" {
            h2 id="damaged-title" { "What could not be read" }
            p.warning role="note" {
                strong { "Not all of this results folder is there or whole." }
                " The page shows the rest."
            }
            ul { @for fault in faults { li { (fault) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::report::example::campaign;
    use crate::report::{ReportInput, html};

    #[test]
    fn faults_are_told_before_the_numbers() {
        let example = campaign();
        let faults = ["runs/0001-<host>-r1/summary.json: it is missing; the run is left out".to_owned()];
        let page = html(&ReportInput { faults: &faults, ..example.input() });
        let told = page.find("runs/0001-&lt;host&gt;-r1/summary.json: it is missing").unwrap();
        assert!(told < page.find("<section id=\"compared\"").unwrap());
        assert!(!html(&example.input()).contains("What could not be read"));
    }
}
