//! The answer to AUTH_START: version of ADAC and a challenge, 36 bytes (psa_adac.h `psa_auth_challenge_t`).

/// 32 random bytes a token is signed over.
pub type Challenge = [u8; 32];

/// Data words of the answer.
pub const WORDS: usize = 9;

/// The answer to AUTH_START.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the wire")]
pub struct AuthStart {
    /// Version of ADAC: major, minor. Zero from ST's password-only target (STM32CubeN6).
    pub version: (u8, u8),
    /// What a token is signed over; zeros from ST's password-only target.
    pub challenge: Challenge,
}

/// The answer to AUTH_START has not 9 words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer to AUTH_START has {WORDS} data words, not {found}")]
#[non_exhaustive]
pub struct AuthStartLength {
    /// Words found.
    pub found: usize,
}

impl AuthStart {
    /// The data words of the response.
    pub fn to_words(&self) -> [u32; WORDS] {
        let (major, minor) = self.version;
        let mut words = [0; WORDS];
        words[0] = u32::from_le_bytes([major, minor, 0, 0]);
        for (word, bytes) in words[1..].iter_mut().zip(self.challenge.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        words
    }

    /// From the data words of the response. The reserved half of the first word is not looked at.
    ///
    /// # Errors
    /// [`AuthStartLength`].
    pub fn from_words(words: &[u32]) -> Result<Self, AuthStartLength> {
        let &[first, ref rest @ ..]: &[u32; WORDS] =
            words.try_into().map_err(|_| AuthStartLength { found: words.len() })?;
        let [major, minor, ..] = first.to_le_bytes();
        let mut challenge = [0; 32];
        for (bytes, word) in challenge.as_chunks_mut::<4>().0.iter_mut().zip(rest) {
            *bytes = word.to_le_bytes();
        }
        Ok(Self { version: (major, minor), challenge })
    }
}
