//! Network functions allocate nothing once their tables are made.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;

use tailbed_traffic::fuzz::Functions;

/// The system's allocator, with a count of what each thread takes.
struct Counting;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; the counter is a plain cell that needs no allocation itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.set(TAKEN.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_frame_makes_a_function_allocate() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/functions");
    let frames: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    let mut functions = Functions::new().unwrap();
    // every frame through every function, in both directions, whole and cut off
    let mut cases: Vec<Vec<u8>> = Vec::new();
    for frame in frames.iter().filter(|frame| !frame.is_empty()) {
        for first in 0..16 {
            for length in [frame.len(), frame.len() / 2, 20] {
                let mut case = frame[..length.clamp(1, frame.len())].to_vec();
                case[0] = first;
                cases.push(case);
            }
        }
    }
    let before = TAKEN.get();
    let right = cases.iter().filter(|case| functions.frame(case).is_ok()).count();
    let taken = TAKEN.get() - before;
    assert_eq!((right, taken), (cases.len(), 0));
    assert!(before > 100, "the counter counts");
}
