//! A record as TOML: what hundreds of CPUs say alike is written once, with the list of them in the path.
//!
//! ```toml
//! [files]
//! "/sys/devices/system/cpu/cpu{0-255}/cpufreq/scaling_governor" = "schedutil"
//! ```

use std::collections::BTreeMap;

use super::Record;
use crate::check::cpus::{Cpus, list, parse_list};

/// The most files that a record may stand for: a host of 8192 CPUs has some twenty files each.
const MOST_FILES: usize = 1 << 20;

/// Folders below which the next part of a path is counted.
const COUNTED: [(&str, &str); 4] =
    [("/sys/devices/system/cpu/", "cpu"), ("/sys/devices/system/node/", "node"), ("/proc/irq/", ""), ("/sys/kernel/irq/", "")];

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// What is wrong with the text and where, for the reader: it is no TOML, has an unknown key, or a path with a list that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut record: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        record.files = unfolded(record.files)?;
        record.links = unfolded(record.links)?;
        record.refused = unfolded(record.refused)?;
        Ok(record)
    }

    /// Writes a record; [`Self::parse`] reads it again.
    ///
    /// # Errors
    /// The serializer's words; there is no record that it refuses.
    pub fn to_text(&self) -> Result<String, String> {
        let folded =
            Self { files: folded(&self.files), links: folded(&self.links), refused: folded(&self.refused), ..self.clone() };
        toml::to_string_pretty(&folded).map_err(|error| error.to_string())
    }
}

/// Each path with a list in braces as the paths that it stands for.
fn unfolded(entries: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let mut files = BTreeMap::new();
    for (path, content) in entries {
        let Some((before, rest)) = path.split_once('{') else {
            files.insert(path, content);
            continue;
        };
        let (numbers, after) =
            rest.split_once('}').ok_or_else(|| format!("`{path}` opens a list with {{ and does not close it"))?;
        let numbers = parse_list(numbers)
            .ok_or_else(|| format!("`{path}`: `{numbers}` is no list of numbers below 8192; a list looks like 0-3,8"))?;
        if files.len() + numbers.len() > MOST_FILES {
            return Err(format!("the record stands for more than {MOST_FILES} files"));
        }
        files.extend(numbers.into_iter().map(|number| (format!("{before}{number}{after}"), content.clone())));
    }
    Ok(files)
}

/// Paths that differ in one number and say the same, as one path.
fn folded(files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut groups: BTreeMap<(String, String, &str), Cpus> = BTreeMap::new();
    let mut entries = BTreeMap::new();
    for (path, content) in files {
        match counted(path) {
            Some((before, number, after)) => {
                groups.entry((before, after, content)).or_default().insert(number);
            }
            None => {
                entries.insert(path.clone(), content.clone());
            }
        }
    }
    for ((before, after, content), numbers) in groups {
        let number = if numbers.len() == 1 { list(&numbers) } else { format!("{{{}}}", list(&numbers)) };
        entries.insert(format!("{before}{number}{after}"), content.to_owned());
    }
    entries
}

/// A path before, at and after the number that its folder counts by.
fn counted(path: &str) -> Option<(String, usize, String)> {
    COUNTED.iter().find_map(|(folder, name)| {
        let rest = path.strip_prefix(folder)?.strip_prefix(name)?;
        let (number, after) = rest.split_once('/')?;
        let value: usize = number.parse().ok()?;
        // what is written differently, as 007, stands for itself
        (value < super::super::cpus::MOST && value.to_string() == number)
            .then(|| (format!("{folder}{name}"), value, format!("/{after}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(files: &[(&str, &str)]) -> Record {
        let files = files.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect();
        Record { tailbed: "0".to_owned(), files, ..Record::default() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let record = record(&[
            ("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil"),
            ("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "schedutil"),
            ("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance"),
            ("/sys/devices/system/cpu/online", "0-2"),
            ("/proc/self/status", "Name:\tx\nCapEff:\t'''0\"\"\""),
        ]);
        let text = record.to_text().unwrap();
        assert!(text.contains("cpu{0-1}/cpufreq"), "{text}");
        assert_eq!(Record::parse(&text).unwrap(), record);
    }

    #[test]
    fn a_record_that_is_none_says_what_is_wrong() {
        let wrong = |path: &str| Record::parse(&format!("tailbed = \"0\"\n[files]\n\"{path}\" = \"x\"\n")).unwrap_err();
        assert!(wrong("/proc/irq/{0-99999999999}/x").contains("`0-99999999999` is no list"));
        assert!(wrong("/proc/irq/{0/x").contains("does not close it"));
        assert!(Record::parse("tailbed = 3").unwrap_err().contains("string"));
        assert!(Record::parse("tailbed = \"0\"\nfile = 3").unwrap_err().contains("file"));
    }
}
