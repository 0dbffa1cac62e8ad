//! Where choices come from.

/// A stream of choices.
pub trait Choices {
    /// A number from `0` up to but not including `bound`; `0` if `bound` is `0`.
    fn choose(&mut self, bound: u64) -> u64;
}

/// Choices from a seed: SplitMix64, the same on every machine.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }
}

impl Choices for Seeded {
    fn choose(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^= word >> 31;
        if bound == 0 { 0 } else { word % bound }
    }
}

/// Choices from bytes, as a fuzzer gives them; when they run out every choice is `0`.
#[derive(Clone, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// The stream of these bytes.
    pub fn new(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes(bytes)
    }

    /// Whether all bytes are used up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Choices for Bytes<'_> {
    fn choose(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        // As many bytes as the bound needs, so that small choices stay cheap for the fuzzer.
        let width = (64 - (bound - 1).leading_zeros()).div_ceil(8) as usize;
        let (taken, rest) = self.0.split_at(width.min(self.0.len()));
        self.0 = rest;
        let word = taken.iter().fold(0, |word: u64, &byte| (word << 8) | u64::from(byte));
        word % bound
    }
}

/// True once in `of` times.
pub fn one_in(of: u64, choices: &mut dyn Choices) -> bool {
    // The last value means yes, so that a stream of zeros keeps to the plain road.
    choices.choose(of) == of.saturating_sub(1)
}

/// One of these.
pub fn pick<'a, T>(from: &'a [T], choices: &mut dyn Choices) -> Option<&'a T> {
    let at = choices.choose(from.len() as u64);
    from.get(usize::try_from(at).unwrap_or(0))
}
