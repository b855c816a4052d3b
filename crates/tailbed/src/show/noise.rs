//! Noise tests as tables: a row per environment, or a row per core with its distribution beside it.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};
use tailbed_format::noise::{CoreFound, CoreNoise, NoiseCampaign, NoiseFound, NoiseRecord, Test};
use tailbed_format::percentile::Percentile;
use tailbed_format::unit::Time;
use tailbed_stats::noise::label;
use tailbed_stats::plot::number::{count, interval, share, time};

/// Columns of percentiles: 50 %, 99 %, 99.9 % and 99.99 %.
const SHOWN: [Percentile; 4] =
    [Percentile::REPORTED[0], Percentile::REPORTED[2], Percentile::REPORTED[3], Percentile::REPORTED[4]];

/// Bars of a distribution in a line.
const BARS: usize = 24;

/// A campaign: for each kind of test its environments, over all cores and repeats; `fit` breaks lines to the terminal's width.
pub(crate) fn cells(summary: &NoiseCampaign, fit: bool) -> String {
    let mut text = String::new();
    for kind in ["timer", "gaps"] {
        let rows = summary.cells.iter().filter_map(|cell| {
            let pooled = cell.tests.iter().find(|pooled| pooled.test.name() == kind)?;
            let name = Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| summary.name.clone());
            let runs = format!("{}/{}", cell.valid.len(), cell.valid.len() + cell.invalid.len());
            let begin = vec![Cell::new(name), right(runs)];
            Some((pooled.test, begin.into_iter().chain(numbers(&pooled.test, &pooled.all, true)).collect()))
        });
        let rows: Vec<(Test, Vec<Cell>)> = rows.collect();
        let Some((first, _)) = rows.first() else { continue };
        let asked = *first;
        text += &titled(&asked, &["environment", "runs"], rows.into_iter().map(|(_, row)| row), &[], fit);
        text += "over all cores and repeats, beneath each percentile its 95 % interval\n\n";
    }
    text
}

/// One run: for each test its cores, with their distributions.
pub(crate) fn cores(tests: &[NoiseFound], records: &[NoiseRecord], fit: bool) -> String {
    let table = |(found, record): (&NoiseFound, &NoiseRecord)| {
        let axis = record.cores.iter().flat_map(|core| &core.values).map(|(value, _)| *value);
        let (least, most) = (axis.clone().min().unwrap_or(0), axis.max().unwrap_or(0));
        let rows = found.cores.iter().zip(&record.cores).map(|(core, noise)| {
            let name = core.cpu.map_or_else(|| "any".to_owned(), |cpu| cpu.to_string());
            let numbers = numbers(&found.test, core, false);
            [right(name)].into_iter().chain(numbers).chain([Cell::new(bars(noise, least, most))]).collect()
        });
        let scale = if most == 0 { String::new() } else { format!("{} to {}", time(least), time(most)) };
        titled(&found.test, &["core"], rows, &[scale.as_str()], fit)
    };
    tests.iter().zip(records).map(table).collect::<Vec<_>>().join("\n")
}

/// A table with its heading.
fn titled(test: &Test, first: &[&str], rows: impl Iterator<Item = Vec<Cell>>, last: &[&str], fit: bool) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    if fit {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let more: &[&str] = if matches!(test, Test::Gaps { .. }) { &["gaps", "of the time"] } else { &["wake-ups", "overdue"] };
    let titles = first.iter().map(ToString::to_string).chain(SHOWN.map(|percentile| percentile.to_string()));
    let titles = titles.chain(["max"].iter().chain(more).chain(last).map(ToString::to_string));
    table.set_header(titles.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table.add_rows(rows);
    format!("{}\n{table}\n", heading(test))
}

fn heading(test: &Test) -> String {
    match *test {
        Test::Gaps { threshold, duration } => {
            format!("Gaps of {} and more in a loop that never pauses, {} a core", Time(threshold), Time(duration))
        }
        Test::Timer { interval, cycles } => format!("Wake-ups every {}, {} a core: how late", Time(interval), count(cycles)),
    }
}

fn numbers(test: &Test, found: &CoreFound, intervals: bool) -> Vec<Cell> {
    let percentile = |percentile: Percentile| match found.distribution.at(percentile) {
        Some(tailbed_format::summary::Estimate::Value { value, low, high }) => {
            let beneath = interval(*low, *high).filter(|_| intervals).map_or_else(String::new, |text| format!("\n{text}"));
            right(format!("{}{beneath}", time(*value)))
        }
        _ => right("–".to_owned()),
    };
    let maximum = right(found.distribution.maximum.map_or_else(|| "none".to_owned(), time));
    let more = match test {
        Test::Gaps { .. } => [count(found.distribution.count), share(found.sum, found.span)],
        Test::Timer { .. } => [count(found.turns), count(found.overdue)],
    };
    SHOWN.map(percentile).into_iter().chain([maximum]).chain(more.map(right)).collect()
}

/// How often what length came: each bar is a part of a logarithmic axis from the least to the most, as high as the logarithm of how many.
fn bars(core: &CoreNoise, least: u64, most: u64) -> String {
    let levels = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut counts = [0_u64; BARS];
    let (low, span) = (logarithm(least), (logarithm(most) - logarithm(least)).max(f64::MIN_POSITIVE));
    for (value, times) in &core.values {
        counts[place((logarithm(*value) - low) / span, BARS)] += times;
    }
    let highest = counts.iter().copied().max().unwrap_or(0);
    let bar = |times: &u64| match times {
        0 => ' ',
        times => levels[place(logarithm(*times + 1) / logarithm(highest + 1), levels.len())],
    };
    counts.iter().map(bar).collect()
}

fn logarithm(value: u64) -> f64 {
    (value.max(1) as f64).ln()
}

/// The part, of so many, that a share from 0 to 1 falls into.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and cut to the number of parts")]
fn place(share: f64, parts: usize) -> usize {
    ((share * parts as f64) as usize).min(parts - 1)
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn core(values: &[(u64, u64)]) -> CoreNoise {
        CoreNoise { cpu: Some(1), values: values.to_vec(), worst: Vec::new(), span: 1, turns: 1, overdue: 0, unlisted: 0 }
    }

    #[test]
    fn the_ends_of_a_distribution_are_the_ends_of_its_line() {
        let line = bars(&core(&[(1_000, 1_000_000), (1_000_000, 1)]), 1_000, 1_000_000);
        assert_eq!(line.chars().count(), BARS);
        assert!(line.starts_with('█') && line.ends_with('▁'), "{line}");
        assert_eq!(line.trim_matches(['█', '▁']).trim(), "");
    }

    #[test]
    fn a_core_that_was_never_disturbed_has_an_empty_line() {
        assert_eq!(bars(&core(&[]), 0, 0).trim(), "");
        assert_eq!(bars(&core(&[(5, 3)]), 5, 5).trim(), "█");
    }
}
