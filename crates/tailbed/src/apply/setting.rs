//! Kernel settings: files below /proc/sys and /sys.

use std::fs;

use anyhow::{Context, bail};

use super::TakenBack;

/// The value now.
pub(super) fn read(path: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the setting {path}"))?;
    Ok(text.trim_end().to_owned())
}

/// Writes a value and reads it back: the kernel may accept a write and do something else, which is then undone.
pub(super) fn write(path: &str, value: &str) -> anyhow::Result<()> {
    let before = read(path)?;
    fs::write(path, value).with_context(|| format!("cannot write {value} to the setting {path}"))?;
    let now = read(path)?;
    if now != value {
        fs::write(path, &before).with_context(|| format!("cannot write {before} back to the setting {path}"))?;
        bail!("the setting {path} was given {value} but says {now}");
    }
    Ok(())
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
