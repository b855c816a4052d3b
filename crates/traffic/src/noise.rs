//! Noise tests: what a core takes away from a loop that never pauses, and how late it wakes a thread that sleeps.
//!
//! Both keep every value they see in memory that was taken and touched before: while a test runs nothing is allocated and no lock is
//! taken, and the only system call is the timer's sleep. What the values amount to is worked out afterwards.

mod gaps;
mod tally;
mod timer;

use tailbed_format::noise::{CoreNoise, MOST_CYCLES, Test};

use crate::clock::Tsc;
use crate::stop::Stop;
use gaps::Watch;
use timer::Monotonic;

/// A test could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoiseError {
    /// It would see nothing, or never end.
    #[error("a noise test that {0} cannot be made; the least of each is 1, and the most cycles are {MOST_CYCLES}")]
    Order(String),
    /// The values do not fit into memory.
    #[error("the {0} values of a noise test do not fit into memory; ask for fewer cycles or fewer cores at a time")]
    TooMany(u64),
    /// Told to stop before it was over.
    #[error("the noise test was stopped before it was over")]
    Stopped,
    /// The clock cannot be used.
    #[error("the monotonic clock did not move during the noise test; the host's clocksource is broken")]
    NoTime,
    /// The kernel does not let a thread sleep until a time.
    #[error("the kernel refuses to sleep until an absolute time (clock_nanosleep(2)): {0}")]
    Sleep(String),
}

/// A test with all the memory it will need.
#[derive(Debug)]
pub struct Prepared(Kind);

#[derive(Debug)]
enum Kind {
    Gaps(Watch),
    Timer(timer::Timer),
}

/// Takes and touches the memory.
///
/// # Errors
/// [`NoiseError::Order`] when the test would see nothing or is too long, [`NoiseError::TooMany`] when there is no memory for it.
pub fn prepare(test: &Test) -> Result<Prepared, NoiseError> {
    match *test {
        Test::Gaps { threshold, duration } if threshold == 0 || duration == 0 => {
            Err(NoiseError::Order(format!("looks for gaps of {threshold} ns for {duration} ns")))
        }
        Test::Timer { interval, cycles } if interval == 0 || cycles == 0 || cycles > MOST_CYCLES => {
            Err(NoiseError::Order(format!("sleeps {cycles} times for {interval} ns")))
        }
        Test::Gaps { threshold, duration } => Ok(Prepared(Kind::Gaps(Watch::new(threshold, duration)?))),
        Test::Timer { interval, cycles } => Ok(Prepared(Kind::Timer(timer::Timer::new(interval, cycles)?))),
    }
}

impl Prepared {
    /// Makes the test on the core that the calling thread is on, which is told as `cpu`.
    ///
    /// # Errors
    /// [`NoiseError::Stopped`] when it was stopped; when the clocks or the kernel are of no use.
    pub fn run(self, cpu: Option<usize>, stop: &Stop) -> Result<CoreNoise, NoiseError> {
        let noise = match self.0 {
            Kind::Gaps(watch) => watch.run(&Tsc, stop),
            Kind::Timer(timer) => timer.run(&Monotonic, stop),
        }?;
        Ok(CoreNoise { cpu, ..noise })
    }
}

/// A vector of this many values whose memory is there already, and which is empty.
fn touched<T: Copy>(count: u64, value: T) -> Result<Vec<T>, NoiseError> {
    let too_many = || NoiseError::TooMany(count);
    let length = usize::try_from(count).map_err(|_| too_many())?;
    let mut values = Vec::new();
    values.try_reserve_exact(length).map_err(|_| too_many())?;
    // written one by one: memory asked for as zeros would not be there before it is written to
    values.resize(length, value);
    std::hint::black_box(values.as_slice());
    values.clear();
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_of_nothing_is_refused() {
        for test in [
            Test::Gaps { threshold: 0, duration: 1 },
            Test::Gaps { threshold: 1, duration: 0 },
            Test::Timer { interval: 0, cycles: 1 },
            Test::Timer { interval: 1, cycles: 0 },
            Test::Timer { interval: 1, cycles: MOST_CYCLES + 1 },
        ] {
            assert!(matches!(prepare(&test), Err(NoiseError::Order(_))), "{test:?}");
        }
    }

    #[test]
    fn both_tests_give_whole_records_on_this_machine() {
        let stop = Stop::new().unwrap();
        let gaps = prepare(&Test::Gaps { threshold: 100, duration: 20_000_000 }).unwrap().run(Some(0), &stop).unwrap();
        // the clock's rate before a test and over it differ by what two readings of it are wrong by
        assert!(gaps.span >= 19_800_000 && gaps.turns > 0, "{gaps:?}");
        assert_eq!(gaps.cpu, Some(0));
        let timer = prepare(&Test::Timer { interval: 100_000, cycles: 50 }).unwrap().run(None, &stop).unwrap();
        assert_eq!(timer.values.iter().map(|(_, times)| times).sum::<u64>(), 50);
        assert_eq!((timer.turns, timer.cpu, timer.worst.len()), (50, None, 50));
    }
}
