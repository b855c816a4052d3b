//! The files that the kernel's counters are read from, kept open.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};
use tailbed_format::proof::Watch;
use tailbed_stats::proof::Reading;
use tailbed_stats::proof::counters::{Counters, steal};

/// Every file of a reading.
pub(super) struct Files {
    interrupts: File,
    softirqs: File,
    stat: File,
    /// Of each packet core, where the kernel has it.
    hot: BTreeMap<usize, File>,
    frequency: BTreeMap<usize, File>,
    text: Vec<u8>,
}

impl Files {
    /// Opens them. What a core's hardware or its driver does not tell is left out.
    pub(super) fn open(watch: &Watch) -> anyhow::Result<Self> {
        let open = |path: &str| File::open(path).with_context(|| format!("cannot open {path}"));
        let of_cores = |file: &str| {
            let open = |cpu: usize| Some((cpu, File::open(format!("/sys/devices/system/cpu/cpu{cpu}/{file}")).ok()?));
            watch.cores.iter().filter_map(|core| open(core.cpu)).collect()
        };
        Ok(Self {
            interrupts: open("/proc/interrupts")?,
            softirqs: open("/proc/softirqs")?,
            stat: open("/proc/stat")?,
            hot: of_cores("thermal_throttle/core_throttle_count"),
            frequency: of_cores("cpufreq/scaling_cur_freq"),
            text: Vec::new(),
        })
    }

    /// Reads all of them. Texts are shared with those of an earlier reading.
    pub(super) fn read(&mut self, earlier: Option<&Reading>) -> anyhow::Result<Reading> {
        let Self { interrupts, softirqs, stat, hot, frequency, text } = self;
        let read = |file: &File, text: &mut Vec<u8>, path: &str| {
            whole(file, text).with_context(|| format!("cannot read {path}"))?;
            anyhow::Ok(String::from_utf8_lossy(text).into_owned())
        };
        let at = monotonic();
        let interrupts =
            Counters::parse(&read(interrupts, text, "/proc/interrupts")?, earlier.map(|earlier| &earlier.interrupts));
        let softirqs = Counters::parse(&read(softirqs, text, "/proc/softirqs")?, earlier.map(|earlier| &earlier.softirqs));
        let steal = steal(&read(stat, text, "/proc/stat")?);
        // a core may be taken away, and its files with it
        let mut numbers = |files: &BTreeMap<usize, File>| {
            let number = |file: &File, text: &mut Vec<u8>| {
                whole(file, text).ok()?;
                std::str::from_utf8(text).ok()?.trim().parse().ok()
            };
            files.iter().filter_map(|(&cpu, file)| Some((cpu, number(file, text)?))).collect()
        };
        Ok(Reading { at, interrupts, softirqs, steal, hot: numbers(hot), frequency: numbers(frequency) })
    }
}

/// All that a file holds now, from its beginning.
fn whole(file: &File, text: &mut Vec<u8>) -> io::Result<()> {
    let mut length = 0;
    loop {
        if text.len() < length + (1 << 12) {
            text.resize(length + (1 << 14), 0);
        }
        match file.read_at(&mut text[length..], length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    text.truncate(length);
    Ok(())
}

/// `CLOCK_MONOTONIC`, ns.
pub(super) fn monotonic() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// How long the calling thread has run, ns.
pub(super) fn ran() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reading says is between what the kernel says before and after it.
    #[test]
    fn a_reading_is_what_the_kernel_says() {
        let watch = Watch { rate: 0, withheld: None, switches: false, reader: 0, priority: None, cores: Vec::new() };
        let mut files = Files::open(&watch).unwrap();
        let independent = || Counters::parse(&std::fs::read_to_string("/proc/interrupts").unwrap(), None);
        let sum = |after: &Counters, before: &Counters| after.since(before).iter().map(|came| came.count).sum::<u64>();
        let outer_first = independent();
        let first = files.read(None).unwrap();
        let inner_first = independent();
        std::thread::sleep(std::time::Duration::from_millis(50));
        let inner_last = independent();
        let last = files.read(Some(&first)).unwrap();
        let outer_last = independent();
        let read = sum(&last.interrupts, &first.interrupts);
        assert!(read >= sum(&inner_last, &inner_first) && read <= sum(&outer_last, &outer_first), "{read}");
        assert!(read > 0 && last.at > first.at);
    }
}
