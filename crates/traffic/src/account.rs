//! What the kernel has counted of the calling thread: to be asked before a packet loop and behind it, never within.
#![allow(unsafe_code)]

use std::fs;
use std::mem::MaybeUninit;

use tailbed_format::proof::LoopAccount;

/// What was counted since the thread was started: getrusage(2) with `RUSAGE_THREAD`, and `nr_migrations` of proc_pid_sched(5).
pub fn now() -> LoopAccount {
    // read first and last of an interval, so that what the reading itself takes is in neither
    let migrations = fs::read_to_string("/proc/thread-self/sched").ok().and_then(|text| migrations(&text));
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a structure of the kind that the call fills in, and which is all numbers, for which zero will do.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr());
        usage.assume_init()
    };
    let count = |number: libc::c_long| u64::try_from(number).unwrap_or_default();
    LoopAccount {
        voluntary: count(usage.ru_nvcsw),
        involuntary: count(usage.ru_nivcsw),
        minor_faults: count(usage.ru_minflt),
        major_faults: count(usage.ru_majflt),
        migrations,
    }
}

/// What was counted since an earlier moment.
pub fn since(earlier: &LoopAccount) -> LoopAccount {
    now().minus(earlier)
}

/// `se.nr_migrations                             :                    1`.
fn migrations(sched: &str) -> Option<u64> {
    sched.lines().find(|line| line.contains("nr_migrations"))?.rsplit_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_and_a_new_page_are_counted_for_this_thread_alone() {
        let before = now();
        std::thread::sleep(std::time::Duration::from_millis(1));
        let pages = std::hint::black_box(vec![1u8; 4 << 20]);
        let account = since(&before);
        assert!(account.voluntary >= 1, "{account:?}");
        // a page may be as large as 2 MiB
        assert!(account.minor_faults >= 1, "{account:?}");
        assert_eq!(pages.len(), 4 << 20);
    }

    #[test]
    fn moves_between_cores_are_read_where_the_kernel_says() {
        assert_eq!(migrations("cat (1, #threads: 1)\nse.nr_migrations    :      12\nnr_switches : 3\n"), Some(12));
        assert_eq!(migrations("nr_switches : 3\n"), None);
    }
}
