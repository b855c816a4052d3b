//! Experiment files.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    tailbed_plan::fuzz::experiment(bytes).unwrap();
});
