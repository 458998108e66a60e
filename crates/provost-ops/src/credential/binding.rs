//! What ties a credential to a plan, a journal and a receipt, without anything secret in it.

use std::fmt;

use provost_chip::{states::DaMethod, unique_id::UniqueId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{CredentialSet, hex, slow_hash::LARGEST_LOG_N};

/// Cost of the slow hash of a password: 2^14 blocks of 1 KB, some 40 ms (RFC 7914 §2, "N"; OWASP asks for no less with r = 8).
const LOG_N: u8 = 14;
/// What tells these hashes from any others of the same password.
const DOMAIN: &[u8] = b"provost.credential-binding/1";

/// What ties a credential to a document.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Binding {
    /// The chain's root key, which is public.
    Certificate {
        /// SHA-256 over the root key as the chip holds it, in hexadecimal.
        #[schemars(regex(pattern = crate::schema::SHA256))]
        root_key_hash: String,
    },
    /// A slow hash of the password, salted: one guess costs as much as one try at the chip's door would.
    Password {
        /// The salt, in hexadecimal: of the chip's unique id, so that a plan made twice is the same plan.
        #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
        salt: String,
        /// log2 of scrypt's N; r = 8, p = 1.
        #[schemars(range(min = 10, max = LARGEST_LOG_N))]
        log_n: u8,
        /// The hash, in hexadecimal.
        #[schemars(regex(pattern = crate::schema::SHA256))]
        hash: String,
    },
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({})", self.short())
    }
}

impl Binding {
    /// The binding of the credential of this kind in a set, for this chip; `None` if the set has none.
    pub fn of(set: &CredentialSet, method: DaMethod, chip: Option<UniqueId>) -> Option<Self> {
        match method {
            DaMethod::Certificate => set.fingerprint().map(|root_key_hash| Self::Certificate { root_key_hash }),
            DaMethod::Password => {
                let salt = salt(chip);
                let hash = slow_hash(set, &salt, LOG_N)?;
                Some(Self::Password { salt: hex(&salt), log_n: LOG_N, hash })
            }
        }
    }

    /// Whether the set holds the credential.
    pub fn fits(&self, set: &CredentialSet) -> bool {
        match self {
            Self::Certificate { root_key_hash } => set.fingerprint().as_ref() == Some(root_key_hash),
            Self::Password { salt, log_n, hash } => {
                let Some(salt) = unhex(salt) else { return false };
                let found = slow_hash(set, &salt, *log_n).unwrap_or_default();
                bool::from(found.as_bytes().ct_eq(hash.as_bytes()))
            }
        }
    }

    /// Its first digits, for people and for the phrase that confirms a close.
    pub fn short(&self) -> String {
        let (kind, hash) = match self {
            Self::Certificate { root_key_hash } => ("key", root_key_hash),
            Self::Password { hash, .. } => ("password", hash),
        };
        format!("{kind} {}", hash.get(..8).unwrap_or(hash))
    }

    /// Hash of the root key, for a certificate.
    pub fn root_key_hash(&self) -> Option<&str> {
        match self {
            Self::Certificate { root_key_hash } => Some(root_key_hash),
            Self::Password { .. } => None,
        }
    }
}

fn salt(chip: Option<UniqueId>) -> [u8; 16] {
    let mut digest = Sha256::new_with_prefix(DOMAIN);
    if let Some(chip) = chip {
        chip.words().iter().for_each(|word| digest.update(word.to_le_bytes()));
    }
    let mut salt = [0; 16];
    salt.copy_from_slice(&digest.finalize()[..16]);
    salt
}

/// The hash, worked out once per password, salt and cost: a job asks for it several times.
fn slow_hash(set: &CredentialSet, salt: &[u8], log_n: u8) -> Option<String> {
    set.hashes.of(set.password.as_ref()?, salt, log_n).map(|hash| hex(&hash))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 128 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use provost_adac::password::Password;

    use super::{super::slow_hash::SlowHashes, *};

    fn set(password: &str) -> CredentialSet {
        CredentialSet::from_password(Password::new(password.as_bytes()).unwrap())
    }

    #[test]
    fn a_password_is_bound_without_being_shown() {
        let chip = UniqueId::new([1, 2, 3]);
        let binding = Binding::of(&set("correct horse 16"), DaMethod::Password, chip).unwrap();
        assert!(binding.fits(&set("correct horse 16")));
        assert!(!binding.fits(&set("correct horse 17")));
        assert_eq!(Binding::of(&set("correct horse 16"), DaMethod::Password, chip), Some(binding.clone()));
        let other = Binding::of(&set("correct horse 16"), DaMethod::Password, UniqueId::new([1, 2, 4])).unwrap();
        assert_ne!(other, binding, "another chip, another salt");
        let fast = hex(&Sha256::digest("correct horse 16"));
        let text = serde_json::to_string(&binding).unwrap();
        assert!(!text.contains("horse") && !text.contains(&fast), "{text}");
        assert_eq!(serde_json::from_str::<Binding>(&text).unwrap(), binding);
    }

    #[test]
    fn a_shared_memory_keeps_passwords_apart() {
        let hashes = SlowHashes::default();
        let bound = |password: &str| Binding::of(&set(password).sharing(&hashes), DaMethod::Password, None).unwrap();
        let (one, other) = (bound("correct horse 16"), bound("correct horse 17"));
        assert!(one != other && one == bound("correct horse 16"));
        assert!(!one.fits(&set("correct horse 17").sharing(&hashes)));
        assert!(one.fits(&set("correct horse 16")), "what was remembered is what is worked out");
        assert!(!format!("{hashes:?}").contains("horse"));
    }

    #[test]
    fn a_document_cannot_ask_for_minutes() {
        let binding = Binding::Password { salt: "00".repeat(16), log_n: 30, hash: "00".repeat(32) };
        assert!(!binding.fits(&set("correct horse 16")));
        let odd = Binding::Password { salt: "zz".to_owned(), log_n: LOG_N, hash: String::new() };
        assert!(!odd.fits(&set("correct horse 16")));
    }
}
