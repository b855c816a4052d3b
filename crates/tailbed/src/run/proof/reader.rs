//! Readings over time: a thread on the core that keeps the house.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tailbed_format::proof::{InterruptPoint, Watch};
use tailbed_stats::proof::Reading;
use tailbed_stats::proof::counters::Came;
use tailbed_traffic::realtime;

use super::files::{Files, ran};
use super::switches::Switches;

/// What came between each reading and the one before.
pub(super) struct Readings {
    /// How many there were after the first.
    pub(super) count: u64,
    /// How long the reader ran for them, ns.
    pub(super) ran: u64,
    /// Least and greatest frequency of each core, kHz.
    pub(super) frequency: BTreeMap<usize, (u64, u64)>,
    last: Reading,
    came: Vec<Between>,
}

/// What came between two readings.
struct Between {
    /// When they were made, `CLOCK_MONOTONIC`, ns.
    from: u64,
    to: u64,
    interrupts: Vec<Came>,
    softirqs: Vec<Came>,
}

impl Readings {
    /// None yet but the first.
    pub(super) fn from(first: &Reading) -> Self {
        let frequency = first.frequency.iter().map(|(&cpu, &khz)| (cpu, (khz, khz))).collect();
        Self { count: 0, ran: 0, frequency, last: first.clone(), came: Vec::new() }
    }

    /// One more.
    pub(super) fn add(&mut self, reading: &Reading) {
        self.came.push(Between {
            from: self.last.at,
            to: reading.at,
            interrupts: reading.interrupts.since(&self.last.interrupts),
            softirqs: reading.softirqs.since(&self.last.softirqs),
        });
        for (&cpu, &khz) in &reading.frequency {
            let (least, greatest) = self.frequency.entry(cpu).or_insert((khz, khz));
            (*least, *greatest) = ((*least).min(khz), (*greatest).max(khz));
        }
        self.count += 1;
        self.last = reading.clone();
    }

    /// What came, by the time from the origin of the run.
    pub(super) fn points(&self, origin: u64) -> Vec<InterruptPoint> {
        let time = |at: u64| i64::try_from(i128::from(at) - i128::from(origin)).unwrap_or(i64::MAX);
        let of = |between: &Between, soft: bool, came: &Came| InterruptPoint {
            from: time(between.from),
            to: time(between.to),
            cpu: came.cpu,
            soft,
            source: came.source.clone(),
            name: came.name.clone(),
            count: came.count,
        };
        let both = |between: &Between| {
            let hard = between.interrupts.iter().map(|came| of(between, false, came));
            hard.chain(between.softirqs.iter().map(|came| of(between, true, came))).collect::<Vec<_>>()
        };
        self.came.iter().flat_map(both).collect()
    }
}

/// Name of the thread: on a core that keeps the house and has a packet loop on it as well it is found among the culprits.
const NAME: &str = "tailbed-proof";

type Brought = anyhow::Result<(Readings, Result<Switches, Option<String>>)>;

/// The thread. Dropped, it ends by itself.
pub(super) struct Reader {
    stop: Sender<()>,
    thread: JoinHandle<Brought>,
}

impl Reader {
    /// Starts it; it empties the rings of the record of changes of task as well.
    pub(super) fn start(
        watch: &Watch,
        mut files: Files,
        mut switches: Result<Switches, Option<String>>,
        first: Reading,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let (ready, is_ready) = channel();
        let (cpu, priority) = (watch.reader, watch.priority);
        let interval = Duration::from_secs(1) / watch.rate.max(1);
        let read = move || {
            // a refusal is that of the packet loops as well, which have said so; the priority comes first, for else the thread might have to
            // wait on its core for those that it is to go before
            let _ = priority.and_then(realtime::prioritize);
            let _ = realtime::pin(&[cpu]);
            let _ = ready.send(());
            let (begun, mut readings) = (Instant::now(), Readings::from(&first));
            let before = ran();
            let mut due = interval;
            loop {
                match stopped.recv_timeout(due.saturating_sub(begun.elapsed())) {
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        let reading = files.read(Some(&readings.last))?;
                        readings.add(&reading);
                        if let Ok(switches) = &mut switches {
                            switches.empty();
                        }
                        // what was missed is not made up for
                        while due <= begun.elapsed() {
                            due += interval;
                        }
                    }
                }
            }
            readings.ran = ran().saturating_sub(before);
            Ok((readings, switches))
        };
        let thread = std::thread::Builder::new().name(NAME.to_owned()).spawn(read).context("cannot start a thread")?;
        // a loop that never sleeps could keep it from getting ready
        is_ready.recv().context("the thread that reads the kernel's counters has ended before it began")?;
        Ok(Self { stop, thread })
    }

    /// Ends it; gives what it read.
    pub(super) fn stop(self) -> Brought {
        // one that has failed is gone already
        let _ = self.stop.send(());
        self.thread
            .join()
            .map_err(|_| anyhow!("the thread that reads the kernel's counters crashed; its message is on standard error"))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_adds_up_to_first_and_last() {
        let watch = Watch { rate: 200, withheld: None, switches: false, reader: 0, priority: None, cores: Vec::new() };
        let mut files = Files::open(&watch).unwrap();
        let first = files.read(None).unwrap();
        let reader = Reader::start(&watch, Files::open(&watch).unwrap(), Err(None), first.clone()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let (mut readings, _) = reader.stop().unwrap();
        readings.add(&files.read(Some(&first)).unwrap());
        assert!(readings.count > 1);
        let whole: u64 = readings.last.interrupts.since(&first.interrupts).iter().map(|came| came.count).sum();
        let points = readings.points(first.at);
        let parts: u64 = points.iter().filter(|point| !point.soft).map(|point| point.count).sum();
        assert_eq!(parts, whole);
        assert!(points.is_sorted_by_key(|point| point.to) && points[0].from == 0);
    }
}
