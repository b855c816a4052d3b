//! A search, trial by trial: the rate of each, what it showed, and how the bounds came closer; the whole of it, and below what lies near
//! the bounds.

use std::fmt::Write as _;

use tailbed_format::throughput::{Purpose, Trial};

use super::axis::Axis;
use super::frame::{Frame, Legend, WIDTH};
use super::svg::{Path, Svg};
use super::theme::Style;
use super::{Figure, csv_field, empty, number};

/// Height of the area between the axes, pixels.
const HEIGHT: f64 = 240.0;

/// Distance between the whole search and the part near the bounds, pixels.
const BETWEEN: f64 = 84.0;

/// What a trial showed, as far as its colour tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Carried,
    Partly,
    Lost,
    Invalid,
    Latency,
}

impl Verdict {
    const ALL: [Self; 5] = [Self::Carried, Self::Partly, Self::Lost, Self::Invalid, Self::Latency];

    fn of(trial: &Trial, goals: usize) -> Self {
        match trial.purpose {
            _ if !trial.is_valid() => Self::Invalid,
            Purpose::Latency(_) => Self::Latency,
            _ if trial.exceeded.is_empty() => Self::Carried,
            _ if trial.exceeded.len() < goals => Self::Partly,
            _ => Self::Lost,
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Carried => Style::Series(0),
            Self::Lost => Style::Series(1),
            Self::Partly => Style::Series(4),
            Self::Latency => Style::Series(2),
            Self::Invalid => Style::Floor,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::Partly => "more lost than one goal allows",
            Self::Lost => "more lost than any goal allows",
            Self::Invalid => "invalid, not counted",
            Self::Latency => "latency",
        }
    }
}

/// Draws a search for goals of these names, in their order.
pub fn search(goals: &[String], trials: &[Trial]) -> Figure {
    let csv = table(goals, trials);
    let rates = || trials.iter().map(|trial| trial.rate as f64);
    if trials.is_empty() {
        return empty("search", "A search, without trials", csv);
    }
    let (least, greatest) = (rates().fold(f64::INFINITY, f64::min), rates().fold(1.0, f64::max));
    let verdict = |trial: &Trial| Verdict::of(trial, goals.len());
    let shown = Verdict::ALL.into_iter().filter(|shown| trials.iter().any(|trial| verdict(trial) == *shown));
    let legend = Legend::new(shown.map(|verdict| (verdict.style(), verdict.name())));
    let top = legend.height + 34.0;
    let x = Axis::numbers(trials.len() as f64 + 1.0, 10.0);
    let frame = |top: f64, y: Axis| Frame { left: 74.0, right: WIDTH - 24.0, top, bottom: top + HEIGHT, x: x.clone(), y };
    let near = near(trials);
    let height = top + HEIGHT + if near.is_some() { BETWEEN + HEIGHT } else { 0.0 };
    let mut svg = Svg::new(WIDTH, height + 50.0, &describe(trials));
    legend.draw(&mut svg);
    let whole = frame(top, Axis::log_rate(least * 0.97, greatest * 1.03, 8));
    svg.announce("search", &whole);
    draw(&mut svg, &whole, "the whole search", goals.len(), trials);
    if let Some((least, greatest)) = near {
        let frame = frame(top + HEIGHT + BETWEEN, Axis::linear_rate(least, greatest, 6.0));
        let near: Vec<Trial> = trials.iter().filter(|trial| frame.y.holds(trial.rate as f64)).cloned().collect();
        draw(&mut svg, &frame, "near the bounds", goals.len(), &near);
    }
    Figure { svg, csv }
}

/// The rates around the bounds that were found in the end, where there are any: four times as far as they lie apart.
fn near(trials: &[Trial]) -> Option<(f64, f64)> {
    let end = trials.iter().rfind(|trial| trial.purpose == Purpose::Load)?;
    let bounds = || end.bounds.iter().flat_map(|bounds| [bounds.lower, bounds.upper]).flatten().map(|bound| bound as f64);
    let (least, greatest) = (bounds().fold(f64::INFINITY, f64::min), bounds().fold(0.0, f64::max));
    let margin = 1.5 * (greatest - least);
    (least < greatest).then_some(((least - margin).max(0.0), greatest + margin))
}

/// Axes, bounds and trials.
fn draw(svg: &mut Svg, frame: &Frame, panel: &str, goals: usize, trials: &[Trial]) {
    svg.begin_panel(panel, frame);
    frame.draw_y(svg);
    frame.draw_x(svg);
    frame.name_y(svg, "Packets per second");
    frame.name_x(svg, "Trial");
    for goal in 0..goals {
        for upper in [false, true] {
            draw_bound(svg, frame, trials, goal, upper);
        }
    }
    for verdict in Verdict::ALL {
        let mut own = trials.iter().filter(|trial| Verdict::of(trial, goals) == verdict).peekable();
        if own.peek().is_none() {
            continue;
        }
        let style = verdict.style();
        svg.begin_series(verdict.name(), style);
        for trial in own {
            let at = (f64::from(trial.number), trial.rate as f64);
            let outline = style.marker(frame.at(at.0, at.1), 3.8);
            svg.point(&format!("mark {}", style.class()), &outline, at, &title(trial));
        }
        svg.end();
    }
    svg.end();
}

/// The bound of a goal as a line of steps, from where it was first known.
fn draw_bound(svg: &mut Svg, frame: &Frame, trials: &[Trial], goal: usize, upper: bool) {
    let mut path = Path::default();
    let mut last = None;
    for trial in trials.iter().filter(|trial| trial.purpose == Purpose::Load) {
        let bounds = trial.bounds.get(goal).copied().unwrap_or_default();
        let bound = if upper { bounds.upper } else { bounds.lower };
        let x = frame.across(f64::from(trial.number));
        match (last, bound) {
            (None, Some(bound)) => path.move_to((x, frame.down(bound as f64))),
            (Some(_), Some(bound)) => {
                path.across_to(x);
                path.down_to(frame.down(bound as f64));
            }
            (_, None) => {}
        }
        last = bound;
    }
    let style = if goal == 0 { "thin" } else { "thin dotted" };
    svg.path(&format!("{} {style}", if upper { "s1" } else { "s0" }), &path);
}

fn title(trial: &Trial) -> String {
    let what = match trial.loss_ratio() {
        _ if !trial.is_valid() => trial.invalid.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Some(_) => format!("{} of {} lost", number::count(trial.counts.lost), number::count(trial.counts.sent)),
        None => "nothing sent".to_owned(),
    };
    format!("trial {}, {} for {}: {what}", trial.number, number::rate(trial.rate), number::time(trial.duration))
}

fn describe(trials: &[Trial]) -> String {
    let valid = trials.iter().filter(|trial| trial.is_valid()).count();
    format!("A search of {} trials, {valid} of which count, by their rates.", trials.len())
}

/// A line per trial.
fn table(goals: &[String], trials: &[Trial]) -> String {
    let mut csv = "trial,at_ns,purpose,packets_per_second,duration_ns,sent,lost,verdict".to_owned();
    for goal in goals {
        let goal = csv_field(goal).replace(' ', "_");
        let _ = write!(csv, ",{goal}_lower,{goal}_upper");
    }
    csv.push('\n');
    for trial in trials {
        let purpose = match trial.purpose {
            Purpose::Load => "load".to_owned(),
            Purpose::Burst => "burst".to_owned(),
            Purpose::Latency(share) => format!("latency at {share} ppm"),
        };
        let verdict = Verdict::of(trial, goals.len()).name();
        let Trial { number, at, rate, duration, counts, .. } = trial;
        let _ = write!(csv, "{number},{at},{purpose},{rate},{duration},{},{},{}", counts.sent, counts.lost, csv_field(verdict));
        for goal in 0..goals.len() {
            let bounds = trial.bounds.get(goal).copied().unwrap_or_default();
            let text = |bound: Option<u64>| bound.map_or_else(String::new, |bound| bound.to_string());
            let _ = write!(csv, ",{},{}", text(bounds.lower), text(bounds.upper));
        }
        csv.push('\n');
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_drawn_trial_by_trial() {
        let campaign = crate::search::summary::tests::example();
        let run = &campaign.runs[0];
        let goals: Vec<String> = run.goals.iter().map(|found| found.goal.name.clone()).collect();
        let figure = search(&goals, &run.log);
        insta::assert_snapshot!("search.svg", figure.standalone());
        insta::assert_snapshot!("search.csv", figure.csv());
        assert!(roxmltree::Document::parse(&figure.standalone()).is_ok());
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert_eq!(search(&[], &[]).csv().lines().count(), 1);
    }
}
