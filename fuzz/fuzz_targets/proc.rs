//! Texts of /proc.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    tailbed_stats::fuzz::proc(bytes).unwrap();
});
