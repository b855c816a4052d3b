//! Results of other programs.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    tailbed_stats::fuzz::results(bytes).unwrap();
});
