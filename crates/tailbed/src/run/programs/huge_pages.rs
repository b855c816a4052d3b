//! Why a program may have failed that uses huge pages: what it was given, what it asked for, how often it was refused.

use tailbed_format::program::Exit;
use tailbed_format::unit::Bytes;
use tailbed_plan::step::HugePageLimit;

/// SIGBUS: a page of a mapping was touched, and there was none to be had (mmap(2)).
const BUS_ERROR: i32 = 7;

/// What to say of huge pages when a program is not good; `None` where nothing tells that there were too few of them. `given` are the limits of
/// its environment, each with how often the kernel refused more.
pub(super) fn explain(command: &[String], given: &[(HugePageLimit, u64)], exit: Option<&Exit>) -> Option<String> {
    let limit: u64 = given.iter().map(|(limit, _)| limit.limit).sum();
    let refused: u64 = given.iter().map(|(_, refused)| refused).sum();
    let asked = asked(command);
    let too_much = asked.as_ref().is_some_and(|(_, bytes)| *bytes > limit);
    let bus_error = matches!(exit, Some(Exit::Signal(signal)) if *signal == BUS_ERROR);
    if given.is_empty() || !(refused > 0 || too_much || bus_error) {
        return None;
    }
    let limits: Vec<_> = given.iter().map(|(of, _)| format!("{} in pages of {}", Bytes(of.limit), Bytes(of.page))).collect();
    let asks = asked.map_or(String::new(), |(option, bytes)| format!("; the command asks for {} ({option})", Bytes(bytes)));
    let times = match refused {
        0 => String::new(),
        1 => "; the kernel refused more once".to_owned(),
        times => format!("; the kernel refused more {times} times"),
    };
    Some(format!("out of huge pages: limit {}{asks}{times}; a larger `hugepages` is the way out", limits.join(" and ")))
}

/// The memory that a program of DPDK is told to take, bytes, with the option that says so (DPDK's guide for Linux, "EAL parameters"): `-m`
/// is in megabytes, `--socket-mem` likewise, one number for each memory node.
fn asked(command: &[String]) -> Option<(&'static str, u64)> {
    let words: Vec<&str> = command.iter().flat_map(|word| word.split_whitespace()).collect();
    if words.contains(&"--no-huge") {
        return None;
    }
    let value = |option: &str| {
        let with = words.iter().find_map(|word| word.strip_prefix(option)?.strip_prefix('='));
        with.or_else(|| words.iter().skip_while(|word| **word != option).nth(1).copied())
    };
    let megabytes = |text: &str| {
        let numbers = text.trim_matches(['"', '\'']).split(',').map(|number| number.parse::<u64>().ok());
        numbers.sum::<Option<u64>>()?.checked_mul(1 << 20)
    };
    ["--socket-mem", "-m"].into_iter().find_map(|option| Some((option, megabytes(value(option)?)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()]
    }

    #[test]
    fn what_is_asked_for_is_read_off_the_command() {
        let of = |text: &str| asked(&words(text)).map(|(_, bytes)| bytes >> 20);
        assert_eq!(of("exec dpdk-testpmd --socket-mem=128,64 -m 3 -- -i"), Some(192));
        assert_eq!(of("dpdk-testpmd --socket-mem \"256\""), Some(256));
        assert_eq!(of("dpdk-testpmd -l 0 -m 64"), Some(64));
        for nothing in
            ["dpdk-testpmd -m 64 --no-huge", "dpdk-testpmd -m $MEMORY", "dpdk-testpmd -m", "dpdk-testpmd --socket-mem=1,"]
        {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_way_out_is_told_only_where_pages_are_the_reason() {
        let limit = HugePageLimit { page: 2 << 20, limit: 64 << 20 };
        let failed = Exit::Code(1);
        let command = words("dpdk-testpmd -m 128");
        assert_eq!(
            explain(&command, &[(limit, 0)], Some(&failed)).unwrap(),
            "out of huge pages: limit 64MiB in pages of 2MiB; the command asks for 128MiB (-m); a larger `hugepages` is the way out"
        );
        let modest = words("dpdk-testpmd -m 32");
        assert_eq!(explain(&modest, &[(limit, 0)], Some(&failed)), None);
        assert!(explain(&modest, &[(limit, 2)], Some(&failed)).unwrap().contains("refused more 2 times"));
        assert!(explain(&[], &[(limit, 0)], Some(&Exit::Signal(BUS_ERROR))).is_some());
        assert_eq!(explain(&command, &[], Some(&failed)), None);
    }
}
