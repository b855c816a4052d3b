//! What a guest's console tells of its end.

/// How many lines are quoted of a console that says nothing of why.
const QUOTED: usize = 3;

/// Why the guest ended, or what it last said; `None` when it has said nothing.
pub(super) fn last_words(log: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(log);
    let lines: Vec<&str> = text.lines().map(plain).filter(|line| !line.is_empty()).collect();
    // whatever comes after it is a consequence
    if lines.iter().any(|line| line.contains("Initramfs unpacking failed")) {
        return Some(
            "the guest's memory is too small for its kernel to unpack what it boots: give the node more `memory`".to_owned(),
        );
    }
    if let Some(panic) = lines.iter().find(|line| line.contains("Kernel panic")) {
        return Some(format!("the guest's kernel says: {panic}"));
    }
    if let Some(line) = lines.iter().rev().find_map(|line| line.strip_prefix("tailbed: ")) {
        return Some(format!("in the guest: {line}"));
    }
    let last = lines.get(lines.len().saturating_sub(QUOTED)..).unwrap_or_default();
    (!last.is_empty()).then(|| format!("the guest's console ends with: {}", last.join(" / ")))
}

/// Whether the guest's kernel has killed a process because memory ran out (`__oom_kill_process` in mm/oom_kill.c).
pub(super) fn out_of_memory(log: &[u8]) -> bool {
    String::from_utf8_lossy(log).lines().map(plain).any(|line| line.starts_with("Out of memory: Killed process "))
}

/// A line without the time the kernel puts before it and without what steers a terminal.
fn plain(line: &str) -> &str {
    let line = line.trim().trim_start_matches(|character: char| character.is_control());
    match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((time, rest)) if time.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_before_anything_else() {
        let log = b"[    1.25] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n[    1.26] CPU: 0 PID: 1\r\n";
        let expected = "the guest's kernel says: Kernel panic - not syncing: VFS: Unable to mount root fs";
        assert_eq!(last_words(log).as_deref(), Some(expected));
        let log = b"[    2.2] Initramfs unpacking failed: write error\r\n[    3.5] Kernel panic - not syncing: Attempted to kill init!\r\n";
        assert!(last_words(log).unwrap().contains("more `memory`"));
        let log = b"tailbed: no port\r\n[    2.0] reboot: Power down\r\n";
        assert_eq!(last_words(log).as_deref(), Some("in the guest: no port"));
    }

    #[test]
    fn else_the_last_lines_are_quoted() {
        assert_eq!(last_words(b"a\r\n\r\nb\r\nc\r\nd\r\n").as_deref(), Some("the guest's console ends with: b / c / d"));
        assert_eq!(last_words(b"\r\n"), None);
    }

    #[test]
    fn memory_that_ran_out_is_what_the_kernel_says_not_a_program() {
        assert!(out_of_memory(b"[   12.5] Out of memory: Killed process 71 (tail) total-vm:201kB\r\n"));
        assert!(!out_of_memory(b"tail: Out of memory: Killed process 71\r\n"));
    }
}
