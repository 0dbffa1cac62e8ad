//! The OCPP-aware mutator as libFuzzer calls it.

use protocol::generate::{Choices, Seeded};
use protocol::{Role, Version};
pub use streams::mutator::Dialect;

/// Messages of every version and both sides, or any JSON.
pub const ANY: Dialect = Dialect { version: None, sender: None, steps: false };
/// What a 1.6 station hears.
pub const TO_STATION_16: Dialect = conversation(Version::V16, Role::Csms);
/// What a 2.0.1 station hears.
pub const TO_STATION_201: Dialect = conversation(Version::V201, Role::Csms);
/// What a 1.6 CSMS hears.
pub const TO_CSMS_16: Dialect = conversation(Version::V16, Role::Station);
/// What a 2.0.1 CSMS hears.
pub const TO_CSMS_201: Dialect = conversation(Version::V201, Role::Station);

const fn conversation(version: Version, sender: Role) -> Dialect {
    Dialect { version: Some(version), sender: Some(sender), steps: true }
}

/// Gives the target that calls it the OCPP-aware mutator with this dialect.
#[macro_export]
macro_rules! mutated_as {
    ($dialect:expr) => {
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutator::mutate($dialect, data, size, max_size, seed)
        });
        libfuzzer_sys::fuzz_crossover!(|a: &[u8], b: &[u8], out: &mut [u8], seed: u32| {
            $crate::mutator::cross_over($dialect, a, b, out, seed)
        });
    };
}

/// Changes the input in place; gives its new size.
pub fn mutate(dialect: Dialect, data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut choices = Seeded::new(seed.into());
    // What libFuzzer has seen compared comes in only by its own way.
    if choices.choose(5) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    put(&dialect.mutate(&data[..size], max_size, &mut choices), data)
}

/// Writes pieces of two inputs; gives the size.
pub fn cross_over(dialect: Dialect, a: &[u8], b: &[u8], out: &mut [u8], seed: u32) -> usize {
    put(&dialect.cross_over(a, b, out.len(), &mut Seeded::new(seed.into())), out)
}

fn put(mutant: &[u8], out: &mut [u8]) -> usize {
    let size = mutant.len().min(out.len());
    out[..size].copy_from_slice(&mutant[..size]);
    size
}
