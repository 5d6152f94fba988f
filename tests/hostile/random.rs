//! Random numbers that a seed brings back.

/// Marsaglia's xorshift: the same numbers for the same seed.
pub struct Random(u64);

impl Random {
    /// `seed` is not 0.
    pub fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("less than `end`")
    }

    pub fn byte(&mut self) -> u8 {
        self.next().to_ne_bytes()[3]
    }

    /// A number that is small, large or a limit.
    pub fn number(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.next().to_ne_bytes();
        match self.below(4) {
            0 => 0,
            1 => u32::MAX,
            2 => a.into(),
            _ => u32::from_ne_bytes([a, b, c, d]),
        }
    }
}
