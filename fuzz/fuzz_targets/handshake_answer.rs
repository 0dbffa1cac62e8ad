#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| plugfest_fuzz::handshake_answer(data));
