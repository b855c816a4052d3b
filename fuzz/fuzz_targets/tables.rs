//! Text of routes, subscribers and rules.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    tailbed_traffic::fuzz::table(bytes).unwrap();
});
