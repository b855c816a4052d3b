//! What a run asks of cores, and what keeps them busy meanwhile.

use tailbed_format::noise::{Load, Noise, Test};
use tailbed_format::order::Order;
use tailbed_format::unit::Time;

use crate::drawing::cores;
use crate::plan::Run;

/// A line per test, and one for the load.
pub(super) fn table(run: &Run) -> Vec<[String; 2]> {
    let row = |order: &Order| match order {
        Order::Noise(noise) => Some(test(noise)),
        Order::Load(load) => Some(["load".to_owned(), busy(load)]),
        _ => None,
    };
    run.agents.iter().filter_map(|agent| row(&agent.order)).collect()
}

fn test(noise: &Noise) -> [String; 2] {
    let said = match noise.test {
        Test::Gaps { threshold, duration } => {
            format!("of {} and more, each core watched for {}", Time(threshold), Time(duration))
        }
        Test::Timer { interval, cycles } => format!("{cycles} wake-ups every {}", Time(interval)),
    };
    [noise.test.name().to_owned(), said]
}

fn busy(load: &Load) -> String {
    let work: Vec<_> = load.work.iter().map(ToString::to_string).collect();
    format!("{} on {}", work.join(", "), cores(&load.scheduling))
}
