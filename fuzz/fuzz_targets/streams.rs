//! What comes over the stream between the binary and an agent.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    tailbed_format::fuzz::stream(bytes).unwrap();
});
