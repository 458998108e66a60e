//! The crypto systems ADAC numbers, and SHA-256.

use core::fmt;

use sha2::{Digest, Sha256};

use crate::open_enum::open_enum;

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

open_enum! {
    /// A crypto system by its ADAC number (Arm psa_adac.h, adac-rs; 0x80 from ST). STM32H5 knows [`EcdsaP256Sha256`] and
    /// [`StPassword`] only, and so does this crate; the others have their name and sizes.
    ///
    /// [`EcdsaP256Sha256`]: Self::EcdsaP256Sha256
    /// [`StPassword`]: Self::StPassword
    CryptoSystem: u8 {
        /// ECDSA on P-256 with SHA-256.
        EcdsaP256Sha256 = 0x01, "Ecdsa-P256 SHA256";
        /// ECDSA on P-521 with SHA-512.
        EcdsaP521Sha512 = 0x02, "Ecdsa-P521 SHA512";
        /// RSA, 3072 bits, with SHA-256.
        Rsa3072Sha256 = 0x03, "RSA-3072 SHA256";
        /// RSA, 4096 bits, with SHA-256.
        Rsa4096Sha256 = 0x04, "RSA-4096 SHA256";
        /// Ed25519 with SHA-512.
        Ed25519Sha512 = 0x05, "Ed25519 SHA512";
        /// Ed448 with SHAKE256.
        Ed448Shake256 = 0x06, "Ed448 SHAKE256";
        /// SM2 with SM3.
        Sm2Sm3 = 0x07, "SM2 SM3";
        /// CMAC with AES.
        CmacAes = 0x08, "CMAC AES";
        /// HMAC with SHA-256.
        HmacSha256 = 0x09, "HMAC SHA256";
        /// ECDSA on P-384 with SHA-384 (ADAC 1.1).
        EcdsaP384Sha384 = 0x0A, "Ecdsa-P384 SHA384";
        /// ML-DSA-44 (ADAC 1.1).
        MlDsa44 = 0x0B, "ML-DSA-44";
        /// ML-DSA-65 (ADAC 1.1).
        MlDsa65 = 0x0C, "ML-DSA-65";
        /// ML-DSA-87 (ADAC 1.1).
        MlDsa87 = 0x0D, "ML-DSA-87";
        /// ST's password: no keys at all.
        StPassword = 0x80, "ST Password";
    }
}

/// Bytes a crypto system's fields take in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sizes {
    /// Bytes of a public key.
    pub public_key: usize,
    /// Bytes of a hash.
    pub hash: usize,
    /// Bytes of a signature.
    pub signature: usize,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}, hash {}, signature {} bytes", self.public_key, self.hash, self.signature)
    }
}

impl CryptoSystem {
    /// True if this crate reads, makes and verifies its certificates and tokens.
    pub const fn is_supported(self) -> bool {
        matches!(self, Self::EcdsaP256Sha256)
    }

    /// Sizes in a certificate, padded to words as Arm's structures have them (Ed448: 57 of 60 and 114 of 116 bytes in use;
    /// ML-DSA-65: 3309 of 3312, ML-DSA-87: 4627 of 4628), where a public source gives them (adac-rs).
    pub const fn sizes(self) -> Option<Sizes> {
        let (public_key, hash, signature) = match self {
            Self::EcdsaP256Sha256 | Self::Sm2Sm3 => (64, 32, 64),
            Self::EcdsaP521Sha512 => (132, 64, 132),
            Self::Rsa3072Sha256 => (384, 32, 384),
            Self::Rsa4096Sha256 => (512, 32, 512),
            Self::Ed25519Sha512 => (32, 64, 64),
            Self::Ed448Shake256 => (60, 64, 116),
            Self::EcdsaP384Sha384 => (96, 48, 96),
            Self::MlDsa44 => (1312, 32, 2420),
            Self::MlDsa65 => (1952, 48, 3312),
            Self::MlDsa87 => (2592, 64, 4628),
            _ => return None,
        };
        Some(Sizes { public_key, hash, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_st_prints() {
        assert_eq!(CryptoSystem::from(0x01).to_string(), "Ecdsa-P256 SHA256");
        assert_eq!(CryptoSystem::from(0x80).to_string(), "ST Password");
        assert_eq!(CryptoSystem::from(0x7E), CryptoSystem::Other(0x7E));
    }

    #[test]
    fn sizes_are_those_of_the_standards_filled_up_to_words() {
        // FIPS 186-5 and SEC 1 (curves), RFC 8032 (Edwards curves), RFC 8017 (RSA), FIPS 204 (ML-DSA); bytes of key and signature.
        let table = [
            (CryptoSystem::EcdsaP256Sha256, 64, 32, 64),
            (CryptoSystem::Sm2Sm3, 64, 32, 64),
            (CryptoSystem::EcdsaP384Sha384, 96, 48, 96),
            (CryptoSystem::EcdsaP521Sha512, 2 * 66, 64, 2 * 66),
            (CryptoSystem::Rsa3072Sha256, 3072 / 8, 32, 3072 / 8),
            (CryptoSystem::Rsa4096Sha256, 4096 / 8, 32, 4096 / 8),
            (CryptoSystem::Ed25519Sha512, 32, 64, 64),
            (CryptoSystem::Ed448Shake256, 57, 64, 114),
            (CryptoSystem::MlDsa44, 1312, 32, 2420),
            (CryptoSystem::MlDsa65, 1952, 48, 3309),
            (CryptoSystem::MlDsa87, 2592, 64, 4627),
        ];
        for (system, public_key, hash, signature) in table {
            let words = |bytes: usize| bytes.next_multiple_of(4);
            let sizes = Sizes { public_key: words(public_key), hash, signature: words(signature) };
            assert_eq!(system.sizes(), Some(sizes), "{system}");
        }
        for system in [CryptoSystem::StPassword, CryptoSystem::HmacSha256, CryptoSystem::Other(0x7E)] {
            assert_eq!(system.sizes(), None, "{system}");
        }
    }

    #[test]
    fn sha256_of_abc() {
        // FIPS 180-4 example.
        assert_eq!(sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
