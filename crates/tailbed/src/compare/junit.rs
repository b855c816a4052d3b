//! The conditions as test cases. Names are the same from one campaign to the next, so that whoever collects them sees one test over time.

use anyhow::Context;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use tailbed_stats::compare::gate::Outcome;

use super::Verdicts;
use crate::failure::Failure;

/// A case for each condition in each cell; one that cannot be decided is skipped, or with `strict` fails.
pub(super) fn junit(verdicts: &Verdicts<'_>, strict: bool) -> Result<String, Failure> {
    let mut suite = TestSuite::new(verdicts.experiment);
    for (label, judged) in verdicts.judged() {
        let mut status = match judged.outcome {
            Outcome::Held => TestCaseStatus::success(),
            Outcome::Undecided if !strict => TestCaseStatus::skipped(),
            Outcome::Undecided | Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        let open = if judged.outcome == Outcome::Undecided { "cannot be decided: " } else { "" };
        status.set_message(format!("{open}{}{}", judged.why, verdicts.mark));
        let mut case = TestCase::new(format!("{label}not {}", judged.condition), status);
        case.set_classname(verdicts.experiment);
        suite.add_test_case(case);
    }
    let mut report = Report::new(verdicts.experiment);
    report.add_test_suite(suite);
    Ok(report.to_string().context("cannot write the JUnit report")?)
}
