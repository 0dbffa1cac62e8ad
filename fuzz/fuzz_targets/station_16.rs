#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| plugfest_fuzz::station_16(data));
plugfest_fuzz::mutated_as!(plugfest_fuzz::mutator::TO_STATION_16);
