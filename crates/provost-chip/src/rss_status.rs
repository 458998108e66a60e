//! What the secure system services answer, by name.
//!
//! The success and error words are in the CMSIS header. The others are what a public STM32H7RS test program prints of them: its
//! service takes the same structure, described in the same words, and the checksum's word is that of the STM32H5 manual.

use crate::sources::Confidence;

/// An answer of the provisioning service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RssStatus {
    /// Done.
    Success,
    /// Refused, for no reason that is named.
    Error,
    /// The checksum does not match.
    Checksum,
    /// The encryption word is none that the service knows.
    EncryptionWord,
    /// Encryption was asked for, and the chip has no hardware for it.
    NoCryptography,
    /// An address is out of range.
    AddressRange,
    /// The size is not right.
    Size,
    /// The destination is not right.
    Destination,
    /// Encrypting failed.
    Encryption,
    /// Programming failed.
    Programming,
}

impl RssStatus {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::Error,
        Self::Checksum,
        Self::EncryptionWord,
        Self::NoCryptography,
        Self::AddressRange,
        Self::Size,
        Self::Destination,
        Self::Encryption,
        Self::Programming,
    ];

    /// Word, short name, and what it says.
    const fn row(self) -> (u32, &'static str, &'static str) {
        match self {
            Self::Success => (0xEAEA_EAEA, "success", "done"),
            Self::Error => (0xF5F5_F5F5, "error", "refused, for a reason that the service does not name"),
            Self::Checksum => (0xF5F5_8080, "checksum", "the checksum of the request does not match"),
            Self::EncryptionWord => {
                (0xF5F5_E00E, "encryption-word", "the encryption word is none that the service knows")
            }
            Self::NoCryptography => {
                (0xF5F5_0880, "no-cryptography", "encryption was asked for, and there is no hardware for it")
            }
            Self::AddressRange => (0xF5F5_E0E0, "address-range", "an address is out of range"),
            Self::Size => (0xF5F5_0E0E, "size", "the size is not right"),
            Self::Destination => (0xF5F5_0008, "destination", "the destination is not right"),
            Self::Encryption => (0xF5F5_0EE0, "encryption", "encrypting failed"),
            Self::Programming => (0xF5F5_0808, "programming", "programming failed"),
        }
    }

    /// The word in R0.
    pub const fn word(self) -> u32 {
        self.row().0
    }

    /// A short name for documents.
    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    /// What it says, in words.
    pub const fn says(self) -> &'static str {
        self.row().2
    }

    /// How sure it is that the word means this on an STM32H5.
    pub const fn confidence(self) -> Confidence {
        match self {
            Self::Success | Self::Error => Confidence::Documented,
            Self::Checksum => Confidence::Observed,
            _ => Confidence::Code,
        }
    }

    /// Keys of [`crate::sources::Source`].
    pub const fn source(self) -> &'static [&'static str] {
        match self {
            Self::Success | Self::Error => &["CMSIS"],
            Self::Checksum => &["ST-843175", "H7RS-RSS"],
            _ => &["H7RS-RSS"],
        }
    }

    /// The status with this word.
    pub fn from_word(word: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// A word as people read it: `0xf5f5e00e: the encryption word is none that the service knows`.
pub fn describe(word: u32) -> String {
    match RssStatus::from_word(word) {
        Some(status) => format!("{word:#010x}: {}", status.says()),
        None => format!("{word:#010x}, a word that is described nowhere in public"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Source;

    #[test]
    fn words_and_names_are_unique_and_cite_sources() {
        for status in RssStatus::ALL {
            assert_eq!(RssStatus::from_word(status.word()), Some(status));
            assert_eq!(RssStatus::ALL.iter().filter(|s| s.as_str() == status.as_str()).count(), 1);
            assert!(status.source().iter().all(|key| Source::find(key).is_some()), "{status:?}");
        }
        // RSSLIB_SUCCESS and RSSLIB_ERROR of the CMSIS header; ST community td-p/843175.
        let words = [RssStatus::Success, RssStatus::Error, RssStatus::Checksum].map(RssStatus::word);
        assert_eq!(words, [0xEAEA_EAEA, 0xF5F5_F5F5, 0xF5F5_8080]);
        assert_eq!(RssStatus::from_word(0), None);
        assert_eq!(describe(0xF5F5_E00E), "0xf5f5e00e: the encryption word is none that the service knows");
    }
}
