//! Kernel settings: files below /proc and /sys.

use std::fs::{self, File};

use anyhow::Context;
use tailbed_plan::step::Setting;

use super::{Made, NotHeld, TakenBack};

/// The value now.
pub(super) fn read(setting: &Setting) -> anyhow::Result<String> {
    let path = &setting.path;
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the setting {path}"))?;
    Ok(setting.form.value(&text).to_owned())
}

/// Whether it may be written, as far as opening it tells; nothing is written. What holds already need not be.
pub(super) fn check(setting: &Setting) -> anyhow::Result<()> {
    // one that may stay may be gone as well by the time it comes to it
    if setting.may_stay {
        return Ok(());
    }
    let now = read(setting)?;
    if setting.form.same(&now, &setting.value) {
        return Ok(());
    }
    File::options().write(true).open(&setting.path).map(drop).map_err(|error| NotHeld::refused(setting, &error, &now).into())
}

/// Writes a value and reads it back: the kernel may accept a write and do something else, which is then undone. What holds already is not
/// written.
///
/// A number that has come nearer to the one wanted is asked for again: of huge pages the kernel gives up at the first that it finds no room
/// for, and may find it once it has moved others (hugetlbpage.rst, on `nr_hugepages`).
pub(super) fn write(setting: &Setting) -> anyhow::Result<Made> {
    let stays = |error: anyhow::Error| {
        if setting.may_stay { Ok(Made::Stayed { reason: format!("{error:#}") }) } else { Err(error) }
    };
    let before = match read(setting) {
        Ok(before) => before,
        Err(error) => return stays(error),
    };
    if setting.form.same(&before, &setting.value) {
        return Ok(Made::Setting);
    }
    let now = match ask_for(setting, &setting.value, &before)? {
        Err(error) => return stays(NotHeld::refused(setting, &error, &before).into()),
        Ok(now) if setting.form.same(&now, &setting.value) => return Ok(Made::Setting),
        Ok(now) => now,
    };
    // what does not say what it was given may not say what it is given back either; that it did not hold is what is told
    ask_back(setting, &before, &now)?;
    stays(NotHeld::of(&setting.knob, &setting.path, &setting.value, &now).into())
}

/// Writes a value, and again for as long as the number that the setting then says comes nearer to it: of huge pages the kernel finds more at
/// each asking. Gives what it says in the end, or why it takes no value.
fn ask_for(setting: &Setting, value: &str, found: &str) -> anyhow::Result<std::io::Result<String>> {
    let mut now = found.to_owned();
    loop {
        if let Err(error) = put(&setting.path, value) {
            return Ok(Err(error));
        }
        let last = std::mem::replace(&mut now, read(setting)?);
        if setting.form.same(&now, value) || !is_nearer(&now, &last, value) {
            return Ok(Ok(now));
        }
    }
}

/// Writes back what was found before; gives what the setting then says.
fn ask_back(setting: &Setting, before: &str, now: &str) -> anyhow::Result<String> {
    let refused = || format!("cannot write {before} back to the setting {}", setting.path);
    ask_for(setting, before, now)?.with_context(refused)
}

/// Whether a number has come nearer to what is wanted; what is no number has not.
fn is_nearer(now: &str, last: &str, wanted: &str) -> bool {
    let distance = |text: &str| Some(text.parse::<i64>().ok()?.abs_diff(wanted.parse().ok()?));
    matches!((distance(now), distance(last)), (Some(now), Some(last)) if now < last)
}

/// Writes the earlier value back, unless somebody else has changed the setting since.
pub(super) fn put_back(setting: &Setting, before: &str) -> anyhow::Result<TakenBack> {
    let Setting { path, value: ours, form, .. } = setting;
    let now = match read(setting) {
        Ok(now) => now,
        // an interrupt that is gone by now needs nothing put back
        Err(_) if setting.may_stay => return Ok(TakenBack::Done),
        Err(error) => return Err(error),
    };
    if form.same(&now, before) {
        return Ok(TakenBack::Done);
    }
    if !form.same(&now, ours) {
        let what =
            format!("the setting {path} says {now}, neither {ours} (ours) nor {before} (as found): somebody else changed it");
        return Ok(TakenBack::NotOurs(what));
    }
    let now = ask_back(setting, before, &now)?;
    anyhow::ensure!(form.same(&now, before), "the setting {path} was given {before} back but says {now}");
    Ok(TakenBack::Done)
}

/// Nothing at all would not reach the kernel: an empty list is an empty line.
pub(super) fn put(path: &str, value: &str) -> std::io::Result<()> {
    fs::write(path, if value.is_empty() { "\n" } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(path: &str) -> Setting {
        Setting { path: path.to_owned(), value: "-1".to_owned(), ..Setting::default() }
    }

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
        let setting = setting(path.to_str().unwrap());
        fs::write(&path, "10\n").unwrap();
        let before = read(&setting).unwrap();
        write(&setting).unwrap();
        fs::write(&path, "5\n").unwrap();
        assert!(matches!(put_back(&setting, &before).unwrap(), TakenBack::NotOurs(_)));
        assert_eq!(read(&setting).unwrap(), "5");
        fs::write(&path, "-1\n").unwrap();
        assert_eq!(put_back(&setting, &before).unwrap(), TakenBack::Done);
        assert_eq!(read(&setting).unwrap(), "10");
    }

    #[test]
    fn what_is_silently_ignored_is_told_with_file_wanted_and_got() {
        let ignoring = Setting { knob: "test".to_owned(), ..setting("/dev/null") };
        let error = write(&ignoring).unwrap_err();
        assert!(error.is::<NotHeld>());
        assert_eq!(error.to_string(), "the knob `test` does not hold: /dev/null was given -1 and says nothing");
    }
}
