//! A file in memory, as words that others may write at any time.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Bytes of a word.
pub(super) const WORD: usize = 8;

/// A shared mapping of a whole file. It hands out atomic words only: whoever else has the file may write to it, and what is read then is
/// one value or the other.
#[derive(Debug)]
pub(super) struct Mapping {
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and all access to it is atomic.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps a file as long as it is. Its pages are made at once, so that there are no page faults later.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if length == 0 {
            return Err(io::Error::other("it is empty"));
        }
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let base = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, flags, file, 0)? };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("it was mapped at address zero"))?;
        Ok(Self { base, length })
    }

    /// Bytes.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// So many words from an offset on, which is a multiple of their size.
    #[inline]
    pub(super) fn words(&self, offset: usize, words: usize) -> &[AtomicU64] {
        let end = words.checked_mul(WORD).and_then(|bytes| bytes.checked_add(offset));
        assert!(offset.is_multiple_of(WORD) && end.is_some_and(|end| end <= self.length));
        // SAFETY: the words lie within the mapping, which is aligned to a page and lives as long as the borrow; atomic words may be
        // written by others meanwhile, and any bytes are a value of theirs.
        unsafe { std::slice::from_raw_parts(self.base.add(offset).cast().as_ptr(), words) }
    }

    /// The word at an offset.
    #[inline]
    pub(super) fn word(&self, offset: usize) -> &AtomicU64 {
        &self.words(offset, 1)[0]
    }

    /// The half word at an offset, which is a multiple of a word's size.
    #[inline]
    pub(super) fn half(&self, offset: usize) -> &AtomicU32 {
        let word: *const AtomicU64 = self.word(offset);
        // SAFETY: the first half of a word that is there; every access to it is by this function, of the same size.
        unsafe { &*word.cast() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length, and no reference into it outlives `self`. There is nothing to be done about a
        // refusal, and none is possible for a whole mapping of our own.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}
