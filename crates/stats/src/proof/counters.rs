//! The kernel's counters per core: /proc/interrupts, /proc/softirqs and /proc/stat (proc_interrupts(5), proc_softirqs(5), proc_stat(5)).

use std::collections::BTreeMap;
use std::sync::Arc;

/// How often something came to each core since the host was started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// The cores of the columns, in the kernel's numbering.
    cpus: Vec<usize>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    source: Arc<str>,
    name: Arc<str>,
    /// One for each column.
    counts: Vec<u64>,
}

/// So many of one source came to a core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// The core.
    pub cpu: usize,
    /// First column without its colon.
    pub source: Arc<str>,
    /// What the kernel says of it; empty where it says nothing.
    pub name: Arc<str>,
    /// How many, at least 1.
    pub count: u64,
}

/// Lines that count errors of the whole host and have no column per core (arch/x86/kernel/irq.c, `arch_show_interrupts`;
/// arch/arm64/kernel/irq.c).
const WHOLE_HOST: [&str; 3] = ["ERR", "MIS", "Err"];

impl Counters {
    /// Reads the text of /proc/interrupts or /proc/softirqs. Lines that are neither are passed over: whatever the text, this gives what can
    /// be read of it. Texts of sources are shared with those of an earlier reading, which is nearly always the same but for its counts.
    pub fn parse(text: &str, earlier: Option<&Self>) -> Self {
        let mut lines = text.lines();
        let columns = lines.next().unwrap_or_default().split_whitespace();
        let cpus: Vec<usize> = columns.filter_map(|column| column.strip_prefix("CPU")?.parse().ok()).collect();
        let mut rows = Vec::new();
        for line in lines {
            let Some((source, rest)) = line.split_once(':') else { continue };
            let source = source.trim();
            let Some((counts, name)) = counts(rest, cpus.len()) else { continue };
            if WHOLE_HOST.contains(&source) {
                continue;
            }
            let name = device(name);
            let known = earlier.and_then(|earlier| earlier.rows.get(rows.len()));
            let shared = |known: Option<&Arc<str>>, text: &str| match known {
                Some(known) if **known == *text => Arc::clone(known),
                _ => Arc::from(text),
            };
            rows.push(Row {
                source: shared(known.map(|row| &row.source), source),
                name: shared(known.map(|row| &row.name), &name),
                counts,
            });
        }
        Self { cpus, rows }
    }

    /// What came since an earlier reading, in the order of the lines and, within one, of the cores. A core or a line that was not there
    /// then has come since; a count that has gone down was begun anew (a line that was given away and taken again).
    pub fn since(&self, earlier: &Self) -> Vec<Came> {
        let mut before: BTreeMap<(&str, usize), u64> = BTreeMap::new();
        for row in &earlier.rows {
            for (&cpu, &count) in earlier.cpus.iter().zip(&row.counts) {
                before.insert((&row.source, cpu), count);
            }
        }
        let mut came = Vec::new();
        for row in &self.rows {
            for (&cpu, &count) in self.cpus.iter().zip(&row.counts) {
                let count = match before.get(&(&*row.source, cpu)) {
                    Some(&then) if then <= count => count - then,
                    _ => count,
                };
                if count > 0 {
                    came.push(Came { cpu, source: Arc::clone(&row.source), name: Arc::clone(&row.name), count });
                }
            }
        }
        came
    }
}

/// The numbers of so many columns, and what stands behind them; nothing where there are fewer numbers.
fn counts(rest: &str, columns: usize) -> Option<(Vec<u64>, &str)> {
    let (mut counts, mut rest) = (Vec::with_capacity(columns.min(8_192)), rest);
    for _ in 0..columns {
        rest = rest.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        counts.push(rest[..end].parse().ok()?);
        rest = &rest[end..];
    }
    (columns > 0).then_some((counts, rest))
}

/// Of a numbered line what is behind its chip and the way it is triggered (`PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0`; kernel/irq/proc.c,
/// `show_interrupts`); of others all of it. Spaces are single.
fn device(description: &str) -> String {
    let words: Vec<&str> = description.split_whitespace().collect();
    let trigger = |word: &&str| ["edge", "level", "fasteoi"].iter().any(|kind| word.to_ascii_lowercase().ends_with(kind));
    let from = words.iter().position(trigger).map_or(0, |at| at + 1);
    let device = if from < words.len() { &words[from..] } else { &words[..] };
    device.join(" ")
}

/// Length of a clock tick in which /proc/stat counts, ns: `USER_HZ` is 100 on every architecture (time(7)).
const TICK: u64 = 10_000_000;

/// Time that the hypervisor ran something else, by core, ns (proc_stat(5), the eighth column of a `cpuN` line).
pub fn steal(stat: &str) -> BTreeMap<usize, u64> {
    let line = |line: &str| {
        let mut columns = line.strip_prefix("cpu")?.split_whitespace();
        let cpu = columns.next()?.parse().ok()?;
        let ticks: u64 = columns.nth(7)?.parse().ok()?;
        Some((cpu, ticks.saturating_mul(TICK)))
    };
    // the sum of all cores comes first, and has no number
    stat.lines().filter(|line| !line.starts_with("cpu ")).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BEFORE: &str = "           CPU0       CPU1
 24:          1          0  IO-APIC   5-edge      ACPI:Ged
 36:          0       2000 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
LOC:        100        200   Local timer interrupts
ERR:          0
MIS:          0
";

    #[test]
    fn what_came_is_told_by_core_and_source() {
        let before = Counters::parse(BEFORE, None);
        let later = BEFORE.replace("2000", "2012").replace("100        200", "150        200");
        let after = Counters::parse(&later, Some(&before));
        let came = |cpu, source: &str, name: &str, count| Came { cpu, source: source.into(), name: name.into(), count };
        let expected = [came(1, "36", "virtio1-req.0", 12), came(0, "LOC", "Local timer interrupts", 50)];
        assert_eq!(after.since(&before), expected);
        assert!(Arc::ptr_eq(&after.rows[2].name, &before.rows[2].name));
        assert!(before.since(&before).is_empty());
    }

    #[test]
    fn a_core_that_comes_or_goes_is_told_from_one_that_stays() {
        let one = Counters::parse("    CPU1\nLOC:   200   Local timer interrupts\n", None);
        let both = Counters::parse(BEFORE, None);
        // core 0 was not there: all it has came since
        let came: Vec<_> = both.since(&one).into_iter().filter(|came| &*came.source == "LOC").collect();
        assert_eq!(came.iter().map(|came| (came.cpu, came.count)).collect::<Vec<_>>(), [(0, 100)]);
        assert!(one.since(&both).is_empty());
    }

    #[test]
    fn a_count_that_begins_anew_is_no_huge_number() {
        let before = Counters::parse("  CPU0\n 40:  500  chip 1-edge a\n", None);
        let after = Counters::parse("  CPU0\n 40:  3  chip 1-edge b\n", None);
        assert_eq!(after.since(&before)[0].count, 3);
    }

    #[test]
    fn softirqs_have_no_description_and_one_core_is_no_error_line() {
        let softirqs = Counters::parse("                    CPU0\n          HI:          7\n      NET_RX:          9\n", None);
        let came = softirqs.since(&Counters::default());
        assert_eq!(
            came.iter().map(|came| (&*came.source, &*came.name, came.count)).collect::<Vec<_>>(),
            [("HI", "", 7), ("NET_RX", "", 9)]
        );
        assert!(Counters::parse("  CPU0\nERR:  5\n", None).since(&Counters::default()).is_empty());
    }

    #[test]
    fn steal_is_read_by_core() {
        let stat = "cpu  9 9 9 9 9 9 9 99 9 9\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu12 1 2 3 4 5 6 7 0 9 10\nintr 1\n";
        assert_eq!(steal(stat), BTreeMap::from([(0, 80_000_000), (12, 0)]));
        assert!(steal("cpu0 1 2").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read_for_what_it_holds(text in any::<String>(), cut in 0..BEFORE.len(), junk in any::<char>()) {
            Counters::parse(&text, None);
            steal(&text);
            let garbled = format!("{}{junk}{}", &BEFORE[..cut], &BEFORE[cut..]);
            let (before, after) = (Counters::parse(BEFORE, None), Counters::parse(&garbled, None));
            after.since(&before);
            before.since(&after);
        }
    }
}
