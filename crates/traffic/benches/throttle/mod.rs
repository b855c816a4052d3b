//! The limit on real-time tasks.

use std::fs;

/// Lifts it, and puts it back when dropped, also on the way out of a panic.
pub(crate) struct Throttle(Option<String>);

impl Throttle {
    const FILE: &str = "/proc/sys/kernel/sched_rt_runtime_us";

    pub(crate) fn lift() -> Self {
        let before = fs::read_to_string(Self::FILE).ok();
        Self(before.filter(|_| fs::write(Self::FILE, "-1").is_ok()))
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.as_ref().map(|before| fs::write(Self::FILE, before.trim())) {
            eprintln!("{} could not be put back to {}: {error}", Self::FILE, self.0.as_deref().unwrap_or_default().trim());
        }
    }
}
