#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| plugfest_fuzz::trace(data));
plugfest_fuzz::mutated_as!(plugfest_fuzz::mutator::ANY);
