//! Which of the proof's counters differ between two configurations, beyond what repeats of one differ among themselves.

use tailbed_format::proof::{CoreProof, LoopProof, Proof};

/// How a counter is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How often a second.
    Times,
    /// ns of each second.
    Time,
}

/// A counter over the repeats of a configuration, a second and over all packet cores together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeats {
    /// Runs that have it.
    pub runs: usize,
    /// Least.
    pub least: f64,
    /// Median (nearest rank).
    pub median: f64,
    /// Greatest.
    pub greatest: f64,
}

/// What may be said of a counter of two configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Every repeat of the other lies above every repeat of the base.
    More,
    /// Every repeat of the other lies below every repeat of the base.
    Less,
    /// Their ranges overlap.
    Within,
    /// Fewer than [`LEAST_RUNS`] repeats of one of them.
    TooFew,
}

/// A counter of two configurations side by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// What is counted.
    pub counter: &'static str,
    /// In what.
    pub unit: Unit,
    /// Of the configuration compared against.
    pub base: Repeats,
    /// Of the one compared.
    pub other: Repeats,
    /// What may be said.
    pub way: Way,
}

/// Fewer repeats than this of each say nothing: two and two lie apart in one of three draws of the same population.
pub const LEAST_RUNS: usize = 3;

/// How likely all of `base` values lie on one side of all of `other` values where both are of one population: two orders of all that the
/// n + m values may come in, 2 / C(n + m, n), for either side (the Mann-Whitney test at its extreme; Conover, Practical Nonparametric
/// Statistics, section 5.1). 1 where one has none.
pub fn by_chance(base: usize, other: usize) -> f64 {
    if base == 0 || other == 0 {
        return 1.0;
    }
    // C(n + m, n) as a product of quotients, which is exact for repeats as few as there are
    let orders = (1..=base).fold(1.0, |orders, k| orders * (other + k) as f64 / k as f64);
    2.0 / orders
}

/// A counter of the proof: its name, its unit, and its rate in a run.
type Counter = (&'static str, Unit, fn(&Proof) -> Option<f64>);

const COUNTERS: [Counter; 11] = [
    ("ticks", Unit::Times, |proof| rate(over_cores(proof, |core| Some(interrupts(core, true))), proof.span)),
    ("other interrupts", Unit::Times, |proof| rate(over_cores(proof, |core| Some(interrupts(core, false))), proof.span)),
    ("softirqs", Unit::Times, |proof| {
        rate(over_cores(proof, |core| Some(core.softirqs.iter().map(|softirq| softirq.count).sum())), proof.span)
    }),
    ("turns of tasks", Unit::Times, |proof| rate(over_cores(proof, |core| core.switches), proof.counted)),
    ("preemptions", Unit::Times, |proof| rate(over_cores(proof, |core| core.preemptions), proof.counted)),
    ("tasks that do not belong there", Unit::Time, |proof| rate(over_cores(proof, |core| Some(foreign(core))), proof.counted)),
    ("the hypervisor (steal)", Unit::Time, |proof| rate(over_cores(proof, |core| core.steal), proof.span)),
    ("slowed because of heat", Unit::Times, |proof| rate(over_cores(proof, |core| core.hot), proof.span)),
    ("packet loops stopped", Unit::Times, |proof| rate(over_loops(proof, |own| Some(own.account.involuntary)), proof.span)),
    ("page faults of packet loops", Unit::Times, |proof| {
        let faults = |own: &LoopProof| Some(own.account.minor_faults.saturating_add(own.account.major_faults));
        rate(over_loops(proof, faults), proof.span)
    }),
    ("moves of packet loops", Unit::Times, |proof| rate(over_loops(proof, |own| own.account.migrations), proof.span)),
];

fn rate(sum: Option<u64>, span: u64) -> Option<f64> {
    sum.filter(|_| span > 0).map(|sum| sum as f64 * 1e9 / span as f64)
}

/// The sum over all packet cores; `None` where one does not say.
fn over_cores(proof: &Proof, of: impl Fn(&CoreProof) -> Option<u64>) -> Option<u64> {
    proof.cores.iter().map(of).sum()
}

/// The sum over all packet loops; `None` where one does not say.
fn over_loops(proof: &Proof, of: impl Fn(&LoopProof) -> Option<u64>) -> Option<u64> {
    proof.loops.iter().map(of).sum()
}

fn interrupts(core: &CoreProof, expected: bool) -> u64 {
    core.interrupts.iter().filter(|interrupt| interrupt.expected == expected).map(|interrupt| interrupt.count).sum()
}

fn foreign(core: &CoreProof) -> u64 {
    core.tasks.iter().filter(|task| !task.expected).map(|task| task.ran).sum()
}

/// The counters of two configurations, of their repeats that count; those that no run of either has, or that are 0 in all of them, are left out.
pub fn moved(base: &[&Proof], other: &[&Proof]) -> Vec<Moved> {
    let compare = |(counter, unit, of): Counter| {
        let (base, other) = (repeats(base, of)?, repeats(other, of)?);
        let way = if base.runs.min(other.runs) < LEAST_RUNS {
            Way::TooFew
        } else if other.least > base.greatest {
            Way::More
        } else if other.greatest < base.least {
            Way::Less
        } else {
            Way::Within
        };
        (base.greatest > 0.0 || other.greatest > 0.0).then_some(Moved { counter, unit, base, other, way })
    };
    COUNTERS.into_iter().filter_map(compare).collect()
}

fn repeats(proofs: &[&Proof], of: fn(&Proof) -> Option<f64>) -> Option<Repeats> {
    let mut values: Vec<f64> = proofs.iter().filter_map(|proof| of(proof)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let median = *values.get(values.len().div_ceil(2).checked_sub(1)?)?;
    Some(Repeats { runs: values.len(), least: *values.first()?, median, greatest: *values.last()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::proof::{InterruptCount, LoopAccount, PacketCore, TaskSource};

    /// A second of two cores, of which one had so many interrupts that do not belong there.
    fn proof(interrupts: u64, migrations: Option<u64>) -> Proof {
        let core = |cpu, count| CoreProof {
            core: PacketCore { cpu, nodes: vec!["dut".to_owned()], spins: true },
            interrupts: vec![InterruptCount { source: "36".to_owned(), name: String::new(), count, expected: false }],
            softirqs: Vec::new(),
            switches: None,
            preemptions: None,
            tasks: Vec::new(),
            steal: Some(0),
            hot: None,
            frequency: None,
            culprits: Vec::new(),
        };
        let account = LoopAccount { migrations, ..LoopAccount::default() };
        Proof {
            span: 2_000_000_000,
            counted: 1_000_000_000,
            readings: 0,
            reader_ran: 0,
            withheld: None,
            tasks: TaskSource::Scan { reason: None },
            cores: vec![core(2, interrupts), core(3, 2)],
            loops: vec![LoopProof { node: "dut".to_owned(), worker: 0, account }],
        }
    }

    fn of(base: &[u64], other: &[u64]) -> Vec<Moved> {
        let all = |counts: &[u64]| counts.iter().map(|count| proof(*count, None)).collect::<Vec<_>>();
        let (base, other) = (all(base), all(other));
        moved(&base.iter().collect::<Vec<_>>(), &other.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_counter_has_moved_where_the_repeats_lie_apart() {
        let rows = of(&[10, 14, 12], &[0, 2, 1]);
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.counter, row.way), ("other interrupts", Way::Less));
        assert_eq!((row.base.least, row.base.median, row.base.greatest), (6.0, 7.0, 8.0));
        assert_eq!(of(&[0, 2, 1], &[10, 14, 12])[0].way, Way::More);
        assert_eq!(of(&[0, 2, 10], &[10, 14, 12])[0].way, Way::Within);
        assert_eq!(of(&[0, 2], &[10, 14, 12])[0].way, Way::TooFew);
    }

    #[test]
    fn what_no_run_says_and_what_is_nothing_in_all_is_left_out() {
        let quiet = proof(0, Some(0));
        let rows = moved(&[&quiet], &[&quiet]);
        assert_eq!(rows.iter().map(|row| row.counter).collect::<Vec<_>>(), ["other interrupts"]);
        assert_eq!(moved(&[], &[&quiet]), []);
        let moving = proof(0, Some(4));
        let rows = moved(&[&quiet, &quiet, &quiet], &[&moving, &moving, &moving]);
        let moves = rows.iter().find(|row| row.counter == "moves of packet loops").unwrap();
        assert_eq!((moves.base.median, moves.other.median, moves.way), (0.0, 2.0, Way::More));
    }

    #[test]
    fn the_chance_is_that_of_the_rank_sum_tests_extreme() {
        assert_eq!((by_chance(3, 3), by_chance(2, 2), by_chance(0, 4)), (0.1, 2.0 / 6.0, 1.0));
        assert!((by_chance(5, 5) - 2.0 / 252.0).abs() < 1e-15);
    }
}
