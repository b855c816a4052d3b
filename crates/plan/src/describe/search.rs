//! What a search seeks.

use tailbed_format::throughput::{Bisection, Goal, Method, SearchOrder};
use tailbed_format::unit::{PacketRate, Time};

use crate::plan::Run;

/// A line per goal, then what holds for all.
pub(super) fn table(run: &Run) -> Vec<[String; 2]> {
    let Some(plan) = &run.search else { return Vec::new() };
    let SearchOrder { method, minimum, maximum, time, attempts, latency, latency_trial } = &plan.order;
    let mut rows = match method {
        Method::Mlrsearch(goals) => goals.iter().map(goal).collect(),
        Method::Rfc2544(bisection) => vec![throughput(bisection)],
        Method::BackToBack { throughput: bisection, longest, settle } => {
            let burst = format!(
                "longest burst of {} without loss, up to {}, {} apart",
                PacketRate(*maximum),
                Time(*longest),
                Time(*settle)
            );
            vec![throughput(bisection), row("back-to-back", burst)]
        }
    };
    rows.push(row("rates", format!("{} to {}", PacketRate(*minimum), PacketRate(*maximum))));
    if !run.streams.is_empty() {
        let names: Vec<_> = run.streams.iter().map(|stream| stream.name.as_str()).collect();
        rows.push(row("directions", format!("{} at once, each at the rate", names.join(" and "))));
    }
    rows.push(row("ends", format!("after {}, or when a trial was invalid {attempts} times in a row", Time(*time))));
    if plan.pause > 0 {
        rows.push(row("pause", format!("{} between two trials", Time(plan.pause))));
    }
    if !latency.is_empty() {
        let shares: Vec<_> = latency.iter().map(|share| percent(*share)).collect();
        rows.push(row("latency", format!("at {} of what was found, {} each", shares.join(", "), Time(*latency_trial))));
    }
    rows
}

/// A share in percent without trailing zeros.
fn percent(ppm: u32) -> String {
    let (whole, rest) = (ppm / 10_000, ppm % 10_000);
    if rest == 0 { format!("{whole}%") } else { format!("{whole}.{}%", format!("{rest:04}").trim_end_matches('0')) }
}

fn row(name: &str, what: String) -> [String; 2] {
    [name.to_owned(), what]
}

fn goal(goal: &Goal) -> [String; 2] {
    let Goal { name, loss, exceed, width, initial, trial, sum } = goal;
    let initial = if initial == trial { String::new() } else { format!(", looking around with {}", Time(*initial)) };
    let lost = if *loss == 0 { "nothing".to_owned() } else { format!("at most {}", percent(*loss)) };
    let what = format!(
        "{lost} lost in trials of {}{initial}, {} of {} measured at a load may lose more, to within {}",
        Time(*trial),
        percent(*exceed),
        Time(*sum),
        percent(*width),
    );
    row(name, what)
}

fn throughput(Bisection { trial, width }: &Bisection) -> [String; 2] {
    row("throughput", format!("nothing lost in trials of {}, to within {}", Time(*trial), percent(*width)))
}
