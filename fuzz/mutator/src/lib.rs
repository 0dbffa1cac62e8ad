//! The OCPP-aware mutator for C: `plugfest_mutator.h` says what the functions do.
//!
//! The only `unsafe` code of the project is here, where pointers come from C.

use std::ffi::c_uint;
use std::sync::atomic::{AtomicU8, Ordering};

use protocol::generate::Seeded;
use protocol::{Role, Version};
use streams::mutator::Dialect;

static VERSION: AtomicU8 = AtomicU8::new(0);
static SENDER: AtomicU8 = AtomicU8::new(0);

/// Chooses the version (16, 201, 21, or 0 for any) and the side that sends (1 station, 2 CSMS, or 0 for either) of
/// the messages that are made from now on.
#[unsafe(no_mangle)]
pub extern "C" fn plugfest_speak(version: c_uint, sender: c_uint) {
    VERSION.store(u8::try_from(version).unwrap_or(0), Ordering::Relaxed);
    SENDER.store(u8::try_from(sender).unwrap_or(0), Ordering::Relaxed);
}

fn dialect() -> Dialect {
    let version = match VERSION.load(Ordering::Relaxed) {
        16 => Some(Version::V16),
        201 => Some(Version::V201),
        21 => Some(Version::V21),
        _ => None,
    };
    let sender = match SENDER.load(Ordering::Relaxed) {
        1 => Some(Role::Station),
        2 => Some(Role::Csms),
        _ => None,
    };
    Dialect { version, sender, steps: false }
}

/// Changes the input in place; gives its new size.
///
/// # Safety
///
/// `data` is valid for reads of `size` bytes and for writes of `max_size` bytes, and nobody else uses them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugfest_mutate(data: *mut u8, size: usize, max_size: usize, seed: c_uint) -> usize {
    // SAFETY: the caller vouches for `size` bytes.
    let input = unsafe { bytes(data, size) };
    let mutant = dialect().mutate(input, max_size, &mut Seeded::new(seed.into()));
    // SAFETY: the caller vouches for `max_size` bytes; `input` is not used any more.
    unsafe { put(&mutant, data, max_size) }
}

/// Writes pieces of two inputs to `out`; gives the size.
///
/// # Safety
///
/// `a` and `b` are valid for reads of their sizes, `out` for writes of `max_size` bytes, which none of the others overlaps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugfest_cross_over(
    a: *const u8,
    a_size: usize,
    b: *const u8,
    b_size: usize,
    out: *mut u8,
    max_size: usize,
    seed: c_uint,
) -> usize {
    // SAFETY: the caller vouches for both.
    let (a, b) = unsafe { (bytes(a, a_size), bytes(b, b_size)) };
    let mutant = dialect().cross_over(a, b, max_size, &mut Seeded::new(seed.into()));
    // SAFETY: the caller vouches for `max_size` bytes.
    unsafe { put(&mutant, out, max_size) }
}

/// [`plugfest_mutate`] under the name that libFuzzer calls.
///
/// # Safety
///
/// That of [`plugfest_mutate`].
#[cfg(feature = "libfuzzer")]
#[unsafe(export_name = "LLVMFuzzerCustomMutator")]
pub unsafe extern "C" fn custom_mutator(data: *mut u8, size: usize, max_size: usize, seed: c_uint) -> usize {
    // SAFETY: passed on.
    unsafe { plugfest_mutate(data, size, max_size, seed) }
}

/// [`plugfest_cross_over`] under the name that libFuzzer calls.
///
/// # Safety
///
/// That of [`plugfest_cross_over`].
#[cfg(feature = "libfuzzer")]
#[unsafe(export_name = "LLVMFuzzerCustomCrossOver")]
pub unsafe extern "C" fn custom_cross_over(
    a: *const u8,
    a_size: usize,
    b: *const u8,
    b_size: usize,
    out: *mut u8,
    max_size: usize,
    seed: c_uint,
) -> usize {
    // SAFETY: passed on.
    unsafe { plugfest_cross_over(a, a_size, b, b_size, out, max_size, seed) }
}

/// # Safety
///
/// `data` is valid for reads of `size` bytes, unless that is 0.
unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if data.is_null() || size == 0 {
        return &[];
    }
    // SAFETY: the caller vouches for it; null and 0 are out of the way.
    unsafe { std::slice::from_raw_parts(data, size) }
}

/// # Safety
///
/// `out` is valid for writes of `max_size` bytes and does not overlap `mutant`.
unsafe fn put(mutant: &[u8], out: *mut u8, max_size: usize) -> usize {
    let size = mutant.len().min(max_size);
    if out.is_null() || size == 0 {
        return 0;
    }
    // SAFETY: `size` is within both, and the mutant is our own memory.
    unsafe { std::ptr::copy_nonoverlapping(mutant.as_ptr(), out, size) };
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_stays_within_the_buffer_of_the_caller() {
        for seed in 0..2000 {
            let mut buffer = [0xaa_u8; 300];
            let text = br#"[2,"1","Heartbeat",{}]"#;
            buffer[..text.len()].copy_from_slice(text);
            // SAFETY: the buffer is longer than both sizes.
            let size = unsafe { plugfest_mutate(buffer.as_mut_ptr(), text.len(), 256, seed) };
            assert!(size <= 256);
            assert_eq!(buffer[256..], [0xaa; 44]);
            let mut out = [0xaa_u8; 100];
            // SAFETY: the sizes are those of the buffers.
            let size = unsafe {
                plugfest_cross_over(text.as_ptr(), text.len(), buffer.as_ptr(), size, out.as_mut_ptr(), 64, seed)
            };
            assert!(size <= 64);
            assert_eq!(out[64..], [0xaa; 36]);
        }
    }

    #[test]
    fn nothing_is_an_input_too() {
        // SAFETY: nothing is read from null, and nothing is written to 0 bytes.
        let size = unsafe { plugfest_mutate(std::ptr::null_mut(), 0, 0, 1) };
        assert_eq!(size, 0);
    }

    #[test]
    fn what_is_spoken_is_what_is_made() {
        plugfest_speak(16, 2);
        assert_eq!(dialect(), Dialect { version: Some(Version::V16), sender: Some(Role::Csms), steps: false });
        plugfest_speak(0, 0);
        assert_eq!(dialect(), Dialect::default());
    }
}
