//! `cargo xtask coverage`: how often the intervals of simulated campaigns hold the truth, and how often something is claimed that is not
//! so. What is simulated are latencies; all that is done with them is done as for a campaign that was measured.

mod shape;
mod simulated;
mod table;
mod tally;

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::Context;
use clap::Args;

use shape::Shape;
use simulated::Size;
use tally::{Tally, tally};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Simulated campaigns of each shape and number of repeats
    #[arg(long, default_value_t = 2_000)]
    campaigns: u64,
    /// Packets of each run
    #[arg(long, default_value_t = 20_000)]
    packets: usize,
    /// Numbers of repeats, a table for each
    #[arg(long, value_delimiter = ',', default_value = "3,5,10")]
    repeats: Vec<u32>,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulate in this build, as slow as it may be, instead of an optimised one
    #[arg(long)]
    here: bool,
    /// Where the tables are written to
    #[arg(long, default_value = "docs/coverage.md")]
    output: PathBuf,
}

/// The tallies of all shapes, for one number of repeats.
struct Results {
    size: Size,
    shapes: Vec<(Shape, Tally)>,
}

/// Simulates, and writes the tables.
pub(crate) fn coverage(arguments: &Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(arguments.repeats.iter().all(|repeats| *repeats >= 2), "--repeats: there is nothing between fewer than two");
    if cfg!(debug_assertions) && !arguments.here {
        return optimised();
    }
    let results: Vec<Results> =
        arguments.repeats.iter().map(|repeats| simulate(arguments, *repeats)).collect::<anyhow::Result<_>>()?;
    let text = table::markdown(arguments, &results);
    std::fs::write(&arguments.output, &text).with_context(|| format!("cannot write {}", arguments.output.display()))?;
    println!("{text}");
    Ok(())
}

/// The same command again, by an optimised build: billions of packets are made.
fn optimised() -> anyhow::Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--release", "--locked", "--package", "xtask", "--"]).args(std::env::args_os().skip(1));
    let status = command.status().with_context(|| format!("cannot start {}", env!("CARGO")))?;
    anyhow::ensure!(status.success(), "the optimised build of it ended with {status}");
    Ok(())
}

/// Each shape is a thread's, so that all cores have something to do.
fn simulate(arguments: &Arguments, repeats: u32) -> anyhow::Result<Results> {
    let size = Size { repeats, packets: arguments.packets };
    let (campaigns, seed) = (arguments.campaigns, arguments.seed);
    let threads: Vec<_> =
        Shape::ALL.into_iter().map(|shape| (shape, thread::spawn(move || tally(shape, size, campaigns, seed)))).collect();
    let shapes = threads.into_iter().map(|(shape, thread)| match thread.join() {
        Ok(tally) => Ok((shape, tally)),
        Err(_) => Err(anyhow::anyhow!("the simulation of {} came to no end", shape.name())),
    });
    Ok(Results { size, shapes: shapes.collect::<anyhow::Result<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::tally::Share;
    use super::*;

    /// Few campaigns of short runs, always the same ones: all intervals from p50 to p99 together hold the truth 87 to 99 % of the time, and a
    /// difference is claimed in 5 % of campaigns and what chance adds to that.
    #[test]
    fn intervals_hold_the_truth_and_claims_are_rarely_false() {
        let size = Size { repeats: 5, packets: 2_000 };
        let threads: Vec<_> = Shape::ALL.into_iter().map(|shape| thread::spawn(move || tally(shape, size, 8, 7))).collect();
        let tallies: Vec<Tally> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let sum = |of: &dyn Fn(&Tally) -> Share| {
            let add = |sum: Share, share: Share| Share { of: sum.of + share.of, are: sum.are + share.are };
            tallies.iter().map(of).fold(Share::default(), add)
        };
        for at in 0..3 {
            let held = sum(&|tally| tally.held[at].between);
            assert_eq!(held.of, 96);
            // 95 % of 96, less three and a half standard deviations of such a share; and not all of them
            assert!((0.87..=0.99).contains(&held.value().unwrap()), "{at}: {held:?}");
        }
        let claimed = sum(&|tally| tally.false_verdicts);
        assert!(claimed.are <= 7, "{claimed:?}: 5 % of 48 are 2.4, and three standard deviations 4.5 more");
        let bimodal = tallies[2].held[0];
        assert!(bimodal.order_statistics.value().unwrap() < 0.5, "order statistics do not see that runs differ: {bimodal:?}");
    }
}
