//! Seeded choices: the same seed, the same story, on every machine.

/// A source of pseudo-random choices: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
///
/// ```
/// # use provost_testkit::Random;
/// let story = |seed| { let mut random = Random::new(seed); [(); 4].map(|()| random.below(100)) };
/// assert_eq!(story(1), story(1));
/// assert_ne!(story(1), story(2));
/// ```
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A source that begins here.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `end`; zero if that is zero.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// `true` once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// `true` so many times in a hundred.
    pub fn percent(&mut self, share: u32) -> bool {
        self.number() % 100 < u64::from(share)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// One of these, as often as its weight says.
    pub fn of<T: Copy>(&mut self, choices: &[(T, u32)]) -> T {
        let sum: u32 = choices.iter().map(|(_, weight)| weight).sum();
        let mut place = (self.number() % u64::from(sum.max(1))) as u32;
        for (choice, weight) in choices {
            if place < *weight {
                return *choice;
            }
            place -= weight;
        }
        choices[0].0
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    /// The first numbers from 1234567, as the reference implementation prints them (Rosetta Code, "Pseudo-random numbers/Splitmix64").
    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut random = Random::new(1_234_567);
        let due = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(due.map(|_| random.number()), due);
    }

    #[test]
    fn choices_keep_to_their_bounds() {
        let mut random = Random::new(7);
        for _ in 0..1000 {
            assert!(random.below(3) < 3);
            assert_eq!(random.below(0), 0);
            assert!(random.percent(100) && !random.percent(0));
            assert_ne!(random.of(&[("never", 0), ("always", 5)]), "never");
        }
    }
}
