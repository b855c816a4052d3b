//! Kernel settings: files below /proc/sys and /sys.

use std::{fmt, fs};

use anyhow::{Context, bail};

use super::TakenBack;

/// A setting that the kernel does not let us have: trying again would change nothing.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// The value now.
pub(super) fn read(path: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the setting {path}"))?;
    Ok(text.trim_end().to_owned())
}

/// Writes a value and reads it back: the kernel may accept a write and do something else, which is then undone.
///
/// A number that has come nearer to the one wanted is asked for again: of huge pages the kernel gives up at the first that it finds no room
/// for, and may find it once it has moved others (hugetlbpage.rst, on `nr_hugepages`).
pub(super) fn write(path: &str, value: &str) -> anyhow::Result<()> {
    let before = read(path)?;
    let mut now = before.clone();
    loop {
        fs::write(path, value).map_err(|error| Refused(format!("cannot write {value} to the setting {path}: {error}")))?;
        let last = std::mem::replace(&mut now, read(path)?);
        if now == value {
            return Ok(());
        }
        if !is_nearer(&now, &last, value) {
            break;
        }
    }
    let refused = format!("the setting {path} was given {value} but says {now}{}", way_out(path));
    match fs::write(path, &before) {
        Ok(()) => Err(Refused(refused).into()),
        Err(error) => bail!("{refused}; after that, {before} cannot be written back to it: {error}"),
    }
}

/// What to do about a setting that says something else, where there is more to be done than to ask for something else.
fn way_out(path: &str) -> &'static str {
    if path.ends_with("/nr_hugepages") {
        "; the kernel finds no room for more: have them set aside at boot (hugepages=N on the kernel's command line), or lower the limit"
    } else {
        ""
    }
}

/// Whether a number has come nearer to what is wanted; what is no number has not.
fn is_nearer(now: &str, last: &str, wanted: &str) -> bool {
    let distance = |text: &str| Some(text.parse::<i64>().ok()?.abs_diff(wanted.parse().ok()?));
    matches!((distance(now), distance(last)), (Some(now), Some(last)) if now < last)
}

/// Writes the earlier value back, unless somebody else has changed the setting since.
pub(super) fn put_back(path: &str, ours: &str, before: &str) -> anyhow::Result<TakenBack> {
    let now = read(path)?;
    if now != before && now != ours {
        let what =
            format!("the setting {path} says {now}, neither {ours} (ours) nor {before} (as found): somebody else changed it");
        return Ok(TakenBack::NotOurs(what));
    }
    if now == ours {
        write(path, before)?;
    }
    Ok(TakenBack::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_come_nearer() {
        assert!(is_nearer("16", "0", "128") && is_nearer("-2", "-9", "-1") && is_nearer("130", "300", "128"));
        for (now, last) in [("16", "16"), ("0", "16"), ("on", "0"), ("00000023", "00000033")] {
            assert!(!is_nearer(now, last, "128"), "{now} {last}");
        }
    }

    #[test]
    fn a_value_changed_by_others_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("knob");
        let path = path.to_str().unwrap();
        fs::write(path, "10\n").unwrap();
        let before = read(path).unwrap();
        write(path, "-1").unwrap();
        fs::write(path, "5\n").unwrap();
        assert!(matches!(put_back(path, "-1", &before).unwrap(), TakenBack::NotOurs(_)));
        assert_eq!(read(path).unwrap(), "5");
        fs::write(path, "-1\n").unwrap();
        assert_eq!(put_back(path, "-1", &before).unwrap(), TakenBack::Done);
        assert_eq!(read(path).unwrap(), "10");
    }
}
