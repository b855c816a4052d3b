//! Links in shared memory into which somebody else writes.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    tailbed_traffic::fuzz::ring(bytes).unwrap();
});
