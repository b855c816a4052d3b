//! Memory of a table, in huge pages where the kernel has some.
#![allow(unsafe_code)]

use std::ops::Range;

use rustix::mm::{Advice, madvise};

/// Bytes of a huge page (x86-64, and arm64 with pages of 4 KiB).
const HUGE: usize = 2 << 20;

/// Zeroed bytes that begin at a huge page and fill whole ones.
///
/// A lookup at random reads a few far apart places. With pages of 4 KiB each of them may also have to wait for its address to be translated,
/// in a virtual machine through two tables; one huge page's translation serves all lookups in it. The kernel is asked (madvise(2),
/// `MADV_HUGEPAGE`; admin-guide/mm/transhuge) and may have none: then only that is lost.
#[derive(Debug, Clone)]
pub(super) struct HugePages {
    memory: Vec<u8>,
    used: Range<usize>,
}

impl HugePages {
    /// So many bytes.
    pub(super) fn zeroed(length: usize) -> Self {
        let whole = length.next_multiple_of(HUGE);
        let memory = vec![0; whole + HUGE];
        let first = memory.as_ptr().align_offset(HUGE).min(HUGE);
        let start = memory[first..].as_ptr().cast_mut().cast();
        // SAFETY: the range lies within the vector's memory, and this advice changes none of its contents. It is advice: a refusal is
        // no fault.
        let _ = unsafe { madvise(start, whole, Advice::LinuxHugepage) };
        Self { memory, used: first..first + length }
    }

    /// All of them.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.used.clone()]
    }

    /// All of them, to be written.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.used.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_begin_at_a_huge_page() {
        for length in [0, 1, HUGE, HUGE + 1] {
            let mut pages = HugePages::zeroed(length);
            assert_eq!(pages.bytes().as_ptr().align_offset(HUGE), 0);
            assert_eq!(pages.bytes(), vec![0; length]);
            pages.bytes_mut().fill(7);
            assert_eq!(pages.bytes(), vec![7; length]);
        }
    }
}
