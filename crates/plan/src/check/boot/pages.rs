//! Huge pages on the kernel's command line, where the order tells which number is of which size.

use super::State;
use super::line::word;
use crate::check::finding::short;
use crate::check::host::Host;

/// Parameters that mean something together, and in their order only.
pub(super) const NAMES: [&str; 3] = ["default_hugepagesz", "hugepagesz", "hugepages"];

/// Sizes and numbers stand or fall together: any pages that are asked for do what the recommended ones would. Nothing of it is ever replaced: of two
/// numbers for one size the kernel ignores the second (`hugepagesz_setup` in mm/hugetlb.c).
pub(super) fn state(host: &Host<'_>) -> State {
    let words = host.parameters.iter().filter(|(name, _)| ["hugepagesz", "hugepages"].contains(name));
    let found: Vec<String> = words.map(|(name, value)| format!("{name}={}", value.unwrap_or_default())).collect();
    if pairs(host).iter().any(|(_, count)| *count > 0) {
        return State::There;
    }
    if found.is_empty() {
        return State::Missing;
    }
    State::LeftOut(format!("the command line asks for none: {}", short(&found.join(" "))))
}

/// Sizes and how many pages of each, in the order they are asked for (Documentation/admin-guide/mm/hugetlbpage.rst, "Kernel command line"): a
/// number is of the size before it, and without one of the default, which is `None` here unless the command line names it.
fn pairs<'a>(host: &Host<'a>) -> Vec<(Option<&'a str>, u64)> {
    let mut size = host.parameter("default_hugepagesz").flatten();
    let mut pairs = Vec::new();
    for (name, value) in &host.parameters {
        match *name {
            "hugepagesz" | "default_hugepagesz" => size = *value,
            "hugepages" => pairs.push((size, value.and_then(count).unwrap_or(0))),
            _ => {}
        }
    }
    pairs
}

/// The words of it in their order, each size with its number once.
pub(super) fn words(host: &Host<'_>) -> Vec<String> {
    let mut pairs: Vec<Vec<String>> = Vec::new();
    let mut open = false;
    for (name, value) in host.parameters.iter().filter(|(name, _)| NAMES.contains(name)) {
        let word = word(name, *value);
        match pairs.last_mut().filter(|_| open && *name == "hugepages") {
            Some(pair) => pair.push(word),
            None => pairs.push(vec![word]),
        }
        open = *name != "hugepages";
    }
    let mut once: Vec<Vec<String>> = Vec::new();
    for pair in pairs {
        if !once.contains(&pair) {
            once.push(pair);
        }
    }
    once.concat()
}

/// A number, or one for each of some nodes (`0:512,1:512`, Linux 5.16), which is their sum.
fn count(value: &str) -> Option<u64> {
    let of_node = |part: &str| part.split_once(':').map_or(part, |(_, count)| count).trim().parse::<u64>().ok();
    value.split(',').map(of_node).try_fold(0_u64, |sum, count| sum.checked_add(count?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::record::Record;

    fn of<T>(line: &str, ask: fn(&Host<'_>) -> T) -> T {
        let mut record = Record { tailbed: "0".to_owned(), ..Record::default() };
        record.files.insert("/proc/cmdline".to_owned(), line.to_owned());
        ask(&Host::new(&record))
    }

    fn named(line: &str) -> Vec<(Option<String>, u64)> {
        of(line, |host| pairs(host).into_iter().map(|(size, count)| (size.map(str::to_owned), count)).collect())
    }

    #[test]
    fn a_number_is_of_the_size_before_it() {
        let pair = |size: &str, count| (Some(size.to_owned()), count);
        assert_eq!(named("hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=512"), [pair("1G", 4), pair("2M", 512)]);
        assert_eq!(named("hugepages=8 hugepagesz=1G hugepages=0:2,1:2"), [(None, 8), pair("1G", 4)]);
        assert_eq!(named("hugepages=8 default_hugepagesz=1G"), [pair("1G", 8)]);
        assert_eq!(named("hugepages=0:512,x hugepages"), [(None, 0), (None, 0)]);
    }

    #[test]
    fn a_size_with_its_number_is_said_once() {
        let words = |line: &str| of(line, words).join(" ");
        let two = "hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=4";
        assert_eq!(words(&format!("{two} quiet {two}")), two);
        assert_eq!(words("hugepages=8 ro hugepages=8 default_hugepagesz=1G"), "hugepages=8 default_hugepagesz=1G");
    }

    #[test]
    fn any_pages_that_are_asked_for_are_there() {
        for line in
            ["hugepages=1", "hugepagesz=1G hugepages=0 hugepagesz=2M hugepages=0:512,1:512", "default_hugepagesz=1G hugepages=2"]
        {
            assert_eq!(of(line, state), State::There, "{line}");
        }
        assert_eq!(of("quiet default_hugepagesz=1G", state), State::Missing);
        let none = |found: &str| State::LeftOut(format!("the command line asks for none: {found}"));
        assert_eq!(of("hugepagesz=2M hugepages=0 quiet", state), none("hugepagesz=2M hugepages=0"));
        assert_eq!(of("hugepagesz=1G", state), none("hugepagesz=1G"));
    }
}
