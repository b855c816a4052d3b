//! An executable without what is not loaded when it runs.
//!
//! Symbols and debugging information stand behind the segments in the file (elf(5)) and are up to twenty times their size: a guest would
//! have to hold them in its memory.

/// The part of an ELF executable of 64 bits that is loaded, with a header that names no sections; as it is when it is not understood.
pub(super) fn loaded(mut file: Vec<u8>) -> Vec<u8> {
    if let Some(end) = end_of_segments(&file).filter(|end| *end <= file.len()) {
        file.truncate(end);
        // e_shoff, and e_shnum with e_shstrndx
        for field in [0x28..0x30, 0x3c..0x40] {
            if let Some(field) = file.get_mut(field) {
                field.fill(0);
            }
        }
    }
    file
}

/// Where the last segment ends in the file.
fn end_of_segments(file: &[u8]) -> Option<usize> {
    const HEADER: usize = 56;
    // 64 bits, little-endian
    if file.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let word =
        |at: usize| file.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes).and_then(|word| usize::try_from(word).ok());
    let half = |at: usize| file.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes).map(usize::from);
    let (table, size, count) = (word(0x20)?, half(0x36)?, half(0x38)?);
    if size < HEADER || count == 0 {
        return None;
    }
    let end = |number: usize| {
        let header = table.checked_add(number * size)?;
        word(header + 8)?.checked_add(word(header + 32)?)
    };
    (0..count).map(end).try_fold(table + count * size, |last, end| Some(last.max(end?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loaded_still_runs() {
        let folder = tempfile::tempdir().unwrap();
        let whole = std::fs::read("/proc/self/exe").unwrap();
        let part = loaded(whole.clone());
        assert!(part.len() < whole.len());
        let path = folder.path().join("part");
        std::fs::write(&path, part).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let output = std::process::Command::new(&path).arg("--list").output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("what_is_loaded_still_runs"));
    }

    #[test]
    fn what_is_not_an_executable_stays_as_it_is() {
        assert_eq!(loaded(b"#!/bin/sh\n".to_vec()), b"#!/bin/sh\n");
        assert_eq!(loaded(b"\x7fELF\x02\x01 torn".to_vec()), b"\x7fELF\x02\x01 torn");
    }
}
