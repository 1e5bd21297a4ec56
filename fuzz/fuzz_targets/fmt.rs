//! A flow file: formatted.
#![no_main]

#[path = "../../tests/it/fuzzed/properties.rs"]
#[expect(dead_code, reason = "each target tries one of the properties")]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::fmt(bytes));
