//! Reports that are text: Markdown, comma-separated values, tables for LaTeX.

use tailbed_stats::compare;
use tailbed_stats::report::several::{SideInput, answer_of, source_of, tables_of, verdicts};
use tailbed_stats::report::table::{self, Headline, tidy};

use super::side::Side;

/// Headlines and tables; of several, what may be said of each later campaign beside the first.
pub(super) fn markdown(sides: &[Side], several: bool) -> String {
    let mut texts = Vec::new();
    for side in sides {
        let (input, faults) = (side.input(), side.faults(false));
        let headline = Headline {
            title: side.title(),
            source: &source_of(&input),
            answer: answer_of(&input),
            faults: &faults,
            level: if several { 2 } else { 1 },
        };
        texts.push(table::markdown(&headline, &tables_of(&input)));
    }
    let inputs: Vec<SideInput<'_>> = sides.iter().map(Side::input).collect();
    let compared = verdicts(&inputs);
    texts.extend(compared.iter().map(|verdicts| compare::markdown(&verdicts.comparison, &verdicts.machines)));
    texts.concat()
}

/// Every figure of every folder.
pub(super) fn csv(sides: &[Side]) -> String {
    tidy::csv(&sides.iter().flat_map(Side::figures).collect::<Vec<_>>())
}

/// Every table of every folder; of several, each says whose it is.
pub(super) fn latex(sides: &[Side]) -> String {
    let tables = sides.iter().flat_map(|side| {
        let mut tables = tables_of(&side.input());
        if sides.len() > 1 {
            for table in &mut tables {
                table.caption = format!("{}: {}", side.name, table.caption);
            }
        }
        tables
    });
    table::latex(&tables.collect::<Vec<_>>())
}
