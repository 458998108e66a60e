//! Seeded choices: the same seed, the same chip, the same story.

/// SplitMix64 (public domain).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0x5851_F42D_4C95_7F2D)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// `true` so many times in a hundred.
    pub fn percent(&mut self, share: u32) -> bool {
        self.next() % 100 < u64::from(share)
    }

    /// One of these, as often as its weight says.
    pub fn of<T: Copy>(&mut self, choices: &[(T, u32)]) -> T {
        let sum: u32 = choices.iter().map(|(_, weight)| weight).sum();
        let mut place = (self.next() % u64::from(sum.max(1))) as u32;
        for (choice, weight) in choices {
            if place < *weight {
                return *choice;
            }
            place -= weight;
        }
        choices[0].0
    }
}
