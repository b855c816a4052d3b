//! Frames through network functions.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use tailbed_traffic::fuzz::Functions;

thread_local! {
    static FUNCTIONS: RefCell<Functions> = RefCell::new(Functions::new().unwrap());
}

fuzz_target!(|bytes: &[u8]| {
    FUNCTIONS.with_borrow_mut(|functions| functions.frame(bytes)).unwrap();
});
